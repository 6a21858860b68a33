/**
 * One session with the node over as many WebSockets as it takes.
 *
 * Owns the socket, its pings, the sequence of received messages, and when to try again. Knows nothing of rooms or
 * media: what it receives it passes on as `message`, and a session that could not be resumed it announces as `opened`.
 */
import {
	type Bye,
	type ByeReason,
	type ClientMessage,
	PING_TIMEOUT_MS,
	type Resume,
	type ServerFrame,
	VERSION,
	type Welcome,
} from "../protocol";
import { waitMs } from "./backoff";
import { Emitter } from "./emitter";
import { TillsideError } from "./error";
import { parseFrame } from "./frame";

/** What we call ourselves in `hello`. */
const SDK = "tillside-sdk/0.1.0";
/** From opening a socket to `welcome`. */
const WELCOME_TIMEOUT_MS = 8_000;
/** How long a person looks at “connecting…” before we say that it does not work. */
const FIRST_CONTACT_MS_MAX = 20_000;
/** How long we try to come back: four times as long as the node keeps media for us. */
const ABSENCE_MS_MAX = 120_000;

/** A token, or where to get one. A function is asked again when the node no longer takes its last token. */
export type TokenSource = string | (() => Promise<string>);

/** Why a session is over: the node's reason, or ours. */
export type EndReason = ByeReason | "unreachable" | "refused";

export interface SessionEvents {
	/** A new session: nothing of an earlier one is left. */
	opened: Welcome;
	/** The same session on a new socket; what we said on the old one may have been lost. */
	resumed: Welcome;
	/** The socket is lost; we are trying again. */
	lost: undefined;
	message: Exclude<ServerFrame, { t: "welcome" | "bye" | "pong" }>;
	ended: { reason: EndReason; error?: TillsideError };
}

export class Session extends Emitter<SessionEvents> {
	readonly #url: string;
	readonly #source: TokenSource;
	#token: string | undefined;
	#tokenIsFresh = false;
	#socket: WebSocket | undefined;
	#state: "idle" | "connecting" | "open" | "ended" = "idle";
	#resume: Resume | undefined;
	#wasOpen = false;
	#attempt = 0;
	#lostAt = 0;
	#heardAt = 0;
	#retryTimer: ReturnType<typeof setTimeout> | undefined;
	#pingTimer: ReturnType<typeof setInterval> | undefined;
	#welcomeTimer: ReturnType<typeof setTimeout> | undefined;
	readonly #onOnline = () => this.#retryNow();

	constructor(url: string, token: TokenSource) {
		super();
		this.#url = socketUrl(url);
		this.#source = token;
	}

