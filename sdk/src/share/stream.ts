/**
 * The sharer's socket to `/v1/share`: records go out in order, the node's wishes come in.
 *
 * Owns the socket, its pings, how much waits in it, and when to try again. Knows nothing of the page.
 */
import { waitMs } from "../client/backoff";
import type { FromSharer } from "../protocol";
import type { PageEvent } from "./events";
import { encodeAsset, encodeEvents } from "./frames";
import { parseShareFrame, type ShareAct } from "./wire";

/** More than this waiting in the socket: changes are dropped, and a fresh snapshot follows when it has drained. */
const WAITING_BYTES_MAX = 512 * 1024;
/** Assets wait while more than this does: they must not delay what happens on the page. */
const ASSET_WAITING_BYTES_MAX = 128 * 1024;
/** How often a full socket is looked at; the browser tells nobody. */
const DRAIN_LOOK_MS = 50;
/** From opening a socket to `welcome`. */
const WELCOME_TIMEOUT_MS = 8_000;
const PING_MS = 10_000;
/** Silence of the node after which the socket is given up. */
const SILENCE_MS_MAX = 15_000;

export interface StreamTarget {
	/** The node takes what is recorded from now on, and wants the whole page first. */
	snapshotWanted: () => void;
	/** What is recorded has no way to the node: stop until the next {@link snapshotWanted}. */
	stalled: () => void;
	/** A snapshot was larger than the node takes. */
	tooLarge: () => void;
	/** The node's `welcome`. */
	opened: (welcome: { images: boolean }) => void;
	act: (act: ShareAct) => void;
	/** The socket is over for good: another page took it over, or the share ended. */
	ended: (reason: string) => void;
}

export class Stream {
	readonly #url: string;
	readonly #ticket: string;
	readonly #target: StreamTarget;
	#socket: WebSocket | undefined;
	#isOpen = false;
	#isOver = false;
	#attempt = 0;
	#heardAt = 0;
	/** Records that are being encoded follow each other. */
	#tail: Promise<void> = Promise.resolve();
	/** Counts up when what was recorded before is of no use any more. */
	#epoch = 0;
	/** Whether a snapshot was asked for and not sent yet: changes of before are not sent either. */
	#isWanted = false;
	/** Whether a snapshot is on its way into the socket: it answers whatever was asked before it is there. */
	#isAnswering = false;
	#isFull = false;
	/** Whether the node has asked for the page on this socket. */
	#isFollowed = false;
	#retryTimer: ReturnType<typeof setTimeout> | undefined;
	#welcomeTimer: ReturnType<typeof setTimeout> | undefined;
	#pingTimer: ReturnType<typeof setInterval> | undefined;
	#drainTimer: ReturnType<typeof setInterval> | undefined;
	readonly #onOnline = () => this.#retryNow();

