/** What the shopper does: pointer, scrolling, focus, selection, window size, playback. Nothing of it carries text. */
import type { Change, Position } from "./events";
import type { Known } from "./known";
import { LEVEL } from "./mask";
import { isDocument, isHtml } from "./nodes";

/** How often the pointer's place is noted, in milliseconds. */
const POINTER_MS = 50;
/** How often scrolling is told, in milliseconds. */
const SCROLL_MS = 100;

/** rrweb's numbers of interactions (`MouseInteractions`). */
const INTERACTIONS: Record<string, number> = {
	mouseup: 0,
	mousedown: 1,
	click: 2,
	contextmenu: 3,
	dblclick: 4,
	focusin: 5,
	focusout: 6,
	touchstart: 7,
	touchend: 9,
	touchcancel: 10,
};
/** rrweb's numbers of what happens to a film or sound (`MediaInteractions`). */
const MEDIA: Record<string, number> = { play: 0, pause: 1, seeked: 2, volumechange: 3, ratechange: 4 };

export class Activity {
	readonly #known: Known;
	readonly #tell: (change: Change) => void;
	readonly #listeners = new AbortController();
	readonly #onMove = (event: Event) => this.#move(event as MouseEvent | TouchEvent);
	readonly #onInteraction = (event: Event) => this.#interact(event as MouseEvent | TouchEvent);
	readonly #onPlayback = (event: Event) => this.#play(event);
	readonly #onScroll = (event: Event) => this.#scroll(event);
	readonly #onSelection = (event: Event) => this.#select(event.currentTarget as Document);
	#positions: (Position & { at: number })[] = [];
	#isTouch = false;
	#pointerTimer: ReturnType<typeof setTimeout> | undefined;
	readonly #scrolled = new Set<Node>();
	#scrollTimer: ReturnType<typeof setTimeout> | undefined;

	constructor(known: Known, tell: (change: Change) => void) {
		this.#known = known;
		this.#tell = tell;
		addEventListener("resize", () => this.#resize(), { signal: this.#listeners.signal });
	}

	/**
	 * Listens to what happens in a document; a second time changes nothing. Places in it are told from the corner of its
	 * own window.
	 */
	watch(document: Document): void {
		const options = { capture: true, passive: true, signal: this.#listeners.signal };
		for (const type of ["mousemove", "touchmove", "drag"]) document.addEventListener(type, this.#onMove, options);
		for (const type of Object.keys(INTERACTIONS)) document.addEventListener(type, this.#onInteraction, options);
		for (const type of Object.keys(MEDIA)) document.addEventListener(type, this.#onPlayback, options);
		document.addEventListener("scroll", this.#onScroll, options);
		document.addEventListener("selectionchange", this.#onSelection, options);
	}

	stop(): void {
		this.#listeners.abort();
		clearTimeout(this.#pointerTimer);
		clearTimeout(this.#scrollTimer);
	}

	#move(event: MouseEvent | TouchEvent): void {
		const place = "touches" in event ? event.touches[0] : event;
		const now = performance.now();
		const last = this.#positions.at(-1);
		if (place === undefined || (last !== undefined && now - last.at < POINTER_MS / 2)) return;
		const id = this.#pointedAt(event);
		if (id === undefined) return;
		this.#isTouch = "touches" in event;
		this.#positions.push({ x: Math.round(place.clientX), y: Math.round(place.clientY), id, timeOffset: 0, at: now });
		this.#pointerTimer ??= setTimeout(() => this.#tellPositions(), POINTER_MS);
	}

	#tellPositions(): void {
		this.#pointerTimer = undefined;
		const now = performance.now();
		const positions = this.#positions.map(({ at, ...position }) => ({ ...position, timeOffset: Math.round(at - now) }));
		this.#positions = [];
		this.#tell({ source: this.#isTouch ? 6 : 1, positions });
	}

	#interact(event: MouseEvent | TouchEvent): void {
		const id = this.#pointedAt(event);
		if (id === undefined) return;
		const place = "touches" in event ? event.changedTouches[0] : event;
		const [x, y] = [Math.round(place?.clientX ?? 0), Math.round(place?.clientY ?? 0)];
		this.#tell({ source: 2, type: INTERACTIONS[event.type] as number, id, x, y });
	}

	/** The number of what an event happened to; nothing inside what is hidden whole. */
	#pointedAt(event: Event): number | undefined {
		const target = event.composedPath()[0] as Node | Window | undefined;
		if (target === undefined || !("nodeType" in target)) return undefined;
		return (this.#known.level(target) ?? LEVEL.public) >= LEVEL.blocked ? undefined : this.#known.id(target);
	}

	#scroll(event: Event): void {
		this.#scrolled.add(event.target as Node);
		this.#scrollTimer ??= setTimeout(() => {
			this.#scrollTimer = undefined;
			for (const node of this.#scrolled) this.#tellScroll(node);
			this.#scrolled.clear();
		}, SCROLL_MS);
	}

	#tellScroll(node: Node): void {
		const id = this.#known.id(node);
		const element = isDocument(node) ? node.scrollingElement : (node as Element);
		if (id === undefined || element === null) return;
		this.#tell({ source: 3, id, x: Math.round(element.scrollLeft), y: Math.round(element.scrollTop) });
	}

	#select(document: Document): void {
		const selection = document.getSelection();
		if (selection === null) return;
		const range = selection.rangeCount > 0 ? selection.getRangeAt(0) : undefined;
		const [start, end] = [this.#known.id(range?.startContainer), this.#known.id(range?.endContainer)];
		const isOpen = (node: Node | undefined) => node !== undefined && this.#known.level(node) === LEVEL.public;
		if (range === undefined || range.collapsed || !isOpen(range.startContainer) || !isOpen(range.endContainer)) {
			return this.#tell({ source: 14, ranges: [] });
		}
		if (start === undefined || end === undefined) return;
		const { startOffset, endOffset } = range;
		this.#tell({ source: 14, ranges: [{ start, startOffset, end, endOffset }] });
	}

	#resize(): void {
		this.#tell({ source: 4, width: innerWidth, height: innerHeight });
	}

	#play(event: Event): void {
		const media = event.target as Node;
		if (!isHtml(media, "video") && !isHtml(media, "audio")) return;
		const id = this.#known.id(media);
		if (id === undefined) return;
		const { currentTime, muted, playbackRate } = media;
		this.#tell({ source: 7, type: MEDIA[event.type] as number, id, currentTime, muted, playbackRate });
	}
}
