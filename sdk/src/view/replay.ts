/**
 * Plays the events of a shared page into a frame, live: the newest state as soon as it is here, no clock, no buffer.
 *
 * Owns the order of events and the frame. A snapshot is built in a new document behind the one on screen and takes its
 * place when it is whole, so that nothing flashes. What cannot be read leaves the view blank until the next snapshot.
 */
import { Emitter } from "../client/emitter";
import type { Assets } from "./assets";
import { FOCUS_MARK, HOVER_MARK } from "./css";
import { dom } from "./dom";
import { type Addition, parseEvents, type ShareNews, Unreadable, type ViewEvent } from "./events";
import { openFrame, openStage, tameFrame } from "./frames";
import { lockPicture, marksCss } from "./marks";
import { cornerOf, nodeAt, type Place, scrollableAbove } from "./places";
import { Styles } from "./styles";
import { type Known, Tree } from "./tree";

export interface ReplayEvents {
	/** Where the share stands, and why. */
	news: ShareNews;
	/** Where the shopper is and how large the window is. */
	page: { href: string; width: number; height: number };
	/** A snapshot is on screen. */
	shown: { epoch: number };
	/** The shopper left the page in sight, or it was in sight long enough. */
	left: undefined;
	/** The shopper's pointer; undefined: not to be seen. */
	pointer: { place: Place; isTouch: boolean };
	/** The shopper clicked or tapped. */
	press: Place;
	/** A control holds something else now: an echo of what was typed, for one. */
	input: { node: number; text: string };
	/** The view scrolls along with the shopper from now on, or does not. */
	follows: boolean;
	/** Something moved or changed: whatever lies over the page may have to move too. */
	changed: undefined;
	/** The stream cannot be followed. A fresh snapshot mends it. */
	broken: undefined;
}

/** What is on screen. */
interface Shown {
	frame: HTMLIFrameElement;
	document: Document;
	tree: Tree;
	styles: Styles;
	epoch: number;
}

/** A page that its shopper has left stays in sight for so long, if the next one does not come before, in milliseconds. */
const LEFT_MS_MAX = 3_000;

/** rrweb's interactions that we show. */
const CLICK = 2;
const FOCUS = 5;
const BLUR = 6;
const TOUCH_START = 7;

export class Replay extends Emitter<ReplayEvents> {
	readonly #stage: HTMLIFrameElement;
	readonly #assets: Assets;
	readonly #lock = URL.createObjectURL(lockPicture());
	readonly #opening: Promise<Document | undefined>;
	readonly #forget: () => void;
	/** Messages in the order they came; a snapshot and a frame take a moment to open. */
	#work: Promise<void> = Promise.resolve();
	#pending = 0;
	#shown: Shown | undefined;
	/** What was shown of a page that was left: to look at while the next one comes, and nothing else. */
	#left: { page: Shown; timer: ReturnType<typeof setTimeout> } | undefined;
	#epoch = 0;
	#page = { href: "", width: 0, height: 0 };
	/** Where the shopper scrolled the page itself. */
	#offset = { x: 0, y: 0 };
	#follows = true;
	#marked = new Map<string, Element[]>();
	#ended = false;

