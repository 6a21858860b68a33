/** The agents' view of who waits: a session without a room. Taking a call is joining its room with a client. */
import type { DeskRoom, You } from "../protocol";
import { Emitter } from "./emitter";
import { TillsideError } from "./error";
import { type EndReason, Session, type TokenSource } from "./session";

export interface DeskRoomSince extends DeskRoom {
	/** When the shopper came, on the clock of `performance.now()`. */
	readonly since: number;
}

export interface DeskEvents {
	state: "connecting" | "open" | "reconnecting" | "ended";
	/** Waiting rooms first, longest wait first. */
	rooms: readonly DeskRoomSince[];
	error: TillsideError;
	ended: { reason: EndReason; error?: TillsideError };
}

export class DeskClient extends Emitter<DeskEvents> {
	readonly #session: Session;
	#rooms: readonly DeskRoomSince[] = [];
	#you: You | undefined;

	constructor(options: { server?: string; token: TokenSource }) {
		super();
		this.#session = new Session(options.server ?? "/", options.token);
		const open = (you: You) => {
			this.#you = you;
			this.emit("state", "open");
		};
		this.#session.on("opened", ({ you }) => open(you));
		this.#session.on("resumed", ({ you }) => open(you));
		this.#session.on("lost", () => this.emit("state", "reconnecting"));
		this.#session.on("ended", (ended) => {
			this.emit("state", "ended");
			this.emit("ended", ended);
		});
		this.#session.on("message", (message) => {
			if (message.t === "error") this.emit("error", TillsideError.fromNode(message));
			if (message.t !== "desk") return;
			const now = performance.now();
			this.#rooms = message.rooms.map((room) => ({ ...room, since: now - room.for_s * 1000 }));
			this.emit("rooms", this.#rooms);
		});
	}

	get rooms(): readonly DeskRoomSince[] {
		return this.#rooms;
	}

	/** Who we are, by the token. Undefined before the node's welcome. */
	get you(): You | undefined {
		return this.#you;
	}

	connect(): void {
		this.emit("state", "connecting");
		this.#session.connect();
	}

	leave(): void {
		this.#session.leave();
	}
}
