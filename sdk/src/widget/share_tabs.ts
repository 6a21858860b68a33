/**
 * Several tabs of one shop, one share: the tab that the shopper looks at shows its page.
 *
 * The tab with the call leads: it alone speaks with the node about the share. It lends the share's ticket to the shop's
 * other tabs (same origin, so they could read it anyway); whichever comes to the front opens a socket with it, and the
 * node gives up the socket of the one before.
 */
import type { Control, PageShare } from "../share";
import { loadShare, shareUrl } from "./share_bundle";
import type { Strings } from "./strings";

const CHANNEL = "tillside-share";

/** What a tab needs to share its page; undefined: nothing is shared. */
export interface Lent {
	server: string;
	share: string;
	ticket: string;
	viewers: string[];
	isPaused: boolean;
	/** Its end in milliseconds from now: each tab has a clock of its own. */
	control: (Omit<Control, "endsAt"> & { endsInMs: number }) | undefined;
}

/** What the shopper does in another tab than the leading one, or what became of its page. */
export type Wish = "pause" | "resume" | "stop" | "revoke" | "too_large";

type Said =
	{ t: "who" } | { t: "lent"; lent: Lent | undefined } | { t: "visible" } | { t: "hidden" } | { t: "wish"; wish: Wish };

/** The side of the tab with the call. */
export class TabLeader {
	readonly #channel = new BroadcastChannel(CHANNEL);
	#lent: Lent | undefined;

	/** @param onVisible another tab came to the front, or went away */
	constructor(onVisible: (isVisible: boolean) => void, onWish: (wish: Wish) => void) {
		this.#channel.onmessage = ({ data }: MessageEvent<Said>) => {
			if (data.t === "who") this.#say();
			else if (data.t === "visible" || data.t === "hidden") onVisible(data.t === "visible");
			else if (data.t === "wish") onWish(data.wish);
		};
	}

	/** Tells the other tabs how the share stands. */
	lend(lent: Lent | undefined): void {
		if (JSON.stringify(lent) === JSON.stringify(this.#lent)) return;
		this.#lent = lent;
		this.#say();
	}

	stop(): void {
		this.lend(undefined);
		this.#channel.close();
	}

	#say(): void {
		this.#channel.postMessage({ t: "lent", lent: this.#lent } satisfies Said);
	}
}

/** The side of a tab without a call of its own. */
export class TabFollower {
	readonly #channel = new BroadcastChannel(CHANNEL);
	readonly #strings: Strings["sharing"];
	readonly #listeners = new AbortController();
	#lent: Lent | undefined;
	#page: PageShare | undefined;
	#ticket: string | undefined;

	constructor(strings: Strings["sharing"]) {
		this.#strings = strings;
		this.#channel.onmessage = ({ data }: MessageEvent<Said>) => {
			if (data.t !== "lent") return;
			this.#lent = data.lent;
			this.#show();
		};
		const { signal } = this.#listeners;
		document.addEventListener("visibilitychange", () => this.#handleVisibility(), { signal });
		this.#say({ t: "who" });
	}

	stop(): void {
		this.#listeners.abort();
		this.#channel.close();
		this.#end();
	}

	#say(said: Said): void {
		this.#channel.postMessage(said);
	}

	#handleVisibility(): void {
		if (document.hidden && this.#page !== undefined) this.#say({ t: "hidden" });
		// How the share stands may have changed while a sleeping tab heard nothing.
		else if (!document.hidden) this.#say({ t: "who" });
	}

	#show(): void {
		if (this.#lent === undefined) return this.#end();
		if (!document.hidden && this.#ticket !== this.#lent.ticket) void this.#begin(this.#lent);
		if (this.#page === undefined) return;
		const { viewers, isPaused, control } = this.#lent;
		// Another tab may have said that it went away after this one said that it came.
		if (isPaused && !document.hidden) this.#say({ t: "visible" });
		this.#page.viewers = viewers;
		this.#page.isPaused = isPaused;
		this.#page.control = control && { ...control, endsAt: performance.now() + control.endsInMs };
	}

	async #begin({ server, share, ticket }: Lent): Promise<void> {
		this.#ticket = ticket;
		this.#say({ t: "visible" });
		const { PageShare } = await loadShare();
		if (this.#ticket !== ticket) return;
		const wish = (wish: Wish) => () => this.#say({ t: "wish", wish });
		this.#page = new PageShare({
			url: shareUrl(server),
			share,
			ticket,
			strings: this.#strings,
			onPause: wish("pause"),
			onResume: wish("resume"),
			onStop: wish("stop"),
			onRevoke: wish("revoke"),
			onTooLarge: wish("too_large"),
			// The tab that shares now, or the leader, goes on; this one begins anew when it comes to the front.
			onEnded: () => {
				this.#page = undefined;
				this.#ticket = undefined;
			},
		});
		this.#show();
	}

	#end(): void {
		this.#ticket = undefined;
		this.#page?.stop();
		this.#page = undefined;
	}
}
