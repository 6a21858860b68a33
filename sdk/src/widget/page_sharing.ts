/**
 * The shopper's page in a call: questions to the shopper, and the bundle that does the sharing, loaded when it is needed.
 *
 * Owns the one running {@link PageShare} and its pauses. What the node says decides; this page only asks.
 */
import type { TillsideClient } from "../client/client";
import type { ControlState, PauseWhy, ShareState } from "../protocol";
import type { PageShare } from "../share";
import { loadShare, shareUrl } from "./share_bundle";
import { askControl, askShare, type Question } from "./share_consent";
import { TabLeader, type Wish } from "./share_tabs";
import type { Strings } from "./strings";

/** A page that is hidden for shorter than this is not paused: another tab of the shop may be coming up. */
const HIDDEN_AFTER_MS = 700;
/** How often a page that is paused is asked whether it is another one by now, in milliseconds; routers tell nobody. */
const PLACE_LOOK_MS = 400;
/** How long the node may take to say where a continued share stands, in milliseconds. */
const CONTINUE_MS_MAX = 5_000;
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
	readonly #tabs = new TabLeader(
		(isVisible) => this.#handleOtherTab(isVisible),
		(wish) => this.#handleWish(wish),
	);
	/** Whether another tab of the shop shows its page. */
	#isElsewhere = false;
	/** Whether another tab of the shop is in front, as it said last. */
	#isOtherInFront = false;
	readonly #marks = new MutationObserver(() => this.#handleMark());
	#page: PageShare | undefined;
	/** The ticket that {@link #page} stands on, or is being loaded for. */
	#ticket: string | undefined;
	#question: { about: string; withdraw: () => void } | undefined;
	#hiddenTimer: ReturnType<typeof setTimeout> | undefined;
	/** Where this page is not shown by the store's rules; elsewhere it may be. */
	#pausedAt: string | undefined;
	#placeTimer: ReturnType<typeof setInterval> | undefined;

	constructor(options: PageSharingOptions) {
		this.#options = options;
		this.#client = options.client;
		this.#forget = [
			this.#client.share.on("share", (state) => this.#handleState(state)),
			this.#client.share.on("control", (state) => this.#handleControl(state)),
			this.#client.on("participants", () => this.#showPage()),
		];
		const { signal } = this.#listeners;
		document.addEventListener("visibilitychange", () => this.#handleVisibility(), { signal });
		for (const element of [document.documentElement, document.body]) {
			this.#marks.observe(element, { attributes: true, attributeFilter: [PAUSE_MARK] });
		}
	}

	/** Goes on with the share of the page before: its socket opens before the call is back. */
	continue({ share, ticket }: { share: string; ticket: string }): void {
		this.#client.share.continue(ticket);
		if (!isPausePage()) void this.#start(share, ticket);
		this.#forget.push(this.#client.on("state", (state) => state === "joined" && this.#expectState()));
	}

	/** A share that ended while no page was there is told by nobody. */
	#expectState(): void {
		setTimeout(() => {
			if (this.#client.share.state === undefined) this.#end();
		}, CONTINUE_MS_MAX);
	}

	/** The shopper offers to share, or ends it. */
	async toggle(): Promise<void> {
		if (this.#client.share.isShared) return this.#client.share.end();
		const question = this.#ask("offer", askShare(this.#options.parent, this.#options.strings, undefined));
		if (await question) this.#client.share.consent();
	}

	/** The call is over, or leaves this page. */
	stop(): void {
		this.#listeners.abort();
		this.#marks.disconnect();
		clearTimeout(this.#hiddenTimer);
		clearInterval(this.#placeTimer);
		for (const forget of this.#forget) forget();
		this.#question?.withdraw();
		this.#end();
		this.#tabs.stop();
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
		clearInterval(this.#placeTimer);
		if (state.phase === "live") {
			this.#pausedAt = location.href;
			if (isPausePage()) this.#pause("page");
		} else if (state.why === "hidden" && !this.#isUnseen) {
			// The page before was left while its tab was hidden, or a tab came to the front while the pause was on its way.
			this.#client.share.consent();
		} else if (state.why === "page" || state.why === "too_large") {
			this.#leavePausePage();
			this.#placeTimer = setInterval(() => this.#leavePausePage(), PLACE_LOOK_MS);
		} else if (state.why === "sharer_left" && isPausePage()) {
			// This page opens no stream; agents would wait for one.
			this.#pausedAt = location.href;
			this.#pause("page");
		}
	}

	/** Goes on with the share once, on any page but the one that it was paused on: the node may know better. */
	#leavePausePage(): void {
		if (isPausePage() || this.#pausedAt === location.href) return;
		this.#pausedAt = location.href;
		this.#client.share.consent();
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
			onPause: () => this.#handleWish("pause"),
			onResume: () => this.#handleWish("resume"),
			onStop: () => this.#handleWish("stop"),
			onRevoke: () => this.#handleWish("revoke"),
			onTooLarge: () => this.#handleWish("too_large"),
			onEnded: (reason) => this.#handleSocketEnd(reason),
		});
		this.#showPage();
	}

	/** Tells the running share, and other tabs, what the node said. */
	#showPage(): void {
		const { state, control } = this.#client.share;
		const viewers = (state?.viewers ?? []).map((id) => this.#nameOf(id));
		// That we were away is over as soon as our socket is there: the node knows it first.
		const isPaused = state?.phase === "paused" && state.why !== "sharer_left";
		const { viewer = "", rung = "point", endsAt = 0 } = control ?? {};
		const granted = control?.phase === "granted" ? { viewer, rung, name: this.#nameOf(viewer) } : undefined;
		if (this.#page !== undefined) {
			this.#page.isPaused = isPaused;
			this.#page.viewers = viewers;
			this.#page.control = granted && { ...granted, endsAt };
		}
		if (state?.ticket === undefined || !this.#client.share.isShared) return this.#tabs.lend(undefined);
		const { share, ticket } = state;
		const endsInMs = Math.round(endsAt - performance.now());
		const { server } = this.#options;
		this.#tabs.lend({ server, share, ticket, viewers, isPaused, control: granted && { ...granted, endsInMs } });
	}

	#handleControl(state: ControlState): void {
		if (this.#question?.about === "control" && state.phase !== "requested") this.#question.withdraw();
		this.#showPage();
		if (state.phase === "requested") void this.#askControl(state);
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
		if (document.hidden) return this.#pauseIfUnseen();
		const { state } = this.#client.share;
		this.#isOtherInFront = false;
		// Another tab had the share: it is this page's again.
		if (this.#isElsewhere && state?.ticket !== undefined) void this.#start(state.share, state.ticket);
		this.#isElsewhere = false;
		this.#goOn();
	}

	/** A tab of the shop that the shopper looks at shows itself; without one, nothing is shown. */
	#handleOtherTab(isVisible: boolean): void {
		this.#isOtherInFront = isVisible;
		this.#isElsewhere = isVisible || this.#isElsewhere;
		if (isVisible) this.#goOn();
		else this.#pauseIfUnseen();
	}

	#goOn(): void {
		clearTimeout(this.#hiddenTimer);
		if (this.#client.share.state?.why === "hidden") this.#client.share.consent();
	}

	/** Not at once: on the way from one tab to another, none is in front for a moment. */
	#pauseIfUnseen(): void {
		clearTimeout(this.#hiddenTimer);
		this.#hiddenTimer = setTimeout(() => {
			if (this.#isUnseen && this.#client.share.state?.phase === "live") this.#pause("hidden");
		}, HIDDEN_AFTER_MS);
	}

	/** Whether no tab of the shop is in front. */
	get #isUnseen(): boolean {
		return document.hidden && !this.#isOtherInFront;
	}

	/** What the shopper does in the badge, or what became of the page, here or in another tab. */
	#handleWish(wish: Wish): void {
		if (wish === "pause") this.#pause("shopper");
		else if (wish === "too_large") {
			this.#pause("too_large");
			this.#options.notify(this.#options.strings.sharing.tooLarge);
		} else if (wish === "resume") this.#client.share.consent();
		else if (wish === "stop") this.#client.share.end();
		else this.#client.share.revoke();
	}

	/** The store's scripts marked the page, or took the mark away. */
	#handleMark(): void {
		this.#pausedAt = undefined;
		const { state } = this.#client.share;
		if (state !== undefined && this.#client.share.isShared) this.#showState(state);
	}

	/** Another socket took this one's place: another tab of the shop shares now. */
	#handleSocketEnd(reason: string): void {
		this.#page = undefined;
		this.#isElsewhere = reason === "replaced";
	}

	#handleEnd({ why }: ShareState): void {
		const wasShared = this.#ticket !== undefined;
		this.#end();
		if (wasShared && why !== "call_ended") this.#options.notify(this.#options.strings.sharing.ended);
	}

	#end(): void {
		clearInterval(this.#placeTimer);
		this.#page?.stop();
		this.#page = undefined;
		this.#ticket = undefined;
		this.#tabs.lend(undefined);
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
