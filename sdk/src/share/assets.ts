/**
 * Pictures and fonts of the page: each address gets a random name, and its file is uploaded under that name, once.
 *
 * The relay and the agents never learn an address. Files come out of the browser's cache with the page's own rights;
 * what the page may not read stays a box.
 */
import { ASSET_BYTES_MAX, SHARE_ASSETS_BYTES_MAX } from "../protocol";
import { readAsset } from "./asset_file";
import * as mask from "./mask";
import { type Masked, NOTHING } from "./mask";

/** Most addresses that get a name; a page that makes up more shows the rest as boxes. */
const NAMES_MAX = 4_000;
/** Files that are fetched at the same time: the page's own requests go first. */
const FETCHES_MAX = 3;
/** How often the socket is looked at while it is too full for files, in milliseconds. */
const ROOM_LOOK_MS = 100;
/** Longest address that is kept for the next page: drawings inside addresses would fill the tab's store. */
const KEPT_ADDRESS_MAX = 512;
/** Where names and what was uploaded outlive a page, for this tab only. */
const MEMORY_KEY = "tillside-assets";

export interface AssetTarget {
	/** Whether a file may be sent now. */
	takesAssets: () => boolean;
	send: (name: Uint8Array, file: Uint8Array) => void;
	/** The file of an address cannot be had: whoever shows it should show a box. */
	failed: (address: string) => void;
}

interface Kept {
	share: string;
	/** Address → 64 hex digits. */
	names: Record<string, string>;
	/** Names that the node has. */
	sent: string[];
	bytes: number;
}

export class Assets {
	readonly #target: AssetTarget;
	readonly #names = new Map<string, string>();
	readonly #sent = new Set<string>();
	readonly #failed = new Set<string>();
	/** Addresses whose files were asked for, whatever became of them; and those whose turn has not come. */
	readonly #wanted = new Set<string>();
	readonly #waiting: string[] = [];
	readonly #share: string;
	#fetching = 0;
	#bytes = 0;
	/** Nothing is fetched before the node said that it takes files. */
	#isOpen = false;
	#timer: ReturnType<typeof setTimeout> | undefined;

	/** @param share what the names belong to: the next share has other ones */
	constructor(share: string, target: AssetTarget) {
		this.#share = share;
		this.#target = target;
		const kept = recall();
		if (kept?.share !== share) return;
		for (const [address, name] of Object.entries(kept.names)) this.#names.set(address, name);
		for (const name of kept.sent) this.#sent.add(name);
		this.#bytes = kept.bytes;
	}

	/** The name of an address; its file follows when there is time. */
	rename(address: string, base: string = document.baseURI): Masked {
		const place = absolute(address, base);
		if (place === undefined || this.#failed.has(place)) return NOTHING;
		const known = this.#names.get(place);
		if (known !== undefined) {
			if (!this.#sent.has(known)) this.#want(place);
			return mask.assetName(known);
		}
		if (this.#names.size >= NAMES_MAX) return NOTHING;
		const name = hex(crypto.getRandomValues(new Uint8Array(32)));
		this.#names.set(place, name);
		this.#want(place);
		return mask.assetName(name);
	}

	/** The node takes files, or does not. */
	open(isOpen: boolean): void {
		this.#isOpen = isOpen;
		this.#next();
	}

	/** Keeps for the next page of this tab what the node has. */
	keep(): void {
		const has = ([place, name]: [string, string]) => this.#sent.has(name) && place.length <= KEPT_ADDRESS_MAX;
		const names = Object.fromEntries([...this.#names].filter(has));
		remember({ share: this.#share, names, sent: Object.values(names), bytes: this.#bytes });
	}

	stop(): void {
		this.#isOpen = false;
		clearTimeout(this.#timer);
	}

	#want(place: string): void {
		if (this.#wanted.has(place)) return;
		this.#wanted.add(place);
		this.#waiting.push(place);
		this.#next();
	}

	#next(): void {
		if (!this.#isOpen || this.#timer !== undefined) return;
		while (this.#fetching < FETCHES_MAX && this.#waiting.length > 0) void this.#upload(this.#waiting.shift() as string);
	}

	async #upload(place: string): Promise<void> {
		const name = this.#names.get(place);
		if (name === undefined || this.#sent.has(name)) return;
		this.#fetching++;
		const file = this.#bytes < SHARE_ASSETS_BYTES_MAX ? await readAsset(place, ASSET_BYTES_MAX) : undefined;
		this.#fetching--;
		if (file === undefined || this.#bytes + file.length > SHARE_ASSETS_BYTES_MAX) this.#fail(place);
		else if (this.#isOpen && this.#target.takesAssets()) {
			this.#sent.add(name);
			this.#bytes += file.length;
			this.#target.send(bytesOf(name), file);
		} else this.#waitForRoom(place);
		this.#next();
	}

	#fail(place: string): void {
		this.#failed.add(place);
		this.#target.failed(place);
	}

	/** Fetched again later, out of the cache: that costs less than keeping files around. */
	#waitForRoom(place: string): void {
		this.#waiting.unshift(place);
		this.#timer ??= setTimeout(() => {
			this.#timer = undefined;
			this.#next();
		}, ROOM_LOOK_MS);
	}
}

/** The whole address of a file that may be read at all. */
function absolute(address: string, base: string): string | undefined {
	if (address.trim() === "") return undefined;
	try {
		const url = new URL(address, base);
		if (!/^(?:https?|data|blob):$/.test(url.protocol)) return undefined;
		url.hash = "";
		return url.href;
	} catch {
		return undefined;
	}
}

function hex(bytes: Uint8Array): string {
	return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

function bytesOf(name: string): Uint8Array {
	return Uint8Array.from(name.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}

function recall(): Kept | undefined {
	try {
		const kept = JSON.parse(sessionStorage.getItem(MEMORY_KEY) ?? "null") as Partial<Kept> | null;
		return typeof kept?.share === "string" && Array.isArray(kept.sent) ? (kept as Kept) : undefined;
	} catch {
		return undefined;
	}
}

function remember(kept: Kept): void {
	try {
		sessionStorage.setItem(MEMORY_KEY, JSON.stringify(kept));
	} catch {
		// Then the next page uploads anew.
	}
}
