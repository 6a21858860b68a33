/**
 * A viewer's socket of one share: the page comes in, verbs go out.
 *
 * Owns the socket, when to try again, and the numbers of verbs. A new socket gets the page as it is then, from the node;
 * nothing is asked of the shopper's tab.
 */
import { waitMs } from "../client/backoff";
import { Emitter } from "../client/emitter";
import {
	type Act,
	ASSET_FRAME,
	type FromViewer,
	type ShareByeReason,
	type ShareGreeting,
	VERSION,
	type VerbResult,
} from "../protocol";
import type { Target } from "./target";

/** How often the round trip is measured: as often as its figure on screen is worth. */
const PING_MS = 2_000;
/** A socket that says nothing for so long is dead: the node answers pings at once. */
const SILENCE_MS_MAX = 8_000;
const WELCOME_MS_MAX = 8_000;
/** A page that cannot be read once may never be: it is asked for again as rarely as after so many failed attempts. */
const RESTART_ATTEMPT = 3;

export interface StreamEvents {
	/** The node let us in. */
	open: { nameOfSharer: string; images: boolean };
	/** A JSON array of rrweb events. */
	page: string;
	/** A file, after its first byte. */
	asset: Uint8Array<ArrayBuffer>;
	outcome: { seq: number; result: VerbResult };
	/** How long ago on the shopper's screen was what we show now, in milliseconds. */
	delay: number;
	/** The socket is lost; we are trying again. */
	lost: undefined;
	/** The node will not let us in again with this ticket. */
	closed: ShareByeReason;
}

export class ShareStream extends Emitter<StreamEvents> {
	readonly #url: string;
	readonly #ticket: string;
	#socket: WebSocket | undefined;
	#isOpen = false;
	#ended = false;
	#attempt = 0;
	/** The relay takes a number of this viewer once, over all its streams: a later one begins above an earlier one. */
	#seq = Date.now();
	#heardAt = 0;
	#sharerMs = 0;
	#roundTripMs = 0;
	#retryTimer: ReturnType<typeof setTimeout> | undefined;
	#welcomeTimer: ReturnType<typeof setTimeout> | undefined;
	#pingTimer: ReturnType<typeof setInterval> | undefined;

	/** @param url the node's WebSocket address for shared pages, see {@link shareUrl} */
	constructor(url: string, ticket: string) {
		super();
		this.#url = url;
		this.#ticket = ticket;
	}

	connect(): void {
		const socket = new WebSocket(this.#url);
		socket.binaryType = "arraybuffer";
		this.#socket = socket;
		this.#welcomeTimer = setTimeout(() => this.#drop(socket), WELCOME_MS_MAX);
		socket.onopen = () => {
			socket.send(JSON.stringify({ t: "hello", v: [VERSION], ticket: this.#ticket } satisfies ShareGreeting));
		};
		socket.onmessage = ({ data }) => this.#socket === socket && this.#handle(data);
		socket.onclose = () => this.#drop(socket);
	}

	/** Whether a verb would be sent now. */
	get isOpen(): boolean {
		return this.#isOpen;
	}

	/** Acts on a node. @returns the verb's number, by which its outcome comes; undefined while the socket is away */
	act(target: Target, act: Act): number | undefined {
		if (!this.#isOpen) return undefined;
		const seq = ++this.#seq;
		const { epoch, node, fingerprint } = target;
		this.#say({ t: "verb", verb: { seq, epoch, node, fingerprint, act } });
		return seq;
	}

	/** Asks for a file. */
	want(asset: string): void {
		if (this.#isOpen) this.#say({ t: "want", asset });
	}

	/** What we have is of no use: a new socket gets the page anew. */
	restart(): void {
		this.#attempt = Math.max(this.#attempt, RESTART_ATTEMPT);
		this.#drop(this.#socket);
	}

	end(): void {
		this.#ended = true;
		this.#close();
	}

	#say(message: FromViewer): void {
		this.#socket?.send(JSON.stringify(message));
	}

	#handle(data: unknown): void {
		this.#heardAt = performance.now();
		if (typeof data === "string") return this.#handleText(data);
		if (!(data instanceof ArrayBuffer) || data.byteLength === 0) return;
		const bytes = new Uint8Array(data);
		if (bytes[0] === ASSET_FRAME) return this.emit("asset", bytes.subarray(1));
		this.emit("page", new TextDecoder().decode(bytes));
	}

	#handleText(text: string): void {
		if (text.startsWith("[")) return this.emit("page", text);
		const message = parse(text);
		switch (message?.["t"]) {
			case "welcome":
				return this.#handleWelcome(String(message["name_of_sharer"] ?? ""), message["images"] === true);
			case "outcome":
				if (typeof message["seq"] !== "number") return;
				return this.emit("outcome", { seq: message["seq"], result: message["result"] as VerbResult });
			case "delay":
				this.#sharerMs = Number(message["sharer_ms"]) || 0;
				return this.emit("delay", this.#sharerMs + this.#roundTripMs / 2);
			case "ping":
				return this.#say({ t: "pong", ts: Number(message["ts"]) });
			case "pong":
				this.#roundTripMs = Math.max(0, performance.now() - Number(message["ts"]));
				return this.emit("delay", this.#sharerMs + this.#roundTripMs / 2);
			case "bye":
				return this.#handleBye(message["reason"] as ShareByeReason);
		}
	}

	#handleWelcome(nameOfSharer: string, images: boolean): void {
		clearTimeout(this.#welcomeTimer);
		this.#isOpen = true;
		this.#attempt = 0;
		this.#pingTimer = setInterval(() => this.#ping(), PING_MS);
		this.#ping();
		this.emit("open", { nameOfSharer, images });
	}

	#ping(): void {
		if (performance.now() - this.#heardAt > SILENCE_MS_MAX) return this.#drop(this.#socket);
		this.#say({ t: "ping", ts: Math.round(performance.now()) });
	}

	/** A node that is slow or restarts takes us back; for the other reasons the ticket is void. */
	#handleBye(reason: ShareByeReason): void {
		if (reason === "slow" || reason === "shutdown" || reason === "limit") return this.#drop(this.#socket);
		this.end();
		this.emit("closed", reason);
	}

	#drop(socket: WebSocket | undefined): void {
		if (socket !== this.#socket || this.#ended) return;
		const wasOpen = this.#isOpen;
		this.#close();
		this.#retryTimer = setTimeout(() => this.connect(), waitMs(this.#attempt++, Math.random()));
		if (wasOpen) this.emit("lost", undefined);
	}

	#close(): void {
		clearTimeout(this.#retryTimer);
		clearTimeout(this.#welcomeTimer);
		clearInterval(this.#pingTimer);
		this.#isOpen = false;
		const socket = this.#socket;
		this.#socket = undefined;
		socket?.close();
	}
}

/** The address of shared pages beside that of the session. */
export function shareUrl(sessionUrl: string): string {
	const url = new URL(sessionUrl);
	url.pathname = url.pathname.replace(/\/ws$/, "/share");
	return url.href;
}

/** A small JSON object; its members are only read by name. */
function parse(text: string): Readonly<Record<string, unknown>> | undefined {
	try {
		const value: unknown = JSON.parse(text);
		return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : undefined;
	} catch {
		return undefined;
	}
}