	/** @param url of `/v1/share`, as `wss:` */
	constructor(url: string, ticket: string, target: StreamTarget) {
		this.#url = url;
		this.#ticket = ticket;
		this.#target = target;
		addEventListener("online", this.#onOnline);
		this.#open();
	}

	/** Ends for good. What is left unsent is dropped. */
	close(): void {
		this.#end();
	}

	/**
	 * The page is left. The node hears so before the next page comes, else that would look like another tab; a page that
	 * is shown again connects anew.
	 */
	leave(): void {
		this.#drop(this.#socket);
	}

	/** Sends events in order. A snapshot among them is what the node waits for; without one it gets nothing. */
	send(events: readonly PageEvent[]): void {
		if (!this.#isOpen || this.#isFull) return;
		const isSnapshot = events.some(({ type }) => type === 2);
		if (isSnapshot) [this.#isWanted, this.#isAnswering] = [false, true];
		if (this.#isWanted) return;
		if ((this.#socket?.bufferedAmount ?? 0) > WAITING_BYTES_MAX) return this.#stall();
		const epoch = this.#epoch;
		const isOver = () => epoch !== this.#epoch;
		this.#tail = this.#tail.then(async () => {
			if (isOver()) return;
			const frames = await encodeEvents(events, isOver);
			if (frames === undefined || isOver()) return;
			if (frames === "too_large") return this.#giveUp(isSnapshot);
			for (const frame of frames) this.#socket?.send(frame);
			if (isSnapshot) this.#isAnswering = false;
		});
	}

	/** Whether the node waits for a snapshot that is not in the socket yet. */
	get isWanted(): boolean {
		return this.#isWanted;
	}

	/**
	 * Nothing more of what was recorded so far is sent. Whoever goes on owes the node a snapshot, asked again or not: a
	 * pause may be told so late that the node has taken it back already. A full socket asks by itself when it has drained.
	 */
	withhold(): void {
		this.#epoch++;
		[this.#isWanted, this.#isAnswering] = [this.#isFollowed && !this.#isFull, false];
	}

	/** Whether a file may be sent now, or what happens on the page has to go first. */
	get takesAssets(): boolean {
		return this.#isOpen && !this.#isFull && (this.#socket?.bufferedAmount ?? 0) <= ASSET_WAITING_BYTES_MAX;
	}

	/** Sends a file under its name of 32 bytes. Between the frames of records, since those go in one turn each. */
	sendAsset(name: Uint8Array, file: Uint8Array): void {
		if (this.#isOpen) this.#socket?.send(encodeAsset(name, file));
	}

	/** Tells what became of an act. */
	sendOutcome(outcome: Extract<FromSharer, { t: "outcome" }>): void {
		this.#sendText(outcome);
	}

	#sendText(message: FromSharer): void {
		if (this.#isOpen) this.#socket?.send(JSON.stringify(message));
	}

	#open(): void {
		const socket = new WebSocket(this.#url);
		socket.binaryType = "arraybuffer";
		this.#socket = socket;
		this.#heardAt = performance.now();
		this.#welcomeTimer = setTimeout(() => this.#drop(socket), WELCOME_TIMEOUT_MS);
		socket.onopen = () => socket.send(JSON.stringify({ t: "hello", v: [1], ticket: this.#ticket }));
		socket.onmessage = ({ data }) => socket === this.#socket && this.#handleFrame(data);
		socket.onclose = () => this.#drop(socket);
	}

	#handleFrame(data: unknown): void {
		this.#heardAt = performance.now();
		const frame = parseShareFrame(data);
		switch (frame?.t) {
			case "welcome":
				return this.#handleWelcome(frame.images);
			case "snapshot":
				return this.#want();
			case "act":
				return this.#target.act(frame);
			case "ping":
				return this.#sendText({ t: "pong", ts: frame.ts });
			case "bye":
				if (frame.reason === "shutdown" || frame.reason === "slow") return this.#drop(this.#socket);
				this.#end();
				return this.#target.ended(frame.reason);
		}
	}

	#handleWelcome(images: boolean): void {
		clearTimeout(this.#welcomeTimer);
		this.#isOpen = true;
		this.#attempt = 0;
		this.#pingTimer = setInterval(() => this.#ping(), PING_MS);
		this.#target.opened({ images });
	}

	#want(): void {
		if (this.#isWanted || this.#isAnswering) return;
		this.#epoch++;
		this.#isWanted = true;
		this.#isFollowed = true;
		if (!this.#isFull) this.#target.snapshotWanted();
	}

	/** Nothing more goes in until the socket is empty; then the node gets the page as it is by then. */
	#stall(): void {
		this.#epoch++;
		this.#isFull = true;
		[this.#isWanted, this.#isAnswering] = [false, false];
		this.#target.stalled();
		const socket = this.#socket;
		this.#drainTimer = setInterval(() => {
			if (socket === undefined || socket.bufferedAmount > 0) return;
			clearInterval(this.#drainTimer);
			this.#isFull = false;
			this.#want();
		}, DRAIN_LOOK_MS);
	}

	/** More than the node takes: as a change, it may be less as a snapshot; as a snapshot, nothing can be done. */
	#giveUp(isSnapshot: boolean): void {
		if (!isSnapshot) return this.#stall();
		this.#epoch++;
		this.#isAnswering = false;
		this.#target.stalled();
		this.#target.tooLarge();
	}

	#ping(): void {
		if (performance.now() - this.#heardAt > SILENCE_MS_MAX) return this.#drop(this.#socket);
		this.#sendText({ t: "ping", ts: Math.round(performance.now()) });
	}

	#drop(socket: WebSocket | undefined): void {
		if (socket !== this.#socket || this.#isOver) return;
		this.#closeSocket();
		this.#target.stalled();
		this.#retryTimer = setTimeout(() => this.#retryNow(), waitMs(this.#attempt++, Math.random()));
	}

	#retryNow(): void {
		if (this.#retryTimer === undefined || this.#isOver) return;
		clearTimeout(this.#retryTimer);
		this.#retryTimer = undefined;
		this.#open();
	}

	#end(): void {
		this.#isOver = true;
		removeEventListener("online", this.#onOnline);
		this.#closeSocket();
	}

	#closeSocket(): void {
		clearTimeout(this.#retryTimer);
		clearTimeout(this.#welcomeTimer);
		clearInterval(this.#pingTimer);
		clearInterval(this.#drainTimer);
		this.#epoch++;
		this.#isOpen = false;
		this.#isFull = false;
		this.#isFollowed = false;
		[this.#isWanted, this.#isAnswering] = [false, false];
		const socket = this.#socket;
		this.#socket = undefined;
		socket?.close();
	}
}
