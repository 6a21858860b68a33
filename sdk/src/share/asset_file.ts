/** Reads one file as the node takes it: PNG, JPEG, GIF, WebP, AVIF, WOFF or WOFF2, small enough. */

/** Longest side of a picture that had to be made smaller, in pixels. */
const SIDE_MAX = 1_600;
/** Quality of pictures that had to be made smaller. */
const QUALITY = 0.8;
/** How long a file may take, in milliseconds. */
const FETCH_MS_MAX = 15_000;

/**
 * The file of an address.
 *
 * @param bytesMax larger pictures are drawn smaller
 * @returns undefined if the page may not read it, or it is nothing that the node takes
 */
export async function readAsset(address: string, bytesMax: number): Promise<Uint8Array | undefined> {
	const file = await load(address);
	const kind = file === undefined ? undefined : sniff(file);
	if (file !== undefined && kind !== undefined && kind !== "svg" && file.length <= bytesMax) return file;
	if (kind === "font" || (file !== undefined && kind === undefined)) return undefined;
	// A policy may let the page show a picture, but not fetch it.
	const drawn = await draw(address, kind === "svg" ? "image/png" : "image/webp");
	return drawn !== undefined && drawn.length <= bytesMax && sniff(drawn) !== undefined ? drawn : undefined;
}

/** What a file is, by its first bytes. */
export function sniff(file: Uint8Array): "image" | "font" | "svg" | undefined {
	const head = String.fromCharCode(...file.subarray(0, 16));
	if (head.startsWith("\x89PNG\r\n\x1a\n") || head.startsWith("\xff\xd8\xff") || /^GIF8[79]a/.test(head))
		return "image";
	if (/^RIFF....WEBP/s.test(head) || /^....ftypavi[fs]/s.test(head)) return "image";
	if (head.startsWith("wOFF") || head.startsWith("wOF2")) return "font";
	const start = new TextDecoder().decode(file.subarray(0, 512));
	return /^\s*(?:<\?xml[^>]*>\s*)?(?:<!--[^]*?-->\s*)*(?:<!doctype svg[^>]*>\s*)?<svg[\s>]/i.test(start)
		? "svg"
		: undefined;
}

async function load(address: string): Promise<Uint8Array | undefined> {
	if (address.startsWith("data:")) return decodeData(address);
	try {
		const isOwn = new URL(address).origin === location.origin || address.startsWith("blob:");
		const response = await fetch(address, {
			cache: "force-cache",
			credentials: isOwn ? "same-origin" : "omit",
			mode: isOwn ? "same-origin" : "cors",
			referrerPolicy: "no-referrer",
			signal: AbortSignal.timeout(FETCH_MS_MAX),
		});
		return response.ok ? new Uint8Array(await response.arrayBuffer()) : undefined;
	} catch {
		return undefined;
	}
}

/** Not fetched: a strict `connect-src` allows no `data:`. */
function decodeData(address: string): Uint8Array | undefined {
	const [, meta = "", content = ""] = /^data:([^,]*),(.*)$/s.exec(address) ?? [];
	try {
		const text = decodeURIComponent(content);
		if (!/;base64$/i.test(meta.trim())) return new TextEncoder().encode(text);
		return Uint8Array.from(atob(text.replace(/\s/g, "")), (character) => character.charCodeAt(0));
	} catch {
		return undefined;
	}
}

/** Draws a picture, at most {@link SIDE_MAX} wide and high. */
async function draw(address: string, type: string): Promise<Uint8Array | undefined> {
	try {
		const image = new Image();
		image.crossOrigin = "anonymous";
		image.src = address;
		await image.decode();
		const [width, height] = [image.naturalWidth || 300, image.naturalHeight || 150];
		const scale = Math.min(1, SIDE_MAX / Math.max(width, height));
		const canvas = document.createElement("canvas");
		canvas.width = Math.max(1, Math.round(width * scale));
		canvas.height = Math.max(1, Math.round(height * scale));
		canvas.getContext("2d")?.drawImage(image, 0, 0, canvas.width, canvas.height);
		const blob = await new Promise<Blob | null>((resolve) => canvas.toBlob(resolve, type, QUALITY));
		return blob === null ? undefined : new Uint8Array(await blob.arrayBuffer());
	} catch {
		return undefined;
	}
}
