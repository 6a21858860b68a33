/**
 * Records a page: first whole, then every difference, each at most {@link FLUSH_MS} old.
 *
 * Own work instead of `@rrweb/record`, whose snapshot of a page of 5,000 nodes is one task of 60 ms and more, and which
 * masks at six places. Here a snapshot is written in slices, and whatever leaves the page is made by `mask.ts`.
 */
import { Activity } from "./activity";
import { Changes } from "./changes";
import { Controls } from "./controls";
import type { Change, PageEvent } from "./events";
import { Known } from "./known";
import * as mask from "./mask";
import { LEVEL, levelOf, type Masked } from "./mask";
import { type Container, isDocument, isElement, isHtml, isShadowRoot, nodesIn } from "./nodes";
import { Serialiser, type Surroundings } from "./serialise";
import { Sheets } from "./sheets";
import { inSlices } from "./slices";

/** How long changes are collected, in milliseconds: one frame of the page. */
const FLUSH_MS = 16;
/** How often what no notice tells is looked at: values that scripts set, rules, new shadow roots, frames' documents. */
const LOOK_MS = 200;

/** What may get a shadow root (DOM Standard, `attachShadow`). */
const HOSTS = /-|^(?:article|aside|blockquote|body|div|footer|h[1-6]|header|main|nav|p|section|span)$/;
/** Most elements that are asked for a shadow root now and then: half a millisecond's work. */
const HOSTS_MAX = 20_000;

export interface RecorderTarget {
	/** The name that stands for an asset's address. */
	rename: (address: string, base?: string) => Masked;
	/** Takes what happened, oldest first. */
	send: (events: PageEvent[]) => void;
	/** A document is recorded from now on: the page's own, or that of a frame. */
	entered: (document: Document) => void;
}

export class Recorder {
	readonly known = new Known();
	readonly #target: RecorderTarget;
	readonly #sheets: Sheets;
	readonly #controls = new Controls(this.known);
	readonly #at: Surroundings;
	readonly #changes: Changes;
	/** Elements that may get a shadow root later, and tell nobody. */
	readonly #hosts = new Set<Element>();
	/** Frames go to other documents, and tell nobody. */
	readonly #frames = new Set<HTMLIFrameElement>();
	#activity: Activity | undefined;
	/** What happened since the last flush, apart from changes of the tree. */
	#happened: PageEvent[] = [];
	#href = "";
	#timer: ReturnType<typeof setTimeout> | undefined;
	#looking: ReturnType<typeof setInterval> | undefined;
	/** Counts up with every snapshot, pause and stop: work of an earlier count is void. */
	#run = 0;
	#isBusy = false;

