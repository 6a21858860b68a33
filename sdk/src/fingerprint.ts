/**
 * What a node is, as agent, page and relay compute it alike (`tillside_cobrowse::control::fingerprint`): 32-bit FNV-1a
 * over tag, `id`, `type` and `role`, each followed by a line feed.
 */
export function fingerprint(tag: string, id: string, type: string, role: string): number {
	const bytes = new TextEncoder().encode(`${tag}\n${id}\n${type}\n${role}\n`);
	return bytes.reduce((hash, byte) => Math.imul(hash ^ byte, 0x01000193) >>> 0, 0x811c9dc5);
}
