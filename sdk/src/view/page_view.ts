/** One shared page as an agent has it on screen: the stream that feeds it, its files, and what the agent does there. */
import { Emitter } from "../client/emitter";
import { Acting } from "./acting";
import { Assets } from "./assets";
import type { ShareNews } from "./events";
import { Replay } from "./replay";
import { ShareStream } from "./stream";

export interface PageViewEvents {
	/** Anything that is shown around the page changed. */
	changed: undefined;
}

export class PageView extends Emitter<PageViewEvents> {
	/** Where the page is: as large as the shopper's window. Put it into the document at once. */
	readonly element = document.createElement("div");
	readonly replay: Replay;
	readonly acting: Acting;
	readonly #assets = new Assets();
	readonly #stream: ShareStream;
	#news: ShareNews | undefined;
	#delayMs: number | undefined;
	#isAway = false;
	#isClosed = false;

	constructor(url: string, ticket: string) {
		super();
		this.replay = new Replay(this.element, this.#assets);
		this.#stream = new ShareStream(url, ticket);
		this.acting = new Acting(this.replay, this.#stream);
		const changed = () => this.emit("changed", undefined);
		this.#assets.on("wanted", (name) => this.#stream.want(name));
		this.replay.on("news", (news) => {
			this.#news = news;
			changed();
		});
		this.replay.on("left", changed);
		this.replay.on("page", changed);
		this.replay.on("shown", changed);
		this.replay.on("follows", changed);
		this.replay.on("broken", () => this.#stream.restart());
		this.#stream.on("page", (json) => this.replay.handleMessage(json));
		this.#stream.on("asset", (file) => this.#assets.handleMessage(file));
		this.#stream.on("open", () => {
			for (const name of this.#assets.missing) this.#stream.want(name);
			this.#setAway(false);
		});
		this.#stream.on("lost", () => this.#setAway(true));
		this.#stream.on("delay", (ms) => {
			this.#delayMs = ms;
			changed();
		});
		this.#stream.on("closed", () => {
			this.#isClosed = true;
			this.replay.blank();
			changed();
		});
		this.#stream.connect();
	}

	/** Where the share stands, as the page's stream tells; undefined before its first word. */
	get news(): ShareNews | undefined {
		return this.#news;
	}

	/** Whether a page is on screen. */
	get isShown(): boolean {
		return this.replay.tree !== undefined;
	}

	/** Whether what is on screen was left: the shopper is on the way to the next page. */
	get isLeft(): boolean {
		return this.replay.isLeft;
	}

	/** How far behind the shopper's screen the view is; undefined: not known. */
	get delayMs(): number | undefined {
		return this.#delayMs;
	}

	/** The socket is lost: what is on screen is old. */
	get isAway(): boolean {
		return this.#isAway;
	}

	/** The node will not let this page in any more, for example because another tab of the agent shows it. */
	get isClosed(): boolean {
		return this.#isClosed;
	}

	end(): void {
		this.acting.end();
		this.#stream.end();
		this.replay.end();
		this.#assets.end();
	}

	#setAway(isAway: boolean): void {
		this.#isAway = isAway;
		this.emit("changed", undefined);
	}
}