	constructor(target: RecorderTarget) {
		this.#target = target;
		this.#sheets = new Sheets(target.rename);
		this.#at = {
			known: this.known,
			rename: target.rename,
			sheet: (owner) => this.#sheets.of(owner),
			entered: (container) => this.#enter(container),
			holds: (control) => this.#controls.enter(control),
			typed: () => this.#controls.typed(),
			doubtful: (container) => this.#changes.doubt(container),
		};
		this.#changes = new Changes(this.known, this.#at, () => this.#schedule());
	}

	/** Records the whole page, then what changes. Called again, it begins anew. */
	async snapshot(): Promise<void> {
		this.pause();
		const run = ++this.#run;
		const isOver = () => run !== this.#run;
		this.#isBusy = true;
		this.#activity = new Activity(this.known, (change) => this.#happen(change));
		const writer = new Serialiser(this.#at);
		const node = writer.begin(document, LEVEL.public);
		const isWhole = await inSlices(() => writer.step(), isOver);
		if (!isWhole || isOver() || node === undefined) return;
		const initialOffset = { left: Math.round(scrollX), top: Math.round(scrollY) };
		const timestamp = Date.now();
		const page: PageEvent = { type: 2, data: { node, initialOffset }, timestamp };
		this.#href = location.href;
		this.#target.send([metaEvent(), page, ...this.#takeHappened()]);
		this.#isBusy = false;
		this.#looking = setInterval(() => this.#look(), LOOK_MS);
		this.#look();
		this.#schedule();
	}

	/** Records nothing until the next snapshot. */
	pause(): void {
		this.#run++;
		this.#isBusy = false;
		clearTimeout(this.#timer);
		clearInterval(this.#looking);
		this.#timer = undefined;
		this.#activity?.stop();
		this.#activity = undefined;
		this.#changes.stop();
		this.#happened = [];
		this.known.forgetAll();
		this.#sheets.forgetAll();
		this.#controls.forgetAll();
		this.#hosts.clear();
		this.#frames.clear();
	}

	/** A picture's file cannot be had: whoever shows it gets a box of its size. */
	handleUnreadable(address: string): void {
		for (const { images } of this.#documents()) {
			for (const image of images) {
				if (image.currentSrc === address || image.src === address) this.#changes.doubtAttribute(image, "src");
			}
		}
		this.#schedule();
	}

	#enter(container: Container): void {
		this.#sheets.enter(container);
		if (isElement(container)) {
			const mayHost = HOSTS.test(container.localName) && container.shadowRoot === null;
			if (mayHost && this.#hosts.size < HOSTS_MAX) this.#hosts.add(container);
			if (isHtml(container, "iframe")) this.#frames.add(container);
			return;
		}
		this.#changes.watch(container);
		if (!isDocument(container)) return;
		this.#activity?.watch(container);
		this.#target.entered(container);
	}

	/** The documents that are recorded. */
	#documents(): Document[] {
		return [document, ...[...this.#frames].flatMap((frame) => frame.contentDocument ?? [])];
	}

	#happen(change: Change): void {
		this.#happened.push({ type: 3, data: change, timestamp: Date.now() });
		this.#schedule();
	}

	#takeHappened(): PageEvent[] {
		const happened = this.#happened;
		this.#happened = [];
		return happened;
	}

	#schedule(): void {
		if (this.#isBusy || this.#activity === undefined) return;
		this.#timer ??= setTimeout(() => void this.#flush(), FLUSH_MS);
	}

	/** Tells what happened, then how the tree differs; what happens meanwhile waits for the next time. */
	async #flush(): Promise<void> {
		this.#timer = undefined;
		const run = this.#run;
		this.#isBusy = true;
		if (this.#href !== location.href) {
			this.#href = location.href;
			this.#happened.push(metaEvent());
		}
		const events = this.#takeHappened();
		const mutation = await this.#changes.compare(() => run !== this.#run);
		if (run !== this.#run) return;
		const timestamp = Date.now();
		if (mutation !== undefined) events.push({ type: 3, data: mutation, timestamp });
		for (const data of this.#controls.changes()) events.push({ type: 3, data, timestamp });
		if (events.length > 0) this.#target.send(events);
		this.#isBusy = false;
		if (this.#happened.length > 0 || !this.#changes.isEmpty) this.#schedule();
	}

	/** What changes without notice. */
	#look(): void {
		for (const owner of this.#sheets.changedOwners()) this.#changes.doubtAttribute(owner, "_cssText");
		const idOf = (root: Document | ShadowRoot) => this.known.id(isShadowRoot(root) ? root.host : root);
		for (const change of this.#sheets.changedAdopted(idOf)) this.#happen(change);
		for (const host of this.#hosts) {
			if (this.known.id(host) === undefined) this.#hosts.delete(host);
			else if (host.shadowRoot !== null) {
				this.#hosts.delete(host);
				this.#changes.again(host);
			}
		}
		for (const frame of this.#frames) this.#lookInto(frame);
		this.#schedule();
	}

	/** A frame may show another document by now, or one that is edited as a whole. */
	#lookInto(frame: HTMLIFrameElement): void {
		const told = this.known.children(frame);
		if (told === undefined) return void this.#frames.delete(frame);
		const [inner] = nodesIn(frame);
		if (told[0] !== inner) return this.#changes.doubt(frame);
		const root = frame.contentDocument?.documentElement;
		if (inner === undefined || root == null) return;
		const level = this.known.level(root);
		// Written anew by a script: that takes all listeners away.
		if (level === undefined) this.#enter(inner as Document);
		else if (levelOf(root) > level) this.#changes.again(root);
	}
}

function metaEvent(): PageEvent {
	const data = { href: mask.address(location.href), width: innerWidth, height: innerHeight };
	return { type: 4, data, timestamp: Date.now() };
}
