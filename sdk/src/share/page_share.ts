/**
 * One shared page: what is recorded goes to the node, what agents do comes back, and a badge says so.
 *
 * Owns recorder, stream, assets, executor and badge. Who may see and control is told from outside; whether this page
 * may act for an agent is checked again here.
 */
import type { Rung } from "../protocol";
import { Assets } from "./assets";
import { Badge, type BadgeStrings } from "./badge";
import { Executor } from "./executor";
import { Recorder } from "./recorder";
import { Stream } from "./stream";

export interface PageShareOptions {
	/** `/v1/share` of the node, as `wss:`. */
	url: string;
	share: string;
	ticket: string;
	strings: BadgeStrings;
	/** The shopper wants to show nothing for now. */
	onPause: () => void;
	/** The shopper goes on after a pause. */
	onResume: () => void;
	/** The shopper ends the share. */
	onStop: () => void;
	/** The shopper took control back; the page has stopped acting already. */
	onRevoke: () => void;
	/** The page is larger than the node takes: nothing of it was sent. */
	onTooLarge: () => void;
	/** Another tab shares now, or the share is over. */
	onEnded: (reason: string) => void;
}

/** Who acts in the page, and how far. */
export interface Control {
	viewer: string;
	name: string;
	rung: Rung;
	/** On the clock of `performance.now()`. */
	endsAt: number;
}

export class PageShare {
	readonly #options: PageShareOptions;
	readonly #recorder: Recorder;
	readonly #assets: Assets;
	readonly #stream: Stream;
	readonly #badge: Badge;
	readonly #executor: Executor;
	readonly #onPageHide = () => {
		this.#assets.keep();
		this.#stream.leave();
	};
	/** A paused page is not recorded, whatever the node asks for. */
	#isPaused = false;

	constructor(options: PageShareOptions) {
		this.#options = options;
		addEventListener("pagehide", this.#onPageHide);
		this.#assets = new Assets(options.share, {
			takesAssets: () => this.#stream.takesAssets,
			send: (name, file) => this.#stream.sendAsset(name, file),
			failed: (address) => this.#recorder.handleUnreadable(address),
		});
		this.#recorder = new Recorder({
			rename: (address, base) => this.#assets.rename(address, base),
			send: (events) => this.#stream.send(events),
			entered: (document) => this.#executor.watch(document),
		});
		this.#badge = new Badge(options.strings, {
			pause: options.onPause,
			resume: options.onResume,
			stop: options.onStop,
			revoke: () => this.#revoke(),
		});
		this.#executor = new Executor({
			node: (id) => this.#recorder.known.node(id),
			level: (node) => this.#recorder.known.level(node),
			confirm: (name, guard, label) => this.#badge.confirm(name, guard, label),
			onRevoke: () => this.#revoke(),
		});
		this.#stream = new Stream(options.url, options.ticket, {
			opened: ({ images }) => this.#assets.open(images),
			snapshotWanted: () => this.#record(),
			stalled: () => this.#recorder.pause(),
			tooLarge: options.onTooLarge,
			act: async (act) => {
				const result = await this.#executor.handle(act);
				this.#stream.sendOutcome({ t: "outcome", viewer: act.viewer, seq: act.verb.seq, result });
			},
			ended: (reason) => {
				this.stop();
				options.onEnded(reason);
			},
		});
	}

	/** Who sees the page now, by name. */
	set viewers(names: readonly string[]) {
		this.#badge.viewers = names;
	}

	/** Records nothing while paused. A page that the node follows, or waits for, is sent anew afterwards. */
	set isPaused(paused: boolean) {
		if (paused === this.#isPaused) return;
		this.#isPaused = paused;
		this.#badge.isPaused = paused;
		if (paused) {
			this.#recorder.pause();
			this.#stream.withhold();
		} else if (this.#stream.isWanted) this.#record();
	}

	/** Who may act in the page; undefined: nobody. */
	set control(control: Control | undefined) {
		this.#executor.control = control;
		this.#badge.controller = control?.name;
	}

	/** Takes down everything that this page shares with. */
	stop(): void {
		removeEventListener("pagehide", this.#onPageHide);
		this.#recorder.pause();
		this.#executor.stop();
		this.#stream.close();
		this.#assets.stop();
		this.#badge.remove();
	}

	#record(): void {
		if (!this.#isPaused) void this.#recorder.snapshot();
	}

	/** First this page stops acting, then others are told. */
	#revoke(): void {
		this.control = undefined;
		this.#options.onRevoke();
	}
}
