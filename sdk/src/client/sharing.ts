/**
 * Shared pages as a session speaks of them: who asks, who consents, who controls. The page itself travels elsewhere.
 *
 * Shows what the node says; what was asked for but could not be said, for want of a socket, is said when it is back.
 */
import type { ClientMessage, ControlState, PauseWhy, Rung, ShareState } from "../protocol";
import { Emitter } from "./emitter";

/** Most messages that wait for the socket; a later one of the same kind takes the place of an earlier one. */
const UNSAID_MAX = 8;

type Said = Extract<ClientMessage, { t: "share" | "control" }>;

export interface SharingEvents {
	/** A share was asked for, went live, paused or ended, or its viewers changed. */
	share: ShareState;
	/** Control was asked for, given, refused or ended. */
	control: ControlState;
}

export class Sharing extends Emitter<SharingEvents> {
	readonly #send: (message: Said) => boolean;
	readonly #shares = new Map<string, ShareState>();
	readonly #controls = new Map<string, ControlState>();
	#unsaid: Said[] = [];

	constructor(send: (message: Said) => boolean) {
		super();
		this.#send = send;
	}

	/** Shares of the room, by id; those that have ended are gone. */
	get shares(): ReadonlyMap<string, ShareState> {
		return this.#shares;
	}

	/** Where control of a share stands; undefined: nobody has asked since it last ended. */
	control(share: string): ControlState | undefined {
		return this.#controls.get(share);
	}

	/** Shopper: shares this page, or goes on after a pause. */
	consent(): void {
		this.#say({ t: "share", action: "consent" });
	}

	/** Shopper: says no to an agent who asked. */
	decline(): void {
		this.#say({ t: "share", action: "decline" });
	}

	/** Shopper: shows nothing for now. The node forgets the page at once. */
	pause(why: PauseWhy): void {
		this.#say({ t: "share", action: "pause", why });
	}

	/** Shopper: no longer shares. */
	end(): void {
		this.#say({ t: "share", action: "end" });
	}

	/** Shopper, on a new page: takes over the share of the page before, by its ticket. */
	continue(ticket: string): void {
		this.#say({ t: "share", action: "continue", ticket });
	}

	/** Shopper: gives an agent control up to a rung, for some seconds. */
	grant(viewer: string, rung: Rung, seconds: number): void {
		this.#say({ t: "control", action: "grant", viewer, rung, for_s: seconds });
	}

	/** Shopper: says no to an agent who wants control. */
	deny(viewer: string): void {
		this.#say({ t: "control", action: "deny", viewer });
	}

	/** Shopper: takes control back. */
	revoke(): void {
		this.#say({ t: "control", action: "revoke" });
	}

	/** Agent: asks a shopper to share. */
	request(sharer: string): void {
		this.#say({ t: "share", action: "request", sharer });
	}

	/** Agent: takes the question back. */
	withdraw(share: string): void {
		this.#say({ t: "share", action: "withdraw", share });
	}

	/** Agent: asks for control. */
	requestControl(share: string, rung: Rung): void {
		this.#say({ t: "control", action: "request", share, rung });
	}

	/** Agent: gives control back. */
	release(share: string): void {
		this.#say({ t: "control", action: "release", share });
	}

	handleState(state: ShareState): void {
		if (state.phase === "ended") {
			this.#shares.delete(state.share);
			this.#controls.delete(state.share);
		} else {
			// A ticket is told once; it stays good for as long as the share.
			const ticket = state.ticket ?? this.#shares.get(state.share)?.ticket;
			this.#shares.set(state.share, ticket === undefined ? state : { ...state, ticket });
		}
		this.emit("share", this.#shares.get(state.share) ?? state);
	}

	handleControl(state: ControlState): void {
		if (state.phase === "requested" || state.phase === "granted") this.#controls.set(state.share, state);
		else this.#controls.delete(state.share);
		this.emit("control", state);
	}

	/** The session is in its room, for the first time or again. */
	handleOpen(): void {
		const unsaid = this.#unsaid;
		this.#unsaid = [];
		for (const message of unsaid) this.#say(message);
	}

	/** The call is over, and every share with it. */
	handleEnd(): void {
		for (const state of [...this.#shares.values()]) {
			this.handleState({ ...state, phase: "ended", why: "call_ended", viewers: [] });
		}
	}

	#say(message: Said): void {
		if (this.#send(message)) return;
		const others = this.#unsaid.filter(({ t, action }) => t !== message.t || action !== message.action);
		this.#unsaid = [...others, message].slice(-UNSAID_MAX);
	}
}
