/**
 * What a shopper sees while in the room: the queue, then the call. Owns who helps, and for how long that has been going
 * on; the panel around it is the element's.
 */
import type { TillsideClient } from "../client/client";
import { waitingBody } from "./bodies";
import { CallView } from "./call_view";
import type { Panel } from "./panel";
import type { Strings } from "./strings";

export interface RoomViewOptions {
	client: TillsideClient;
	strings: Strings;
	panel: Panel;
	/** When the call began on an earlier page, in milliseconds since 1970; 0: it has not. */
	since: number;
	/** Puts a stage into the panel. */
	show: (stage: "waiting" | "call", content: HTMLElement[]) => void;
	/** Tells screen readers. */
	announce: (text: string) => void;
	/** The call began at that time, or, with 0, is over. */
	remember: (since: number) => void;
	/** The shopper wants to show the page, or no longer. */
	onSharePage: () => void;
}

export class RoomView {
	readonly #options: RoomViewOptions;
	#since: number;
	#call: CallView | undefined;
	/** Who helps, or helped last. */
	#helper: string | undefined;
	#helperHasLeft = false;
	#timer: ReturnType<typeof setInterval> | undefined;

	constructor(options: RoomViewOptions) {
		this.#options = options;
		this.#since = options.since;
	}

	/** Waiting or in a call: whichever the client says. */
	update(): void {
		const { client } = this.#options;
		if (client.room === undefined || client.state === "ended") return;
		const isHelped = [...client.participants.values()].some(({ role }) => role === "agent" || role === "supervisor");
		if (isHelped) this.#showCall();
		else if (this.#call === undefined || client.position > 0) this.#showWaiting();
		else this.#announceLeft(this.#call);
	}

	/** Says something over the picture for a moment, if there is one. */
	notify(text: string): void {
		this.#call?.notify(text);
	}

	/** Whether the page is shared. */
	set isShared(isShared: boolean) {
		this.#call?.showSharing(isShared);
	}

	/** Takes the call off the screen. */
	end(): void {
		clearInterval(this.#timer);
		this.#call?.remove();
		this.#call = undefined;
		this.#options.panel.time = "";
	}

	#showWaiting(): void {
		const { client, strings, show, announce } = this.#options;
		this.end();
		const camera = client.media.of("camera").track;
		const { position } = client;
		// Whoever was being helped and is not any more should know why.
		const note = this.#helper === undefined ? undefined : strings.gone(this.#helper);
		if (note !== undefined) this.#setSince(0);
		const { root, text } = waitingBody(strings, { position, note, camera }, () => client.leave());
		show("waiting", [root]);
		announce(text);
	}

	#showCall(): void {
		this.#call ??= this.#beginCall();
		this.#helper = this.#nameOfHelper(this.#call);
		this.#helperHasLeft = false;
		this.#options.panel.title = this.#helper;
	}

	#beginCall(): CallView {
		const { client, strings, show, announce, onSharePage } = this.#options;
		const call = new CallView(client, strings, onSharePage);
		call.showSharing(client.share.isShared);
		show("call", call.content);
		announce(strings.arrived(this.#nameOfHelper(call)));
		if (this.#since === 0) this.#setSince(Date.now());
		this.#timer = setInterval(() => this.#showTime(), 1000);
		this.#showTime();
		return call;
	}

	#announceLeft(call: CallView): void {
		if (this.#helper === undefined || this.#helperHasLeft) return;
		const text = this.#options.strings.gone(this.#helper);
		this.#helperHasLeft = true;
		call.notify(text);
		this.#options.announce(text);
	}

	#showTime(): void {
		const seconds = Math.max(0, Math.floor((Date.now() - this.#since) / 1000));
		const two = (value: number) => String(value).padStart(2, "0");
		this.#options.panel.time = `${Math.floor(seconds / 60)}:${two(seconds % 60)}`;
	}

	#nameOfHelper({ helper }: CallView): string {
		return helper?.name || this.#options.strings.helper;
	}

	#setSince(since: number): void {
		this.#since = since;
		this.#options.remember(since);
	}
}
