/** What a node is, as agent, relay and page compute it alike. */

/** Elements whose `type` the relay keeps. */
const TYPED = /^(?:input|button|ol|ul|li|style)$/;

/** 32-bit FNV-1a over tag, `id`, `type` and `role`, each followed by a line feed. */
export function fingerprint(node: Element | Document): number {
	if (!(node instanceof Element)) return fnv(["", "", "", ""]);
	const tag = node.localName.toLowerCase();
	const attribute = (name: string) => node.getAttribute(name) ?? "";
	return fnv([tag, attribute("id"), TYPED.test(tag) ? attribute("type") : "", attribute("role")]);
}

function fnv(parts: string[]): number {
	const bytes = new TextEncoder().encode(parts.map((part) => `${part}\n`).join(""));
	let hash = 0x811c9dc5;
	for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x01000193);
	return hash >>> 0;
}
