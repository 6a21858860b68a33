/**
 * The shopper's page in a call: questions to the shopper, and the bundle that does the sharing, loaded when it is needed.
 *
 * Owns the one running {@link PageShare} and its pauses. What the node says decides; this page only asks.
 */
import type { TillsideClient } from "../client/client";
import type { ControlState, PauseWhy, ShareState } from "../protocol";
import type { PageShare } from "../share";
import { askControl, askShare, type Question } from "./share_consent";
import type { Strings } from "./strings";

/** A page that is hidden for shorter than this is not paused: another tab of the shop may be coming up. */
const HIDDEN_AFTER_MS = 700;
/** A page that is never shown carries this, on its html or body element. */
const PAUSE_MARK = "data-tillside-pause";

export interface PageSharingOptions {
	client: TillsideClient;
	/** The node's address, as the client has it. */
	server: string;
	/** Where questions are put. */
	parent: ParentNode;
	strings: Strings;
	/** Says something for a moment, also to screen readers. */
	notify: (text: string) => void;
	/** What a later page of this tab needs to go on; undefined: nothing is shared. */
	remember: (sharing: { share: string; ticket: string } | undefined) => void;
	/** Whether the page is shared has changed. */
	changed: (isShared: boolean) => void;
}

export class PageSharing {
	readonly #options: PageSharingOptions;
	readonly #client: TillsideClient;
	readonly #listeners = new AbortController();
	readonly #forget: (() => void)[];
	readonly #marks = new MutationObserver(() => this.#handleMark());
	#page: PageShare | undefined;
	/** The ticket that {@link #page} stands on, or is being loaded for. */
	#ticket: string | undefined;
	#question: { about: string; withdraw: () => void } | undefined;
	#hiddenTimer: ReturnType<typeof setTimeout> | undefined;

	constructor(options: PageSharingOptions) {
		this.#options = options;
		this.#client = options.client;
		this.#forget = [
			this.#client.share.on("share", (state) => this.#handleState(state)),
			this.#client.share.on("control", (state) => this.#handleControl(state)),
			this.#client.on("participants", () => this.#showViewers()),
		];
		const { signal } = this.#listeners;
		document.addEventListener("visibilitychange", () => this.#handleVisibility(), { signal });
		for (const element of [document.documentElement, document.body]) {
			this.#marks.observe(element, { attributes: true, attributeFilter: [PAUSE_MARK] });
		}
	}

	/** Whether this page is shared, paused or not. */
	get isShared(): boolean {
		return this.#client.share.state?.phase === "live" || this.#client.share.state?.phase === "paused";
	}

	/** Goes on with the share of the page before: its socket opens before the call is back. */
	continue({ share, ticket }: { share: string; ticket: string }): void {
		this.#client.share.continue(ticket);
		if (!isPausePage()) void this.#start(share, ticket);
	}

	/** The shopper offers to share, or ends it. */
	async toggle(): Promise<void> {
		if (this.isShared) return this.#client.share.end();
		const question = this.#ask("offer", askShare(this.#options.parent, this.#options.strings, undefined));
		if (await question) this.#client.share.consent();
	}