	/** Starts; what becomes of it is told by events. */
	connect(): void {
		if (this.#state !== "idle") throw new Error("a session connects once");
		this.#lostAt = performance.now();
		globalThis.addEventListener?.("online", this.#onOnline);
		void this.#open();
	}

	/** Whether what is sent now reaches the node. */
	get isOpen(): boolean {
		return this.#state === "open";
	}

	/** The token in use. */
	get token(): string | undefined {
		return typeof this.#source === "string" ? this.#source : this.#token;
	}

	/** What a later page needs to end this session, see {@link endSession}. */
	get resumption(): Resume | undefined {
		return this.#resume;
	}

	/** Says something if the socket is up; a caller repeats what still matters on `resumed`. */
	send(message: ClientMessage): boolean {
		if (!this.isOpen) return false;
		this.#socket?.send(JSON.stringify(message));
		return true;
	}

	/** Leaves for good. */
	leave(): void {
		this.send({ t: "leave" });
		this.#end("left");
	}

	async #open(): Promise<void> {
		this.#state = "connecting";
		const token = await this.#takeToken();
		if (token === undefined || this.#state !== "connecting") return;
		const socket = new WebSocket(this.#url);
		this.#socket = socket;
		this.#welcomeTimer = setTimeout(() => this.#drop(socket), WELCOME_TIMEOUT_MS);
		socket.onopen = () => {
			const resume = this.#resume === undefined ? {} : { resume: this.#resume };
			socket.send(JSON.stringify({ t: "hello", v: [VERSION], token, sdk: SDK, ...resume } satisfies ClientMessage));
		};
		socket.onmessage = (event) => this.#socket === socket && this.#handleFrame(event.data);
		socket.onclose = () => this.#drop(socket);
	}

	async #takeToken(): Promise<string | undefined> {
		if (typeof this.#source === "string") return this.#source;
		if (this.#token !== undefined) return this.#token;
		try {
			this.#token = await this.#source();
			this.#tokenIsFresh = true;
			return this.#token;
		} catch (cause) {
			const message = "The store's page gave no token for this call. Try again in a moment.";
			this.#end("refused", new TillsideError("token_unavailable", message, true, cause));
			return undefined;
		}
	}

	#handleFrame(data: unknown): void {
		this.#heardAt = performance.now();
		const parsed = parseFrame(data);
		if (parsed.kind === "malformed") return;
		if (parsed.kind === "unknown") {
			this.#isInSequence(parsed.seq);
			return;
		}
		const { frame } = parsed;
		switch (frame.t) {
			case "welcome":
				return this.#handleWelcome(frame);
			case "bye":
				return this.#handleBye(frame);
			case "pong":
				return;
			case "error":
				if (this.#state === "connecting") return this.#handleRefusal(TillsideError.fromNode(frame));
		}
		if (this.#isInSequence(frame.seq)) this.emit("message", frame);
	}

	/**
	 * Messages that we have are skipped; a gap means that some were lost, and a resume brings them. A node that no longer
	 * has what we missed counts from another number on, which its `welcome` tells, and says everything anew.
	 */
	#isInSequence(seq: number): boolean {
		if (this.#resume === undefined) return false;
		if (seq === 0) return true;
		if (seq <= this.#resume.seq) return false;
		if (seq > this.#resume.seq + 1) {
			this.#drop(this.#socket);
			return false;
		}
		this.#resume.seq = seq;
		return true;
	}

	#handleWelcome(welcome: ServerFrame & Welcome): void {
		clearTimeout(this.#welcomeTimer);
		this.#state = "open";
		this.#wasOpen = true;
		this.#attempt = 0;
		this.#tokenIsFresh = false;
		this.#resume = { session: welcome.session, secret: welcome.resume_secret, seq: welcome.seq };
		this.#pingTimer = setInterval(() => this.#ping(), welcome.ping_ms);
		this.emit(welcome.resumed ? "resumed" : "opened", welcome);
	}

	#handleBye(bye: Bye): void {
		if (bye.reason === "unauthorized" && this.#canRefreshToken()) return this.#rejoin(bye.retry_after_ms);
		if (bye.action === "rejoin") return this.#rejoin(bye.retry_after_ms);
		this.#end(bye.reason);
	}

	/** An error instead of `welcome`. */
	#handleRefusal(error: TillsideError): void {
		if (error.code === "unauthorized" && this.#canRefreshToken()) return this.#rejoin(0);
		// A node that is only busy says when to come back, in the `bye` that follows.
		if (!error.retryable) this.#end("refused", error);
	}

	/** A token that the node refuses may just have run out; but a new one that it refuses too is wrong. */
	#canRefreshToken(): boolean {
		if (typeof this.#source === "string" || this.#tokenIsFresh) return false;
		this.#token = undefined;
		return true;
	}

	#rejoin(afterMs: number): void {
		this.#resume = undefined;
		this.#drop(this.#socket, afterMs);
	}

	#ping(): void {
		if (performance.now() - this.#heardAt > PING_TIMEOUT_MS) return this.#drop(this.#socket);
		this.send({ t: "ping", ts: Math.round(performance.now()) });
	}

	/** The socket is lost, by whoever's doing: try again, unless it was for too long. */
	#drop(socket: WebSocket | undefined, afterMs = 0): void {
		if (socket !== this.#socket || this.#state === "ended") return;
		const wasOpen = this.#state === "open";
		this.#closeSocket();
		this.#state = "connecting";
		if (wasOpen) this.#lostAt = performance.now();
		const patienceMs = this.#wasOpen ? ABSENCE_MS_MAX : FIRST_CONTACT_MS_MAX;
		if (performance.now() - this.#lostAt > patienceMs) {
			const message = "The store's server does not answer. Check the internet connection, then try again.";
			return this.#end("unreachable", new TillsideError("unreachable", message, true));
		}
		this.#retryTimer = setTimeout(() => this.#retryNow(), waitMs(this.#attempt++, Math.random(), afterMs));
		if (wasOpen) this.emit("lost", undefined);
	}

	/** Ends a running wait; the network just came back, or the wait is over. */
	#retryNow(): void {
		if (this.#state !== "connecting" || this.#retryTimer === undefined) return;
		clearTimeout(this.#retryTimer);
		this.#retryTimer = undefined;
		void this.#open();
	}

	#end(reason: EndReason, error?: TillsideError): void {
		if (this.#state === "ended") return;
		this.#state = "ended";
		globalThis.removeEventListener?.("online", this.#onOnline);
		this.#closeSocket();
		this.emit("ended", error === undefined ? { reason } : { reason, error });
	}

	#closeSocket(): void {
		clearTimeout(this.#retryTimer);
		clearTimeout(this.#welcomeTimer);
		clearInterval(this.#pingTimer);
		this.#retryTimer = undefined;
		const socket = this.#socket;
		this.#socket = undefined;
		socket?.close();
	}
}

/**
 * Ends a session that an earlier page of the same person left behind, so that nobody sees that person twice until the
 * node gives the old session up. Best effort: what does not work now happens by itself after the node's resume window.
 */
export function endSession(url: string, token: string, resume: Resume): void {
	const socket = new WebSocket(socketUrl(url));
	const timer = setTimeout(() => socket.close(), WELCOME_TIMEOUT_MS);
	socket.onclose = () => clearTimeout(timer);
	socket.onopen = () => {
		socket.send(JSON.stringify({ t: "hello", v: [VERSION], token, sdk: SDK, resume } satisfies ClientMessage));
	};
	socket.onmessage = () => {
		socket.send(JSON.stringify({ t: "leave" } satisfies ClientMessage));
		socket.close();
	};
}

/** The node's WebSocket address for a server given as a page or socket address, absolute or relative to this page. */
export function socketUrl(server: string): string {
	const url = new URL(server || "/", globalThis.location?.href);
	if (url.protocol === "http:") url.protocol = "ws:";
	if (url.protocol === "https:") url.protocol = "wss:";
	if (url.pathname === "/") url.pathname = "/v1/ws";
	return url.href;
}
