/**
 * Pictures and fonts of the shopper's page: asked for by name, taken by content, shown from memory.
 *
 * The view has no network of its own, so that a page cannot tell anybody what it shows; what it needs comes over the
 * share's socket and ends with it.
 */
import { Emitter } from "../client/emitter";

/** A name as the sharer's SDK gives it: `asset:` and 64 hex digits. */
const REFERENCE = /asset:([0-9a-f]{64})/;
const NAME_BYTES = 32;
/** Most different assets of a share; a page with more shows the others as boxes. */
const ASSETS_MAX = 4_096;

/** Stands for a picture that is on its way: no size and no shape of its own, so that the page gives it both. */
const WAITING =
	'<svg xmlns="http://www.w3.org/2000/svg"><rect width="100%" height="100%" fill="#8884" fill-opacity=".25"/></svg>';

export interface AssetEvents {
	/** Ask the node for this one. */
	wanted: string;
	/** It is here. */
	arrived: { name: string; url: string };
}

export class Assets extends Emitter<AssetEvents> {
	/** By name; undefined while it is on its way. */
	readonly #urls = new Map<string, string | undefined>();
	readonly #placeholder = URL.createObjectURL(new Blob([WAITING], { type: "image/svg+xml" }));

	/** What to show where a picture is not there yet. */
	get placeholder(): string {
		return this.#placeholder;
	}

	/** The address of an asset; undefined while it is not here. Asks for it the first time. */
	urlOf(name: string): string | undefined {
		if (!this.#urls.has(name) && this.#urls.size < ASSETS_MAX) {
			this.#urls.set(name, undefined);
			this.emit("wanted", name);
		}
		return this.#urls.get(name);
	}

	/** What is still on its way: a new socket asks again. */
	get missing(): string[] {
		return [...this.#urls].filter(([, url]) => url === undefined).map(([name]) => name);
	}

	/** A message of the node after its first byte: the name, then the file. What is no picture and no font is dropped. */
	handleMessage(message: Uint8Array<ArrayBuffer>): void {
		const name = [...message.subarray(0, NAME_BYTES)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
		const file = message.subarray(NAME_BYTES);
		const type = typeOf(file);
		if (type === undefined || !this.#urls.has(name) || this.#urls.get(name) !== undefined) return;
		const url = URL.createObjectURL(new Blob([file], { type }));
		this.#urls.set(name, url);
		this.emit("arrived", { name, url });
	}

	/** Frees everything. */
	end(): void {
		for (const url of this.#urls.values()) if (url !== undefined) URL.revokeObjectURL(url);
		URL.revokeObjectURL(this.#placeholder);
		this.#urls.clear();
	}
}

/** The name in an asset's address; undefined for any other address. */
export function assetIn(address: string): string | undefined {
	const match = REFERENCE.exec(address);
	return match !== null && match[0] === address.trim() ? match[1] : undefined;
}

/** First bytes of the kinds that a view shows; `?` stands for any byte. Never a kind that can hold a document. */
const KINDS: readonly [type: string, magic: string][] = [
	["image/png", "\x89PNG\r\n\x1a\n"],
	["image/jpeg", "\xff\xd8\xff"],
	["image/gif", "GIF8"],
	["image/webp", "RIFF????WEBP"],
	["image/avif", "????ftypavi"],
	["font/woff", "wOFF"],
	["font/woff2", "wOF2"],
];

function typeOf(file: Uint8Array): string | undefined {
	const begins = (magic: string) =>
		[...magic].every((letter, place) => letter === "?" || file[place] === letter.charCodeAt(0));
	return KINDS.find(([, magic]) => begins(magic))?.[0];
}
