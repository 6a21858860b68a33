/**
 * The shopper's page as the session speaks of it: who asks, what the shopper decides, who controls. The page itself
 * travels elsewhere.
 *
 * Shows what the node says; what was asked for but could not be said, for want of a socket, is said when it is back.
 */
import type { ClientMessage, ControlState, PauseWhy, Rung, ShareState } from "../protocol";
import { Emitter } from "./emitter";
import type { KnownControl } from "./viewing";

/** Most messages that wait for the socket; a later one of the same kind takes the place of an earlier one. */
const UNSAID_MAX = 8;

type Said = Extract<ClientMessage, { t: "share" | "control" }>;

export interface SharingEvents {
	/** A share was asked for, went live, paused or ended, or its viewers changed. */
	share: ShareState;
	/** Control was asked for, given, refused or ended. */
	control: KnownControl;
}

export class Sharing extends Emitter<SharingEvents> {
	readonly #send: (message: Said) => boolean;
	#state: ShareState | undefined;
	#control: KnownControl | undefined;
	#unsaid: Said[] = [];

	constructor(send: (message: Said) => boolean) {
		super();
		this.#send = send;
	}

	/** Where the share stands; undefined: there is none. */
	get state(): ShareState | undefined {
		return this.#state;
	}

	/** Whether this page is shared, paused or not. */
	get isShared(): boolean {
		return this.#state?.phase === "live" || this.#state?.phase === "paused";
	}

	/** Who controls the page, or asked to; undefined: nobody. */
	get control(): KnownControl | undefined {
		return this.#control;
	}

	/** Shares this page, or goes on after a pause. */
	consent(): void {
		this.#say({ t: "share", action: "consent" });
	}

	/** Says no to an agent who asked. */
	decline(): void {
		this.#say({ t: "share", action: "decline" });
	}

	/** Shows nothing for now. The node forgets the page at once. */
	pause(why: PauseWhy): void {
		this.#say({ t: "share", action: "pause", why });
	}

	/** No longer shares. */
	end(): void {
		this.#say({ t: "share", action: "end" });
	}

	/** On a new page: takes over the share of the page before, by its ticket. */
	continue(ticket: string): void {
		this.#say({ t: "share", action: "continue", ticket });
	}

	/** Gives an agent control up to a rung, for some seconds. */
	grant(viewer: string, rung: Rung, seconds: number): void {
		this.#say({ t: "control", action: "grant", viewer, rung, for_s: seconds });
	}

	/** Says no to an agent who wants control. */
	deny(viewer: string): void {
		this.#say({ t: "control", action: "deny", viewer });
	}

	/** Takes control back. */
	revoke(): void {
		this.#say({ t: "control", action: "revoke" });
	}

	handleState(state: ShareState): void {
		// A ticket is told once; it stays good for as long as the share.
		const ticket = state.ticket ?? (state.share === this.#state?.share ? this.#state.ticket : undefined);
		const known = ticket === undefined ? state : { ...state, ticket };
		this.#state = state.phase === "ended" ? undefined : known;
		if (this.#state === undefined) this.#control = undefined;
		this.emit("share", known);
	}

	handleControl(state: ControlState): void {
		const endsAt = state.ends_in_ms === undefined ? undefined : performance.now() + state.ends_in_ms;
		const known = { ...state, endsAt };
		this.#control = state.phase === "requested" || state.phase === "granted" ? known : undefined;
		this.emit("control", known);
	}

	/** The session is in its room, for the first time or again. */
	handleOpen(): void {
		const unsaid = this.#unsaid;
		this.#unsaid = [];
		for (const message of unsaid) this.#say(message);
	}

	/** The call is over, and the share with it. */
	handleEnd(): void {
		if (this.#state === undefined) return;
		this.handleState({ ...this.#state, phase: "ended", why: "call_ended", viewers: [] });
	}

	#say(message: Said): void {
		if (this.#send(message)) return;
		const others = this.#unsaid.filter(({ t, action }) => t !== message.t || action !== message.action);
		this.#unsaid = [...others, message].slice(-UNSAID_MAX);
	}
}