	/** Plays into a frame that this puts into `container`. */
	constructor(container: HTMLElement, assets: Assets) {
		super();
		this.#assets = assets;
		this.#stage = tameFrame(document);
		this.#stage.title = "The customer’s page";
		this.#forget = assets.on("arrived", ({ name }) => {
			this.#shown?.tree.showAsset(name);
			this.#keepPlace();
		});
		container.append(this.#stage);
		this.#opening = openStage(this.#stage, () => this.#ended);
	}

	/** Where the shopper is and how large the window is. */
	get page(): ReplayEvents["page"] {
		return this.#page;
	}

	/** The tree on screen. */
	get tree(): Tree | undefined {
		return this.#shown?.tree;
	}

	/** The document on screen. */
	get document(): Document | undefined {
		return this.#shown?.document;
	}

	/** Of the tree on screen. */
	get epoch(): number {
		return this.#shown?.epoch ?? 0;
	}

	/** Whether the view scrolls along with the shopper. */
	get follows(): boolean {
		return this.#follows;
	}

	set follows(follows: boolean) {
		if (follows === this.#follows) return;
		this.#follows = follows;
		this.#keepPlace();
		this.emit("follows", follows);
		this.emit("changed", undefined);
	}

	/** How much of the page was refused, and how large it is: for tests and support. */
	get figures(): { nodes: number; refused: number } {
		return { nodes: this.#shown?.tree.size ?? 0, refused: this.#shown?.tree.refused ?? 0 };
	}

	/** Plays one message of the stream: a JSON array of events. */
	handleMessage(json: string): void {
		let events: ViewEvent[];
		try {
			events = parseEvents(json);
		} catch (error) {
			if (!(error instanceof Unreadable)) throw error;
			this.blank();
			return this.emit("broken", undefined);
		}
		// As long as nothing waits, changes are on screen before the next message is read.
		for (const event of events) {
			if (this.#pending === 0 && !isSlow(event)) this.#apply(event);
			else this.#enqueue(event);
		}
		if (this.#pending === 0) this.emit("changed", undefined);
	}

	/** Once all that came so far is on screen. */
	async settled(): Promise<void> {
		await this.#work;
	}

	/** Whether the page in sight was left: the shopper is on the way to the next one. */
	get isLeft(): boolean {
		return this.#left !== undefined;
	}

	/** Shows nothing: what was known of the page is gone. */
	blank(): void {
		const page = this.#shown ?? this.#left?.page;
		clearTimeout(this.#left?.timer);
		page?.styles.end();
		page?.frame.remove();
		[this.#shown, this.#left] = [undefined, undefined];
		this.#marked.clear();
	}

	end(): void {
		this.#ended = true;
		this.blank();
		this.#forget();
		URL.revokeObjectURL(this.#lock);
		this.#stage.remove();
	}

	/** The node of the page at a place, and the element that lies there. */
	at(place: Place): { known: Known; element: Element } | undefined {
		return this.#shown && nodeAt(this.#shown.tree, this.#shown.document, place);
	}

	/** Where the link at a place leads. */
	linkAt(place: Place): string | undefined {
		for (let at: Node | null = this.at(place)?.element ?? null; at !== null; at = dom.parent(at)) {
			const known = this.tree?.knownAt(at);
			if (known?.node === at && known.href !== undefined) return known.href;
		}
		return undefined;
	}

	/** The box of an element in CSS pixels of the shopper's window, frames around it included. */
	boxOf(element: Element): DOMRect {
		const box = dom.box(element);
		const { x, y } = this.#cornerOf(element);
		return new DOMRect(box.x + x, box.y + y, box.width, box.height);
	}

	/** Looks around: scrolls whatever can be scrolled at a place. */
	scrollAt(place: Place, dx: number, dy: number): void {
		const hit = this.at(place);
		const element = hit && scrollableAbove(hit.element, dx, dy);
		if (element) dom.scrollBy(element, { left: dx, top: dy, behavior: "instant" });
		else this.#shown?.document.defaultView?.scrollBy({ left: dx, top: dy, behavior: "instant" });
		this.emit("changed", undefined);
	}

	/** How far the view is scrolled away from what the shopper sees. */
	get drift(): Place {
		const view = this.#shown?.document.defaultView;
		if (!view) return { x: 0, y: 0 };
		return { x: this.#offset.x - view.scrollX, y: this.#offset.y - view.scrollY };
	}

	#enqueue(event: ViewEvent): void {
		this.#pending++;
		this.#work = this.#work.then(async () => {
			try {
				if (!this.#ended) await this.#applySlowly(event);
			} catch (error) {
				// A defect that one page brings to light must not keep the next one from the screen.
				reportError(error);
				this.blank();
				this.emit("broken", undefined);
			}
			this.#pending--;
			if (this.#pending === 0) this.emit("changed", undefined);
		});
	}

	async #applySlowly(event: ViewEvent): Promise<void> {
		if (event.kind === "snapshot") return this.#load(event);
		this.#apply(event);
		if (event.kind !== "mutation") return;
		for (const addition of event.adds) if (addition.node.kind === "document") await this.#attach(addition);
	}

	/** A whole page: built behind the one on screen. */
	async #load({ node, left, top }: Extract<ViewEvent, { kind: "snapshot" }>): Promise<void> {
		const stage = await this.#opening;
		if (stage === undefined) return;
		const frame = tameFrame(stage);
		frame.style.visibility = "hidden";
		stage.body.append(frame);
		const isStandard = node.children.some(({ kind }) => kind === "doctype");
		const document = await openFrame(frame, isStandard);
		if (document === undefined || this.#ended) return frame.remove();
		const styles = new Styles(this.#assets, marksCss(this.#lock));
		const tree = new Tree(this.#assets, styles);
		tree.load(document, node, undefined);
		this.blank();
		this.#shown = { frame, document, tree, styles, epoch: this.#epoch };
		this.#offset = { x: left, y: top };
		this.#follows = true;
		this.emit("follows", true);
		this.#keepPlace();
		frame.style.visibility = "";
		this.emit("shown", { epoch: this.#epoch });
	}

	/** The document of a frame within the page. */
	async #attach({ parent, node }: Addition): Promise<void> {
		const tree = this.tree;
		const frame = tree?.known(parent);
		if (tree === undefined || frame?.tag !== "iframe") return;
		if (frame.level !== undefined && frame.level !== "masked") return;
		tree.unload(frame);
		const isStandard = node.children.some(({ kind }) => kind === "doctype");
		const document = await openFrame(frame.node as HTMLIFrameElement, isStandard);
		// Meanwhile the page may be another one, or the frame gone.
		if (document === undefined || tree !== this.tree || tree.known(parent) !== frame) return;
		tree.load(document, node, frame.level);
	}

	#apply(event: ViewEvent): void {
		const shown = this.#shown;
		switch (event.kind) {
			case "state":
				return this.#handleNews(event.news);
			case "meta":
				return this.#place(event.href, event.width, event.height);
			case "resize":
				return this.#place(this.#page.href, event.width, event.height);
			case "snapshot":
				return;
			case "mutation":
				return this.#mutate(event);
			case "pointer":
				return this.#point(event);
			case "interaction":
				return this.#interact(event);
			case "scroll":
				return this.#scroll(event);
			case "input":
				shown?.tree.setValue(event.node, event.text, event.isChecked);
				return this.emit("input", { node: event.node, text: event.text });
			case "rules":
			case "declaration":
				return this.#restyle(event);
			case "adopted": {
				const host = shown?.tree.styleHost(event.host);
				if (host !== undefined) shown?.styles.adopt(event, host);
			}
		}
	}

	/** Where the share stands. A page that its shopper has left stays in sight until the next one is whole. */
	#handleNews(news: ShareNews): void {
		this.#epoch = news.epoch;
		if (news.why === "sharer_left") this.#leave();
		else if (news.state !== "live" && !(this.isLeft && news.why === "no_snapshot")) this.blank();
		this.emit("news", news);
	}

	/** What is on screen neither changes any more nor can be acted on, and goes in a moment. */
	#leave(): void {
		const page = this.#shown;
		if (page === undefined) return;
		const timer = setTimeout(() => {
			this.blank();
			this.emit("left", undefined);
		}, LEFT_MS_MAX);
		[this.#shown, this.#left] = [undefined, { page, timer }];
		this.#marked.clear();
		this.emit("left", undefined);
	}

	#mutate(event: Extract<ViewEvent, { kind: "mutation" }>): void {
		const tree = this.tree;
		if (tree === undefined) return;
		for (const id of event.removes) tree.remove(id);
		tree.add(event.adds.filter(({ node }) => node.kind !== "document"));
		for (const { node, text } of event.texts) tree.setText(node, text);
		for (const { node, attributes } of event.attributes) tree.setAttributes(node, attributes);
		this.#keepPlace();
	}

	#restyle(event: Extract<ViewEvent, { kind: "rules" | "declaration" }>): void {
		const shown = this.#shown;
		if (shown === undefined) return;
		const owner = "owner" in event.name ? shown.tree.known(event.name.owner) : undefined;
		const sheet = owner && shown.tree.sheetOf(owner.id);
		const document = owner === undefined ? shown.document : dom.document(owner.node);
		if (event.kind === "rules") shown.styles.changeRules(event, sheet, document);
		else shown.styles.changeDeclaration(event, sheet, document);
	}

	/** Where the page is, and how large the shopper's window. */
	#place(href: string, width: number, height: number): void {
		this.#page = { href, width, height };
		this.#stage.style.width = `${width}px`;
		this.#stage.style.height = `${height}px`;
		this.#keepPlace();
		this.emit("page", this.#page);
	}

	#point({ node, x, y, isTouch }: Extract<ViewEvent, { kind: "pointer" }>): void {
		const known = this.tree?.known(node);
		if (known === undefined) return;
		this.#markChain(HOVER_MARK, known.node);
		this.emit("pointer", { place: this.#inWindow(known, { x, y }), isTouch });
	}

	#interact({ what, node, x, y }: Extract<ViewEvent, { kind: "interaction" }>): void {
		const known = this.tree?.known(node);
		if (known === undefined) return;
		if (what === FOCUS || what === BLUR) {
			const isFocused = what === FOCUS && known.kind === "element";
			this.#markElements(FOCUS_MARK, isFocused ? [known.node as Element] : []);
		}
		if (what === CLICK || what === TOUCH_START) this.emit("press", this.#inWindow(known, { x, y }));
	}

	/** `:hover` holds for an element and all that it stands in. */
	#markChain(mark: string, node: Node): void {
		const chain: Element[] = [];
		for (let at: Node | null = node; at !== null; at = dom.parent(at)) {
			if (dom.type(at) === Node.ELEMENT_NODE) chain.push(at as Element);
		}
		this.#markElements(mark, chain);
	}

	#markElements(mark: string, elements: Element[]): void {
		const before = this.#marked.get(mark) ?? [];
		for (const element of before) if (!elements.includes(element)) dom.unset(element, mark);
		for (const element of elements) if (!before.includes(element)) dom.set(element, mark, "");
		this.#marked.set(mark, elements);
	}

	#scroll({ node, x, y }: Extract<ViewEvent, { kind: "scroll" }>): void {
		const known = this.tree?.known(node);
		if (known === undefined) return;
		if (known === this.tree?.root) {
			this.#offset = { x, y };
			return this.#keepPlace();
		}
		if (known.kind === "document")
			(known.node as Document).defaultView?.scrollTo({ left: x, top: y, behavior: "instant" });
		else if (known.kind === "element") dom.scroll(known.node as Element, { left: x, top: y, behavior: "instant" });
	}

	/** The page may have grown or shrunk under the view: the shopper's place is kept, while it is followed. */
	#keepPlace(): void {
		const view = this.#shown?.document.defaultView;
		if (!view || !this.#follows) return;
		const { x, y } = this.#offset;
		if (view.scrollX !== x || view.scrollY !== y) view.scrollTo({ left: x, top: y, behavior: "instant" });
	}

	/** From the window of a node's frame to the shopper's window. */
	#inWindow(known: Known, { x, y }: Place): Place {
		const corner = this.#cornerOf(known.node);
		return { x: x + corner.x, y: y + corner.y };
	}

	#cornerOf(node: Node): Place {
		return this.#shown === undefined ? { x: 0, y: 0 } : cornerOf(dom.document(node), this.#shown.document);
	}
}

/** Whether something has to be opened for this event. */
function isSlow(event: ViewEvent): boolean {
	if (event.kind === "mutation") return event.adds.some(({ node }) => node.kind === "document");
	return event.kind === "snapshot";
}
