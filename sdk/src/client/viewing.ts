/**
 * What an agent says and hears about shared pages on the room's session: asking to see one, asking for control. The page
 * itself comes over a socket of its own, see `view/stream.ts`.
 */
import type { ClientMessage, ControlState, Rung, ShareState } from "../protocol";
import { Emitter } from "./emitter";

/** A share as the node last told of it. */
export type KnownShare = Readonly<ShareState>;
/** A question for control, a grant or its end, and when it ends on the clock of `performance.now()`. */
export type KnownControl = Readonly<ControlState> & { readonly endsAt: number | undefined };

export interface ViewingEvents {
	/** Some share changed; see {@link Viewing.shares}. */
	shares: undefined;
	/** Control was asked for, given, refused or taken back. */
	control: KnownControl;
}

/** Says a message if the session is up. */
type Send = (message: Extract<ClientMessage, { t: "share" | "control" }>) => boolean;

export class Viewing extends Emitter<ViewingEvents> {
	readonly #send: Send;
	readonly #shares = new Map<string, KnownShare>();
	readonly #controls = new Map<string, KnownControl>();

	constructor(send: Send) {
		super();
		this.#send = send;
	}

	/** Shares of this room by their id, ended ones included until the sharer begins another. */
	get shares(): ReadonlyMap<string, KnownShare> {
		return this.#shares;
	}

	/**
	 * The share that there is, or else the last one that ended. It outlives its sharer's session: on the way from one page
	 * to the next the shopper is not in the room for a moment.
	 */
	get current(): KnownShare | undefined {
		const shares = [...this.#shares.values()];
		return shares.findLast(({ phase }) => phase !== "ended") ?? shares.at(-1);
	}

	/** Who controls the page of a share, or asked to. */
	controlOf(share: string): KnownControl | undefined {
		return this.#controls.get(share);
	}

	/** Asks a shopper to see the page. */
	ask(sharer: string): boolean {
		return this.#send({ t: "share", action: "request", sharer });
	}

	/** Takes the question back. */
	withdraw(share: string): boolean {
		return this.#send({ t: "share", action: "withdraw", share });
	}

	/** Asks the shopper for control, up to `rung`. */
	askForControl(share: string, rung: Rung): boolean {
		return this.#send({ t: "control", action: "request", share, rung });
	}

	/** Gives control back. */
	release(share: string): boolean {
		return this.#send({ t: "control", action: "release", share });
	}

	handleShare(share: ShareState): void {
		// One page of a shopper at a time: what was before is history.
		for (const [id, { sharer }] of this.#shares) if (sharer === share.sharer && id !== share.share) this.#drop(id);
		// A ticket is told once and stays good while the share lives.
		const ticket = share.ticket ?? this.#shares.get(share.share)?.ticket;
		const { ticket: _, ...rest } = share;
		const isOver = share.phase === "ended";
		this.#shares.set(share.share, ticket === undefined || isOver ? rest : { ...rest, ticket });
		if (isOver) this.#controls.delete(share.share);
		this.emit("shares", undefined);
	}

	handleControl(control: ControlState): void {
		const endsAt = control.ends_in_ms === undefined ? undefined : performance.now() + control.ends_in_ms;
		const known = { ...control, endsAt };
		if (control.phase === "denied" || control.phase === "ended") this.#controls.delete(control.share);
		else this.#controls.set(control.share, known);
		this.emit("control", known);
	}

	/** The room is left, or entered anew: nothing of it is known. */
	clear(): void {
		this.#shares.clear();
		this.#controls.clear();
		this.emit("shares", undefined);
	}

	#drop(share: string): void {
		this.#shares.delete(share);
		this.#controls.delete(share);
	}
}