	/** The call is over, or leaves this page. */
	stop(): void {
		this.#listeners.abort();
		this.#marks.disconnect();
		clearTimeout(this.#hiddenTimer);
		for (const forget of this.#forget) forget();
		this.#question?.withdraw();
		this.#end();
	}

	#handleState(state: ShareState): void {
		if (this.#question?.about === "share" && state.phase !== "requested") this.#question.withdraw();
		switch (state.phase) {
			case "requested":
				return void this.#askShare(state);
			case "live":
			case "paused":
				return this.#showState(state);
			case "ended":
				return this.#handleEnd(state);
		}
	}

	async #askShare(state: ShareState): Promise<void> {
		if (this.#question?.about === "share") return;
		const name = this.#nameOf(state.by);
		const { parent, strings } = this.#options;
		const isAccepted = await this.#ask("share", askShare(parent, strings, name));
		if (this.#client.share.state?.phase !== "requested") return;
		if (isAccepted) this.#client.share.consent();
		else this.#client.share.decline();
	}

	#showState(state: ShareState): void {
		const { ticket } = state;
		if (ticket !== undefined && ticket !== this.#ticket) void this.#start(state.share, ticket);
		this.#options.changed(true);
		this.#showPage();
		if (state.phase === "live" && isPausePage()) this.#pause("page");
		if (state.phase === "paused" && state.why === "page" && !isPausePage()) this.#client.share.consent();
	}

	async #start(share: string, ticket: string): Promise<void> {
		this.#page?.stop();
		this.#page = undefined;
		this.#ticket = ticket;
		this.#options.remember({ share, ticket });
		const { PageShare } = await loadShare();
		if (this.#ticket !== ticket) return;
		const { strings, server } = this.#options;
		this.#page = new PageShare({
			url: shareUrl(server),
			share,
			ticket,
			strings: strings.sharing,
			onPause: () => this.#pause("shopper"),
			onResume: () => this.#client.share.consent(),
			onStop: () => this.#client.share.end(),
			onRevoke: () => this.#client.share.revoke(),
			onEnded: (reason) => this.#handleSocketEnd(reason),
		});
		this.#showPage();
	}

	/** Tells the running share what the node said. */
	#showPage(): void {
		if (this.#page === undefined) return;
		this.#page.isPaused = this.#client.share.state?.phase === "paused";
		this.#showViewers();
		const { control } = this.#client.share;
		if (control !== undefined) this.#handleControl(control);
	}

	#showViewers(): void {
		if (this.#page === undefined) return;
		this.#page.viewers = (this.#client.share.state?.viewers ?? []).map((id) => this.#nameOf(id));
	}

	#handleControl(state: ControlState): void {
		if (this.#question?.about === "control" && state.phase !== "requested") this.#question.withdraw();
		if (state.phase === "requested") return void this.#askControl(state);
		if (this.#page === undefined) return;
		const { viewer, rung, ends_in_ms } = state;
		const endsAt = performance.now() + (ends_in_ms ?? 0);
		this.#page.control = state.phase === "granted" ? { viewer, rung, endsAt, name: this.#nameOf(viewer) } : undefined;
	}

	async #askControl({ viewer, rung }: ControlState): Promise<void> {
		if (this.#question?.about === "control") return;
		const { parent, strings } = this.#options;
		const minutes = await this.#ask("control", askControl(parent, strings, this.#nameOf(viewer), rung));
		const current = this.#client.share.control;
		if (current?.phase !== "requested" || current.viewer !== viewer) return;
		if (minutes === undefined) this.#client.share.deny(viewer);
		else this.#client.share.grant(viewer, rung, minutes * 60);
	}

	/** One question at a time; a newer one takes the place of an older one. */
	async #ask<Answer>(about: string, { answer, withdraw }: Question<Answer>): Promise<Answer | undefined> {
		this.#question?.withdraw();
		const question = { about, withdraw };
		this.#question = question;
		const given = await answer;
		if (this.#question === question) this.#question = undefined;
		return given;
	}

	#pause(why: PauseWhy): void {
		// At once: what is shown next must not leave any more, however long the node takes to hear of it.
		if (this.#page !== undefined) this.#page.isPaused = true;
		this.#client.share.pause(why);
	}

	#handleVisibility(): void {
		clearTimeout(this.#hiddenTimer);
		if (document.hidden) {
			this.#hiddenTimer = setTimeout(
				() => this.#client.share.state?.phase === "live" && this.#pause("hidden"),
				HIDDEN_AFTER_MS,
			);
		} else if (this.#client.share.state?.why === "hidden") this.#client.share.consent();
	}

	/** The store's scripts marked the page, or took the mark away. */
	#handleMark(): void {
		const { state } = this.#client.share;
		if (state !== undefined && this.isShared) this.#showState(state);
	}

	/** Another socket took this one's place: another tab of the shop shares now. */
	#handleSocketEnd(reason: string): void {
		this.#page = undefined;
		if (reason !== "replaced") this.#ticket = undefined;
	}

	#handleEnd({ why }: ShareState): void {
		const wasShared = this.#ticket !== undefined;
		this.#end();
		if (wasShared && why !== "call_ended") this.#options.notify(this.#options.strings.sharing.ended);
	}

	#end(): void {
		this.#page?.stop();
		this.#page = undefined;
		this.#ticket = undefined;
		this.#options.remember(undefined);
		this.#options.changed(false);
	}

	#nameOf(id: string | undefined): string {
		const name = id === undefined ? undefined : this.#client.participants.get(id)?.name;
		return name || this.#options.strings.helper;
	}
}

function isPausePage(): boolean {
	return document.documentElement.hasAttribute(PAUSE_MARK) || document.body.hasAttribute(PAUSE_MARK);
}

/** Beside the widget's own file; in one file with it, every page would load what few need. */
function loadShare(): Promise<typeof import("../share")> {
	const here = import.meta.url;
	return import(/* @vite-ignore */ new URL("./share.js", here).href) as Promise<typeof import("../share")>;
}

/** The node's address for shared pages. */
function shareUrl(server: string): string {
	const url = new URL("/v1/share", new URL(server || "/", location.href));
	url.protocol = url.protocol === "http:" || url.protocol === "ws:" ? "ws:" : "wss:";
	return url.href;
}
