/**
 * Which publications are looked at, and how large.
 *
 * Owns the watched video elements. Says what is wanted (`view`) and shows what the node bound (`bind`): an element gets
 * a slot's picture only when the node says that its publication is there.
 */
import type { SlotBinding, SlotView } from "../protocol";
import type { Slot } from "./transport";

/** Sizes change many times a second while a window is dragged; the node needs to know where that ends. */
const SETTLE_MS = 100;
/** An element outside the screen by less than this is about to be scrolled in. */
const MARGIN = "100px";

interface Watched {
	readonly publication: string;
	readonly element: HTMLVideoElement;
	/** 0 is served first. */
	readonly priority: number;
	isVisible: boolean;
}

export class Viewport {
	readonly #watched = new Map<HTMLVideoElement, Watched>();
	readonly #onView: (slots: SlotView[]) => void;
	readonly #sizes = new ResizeObserver(() => this.#schedule());
	readonly #visibility = new IntersectionObserver((entries) => this.#handleVisibility(entries), {
		rootMargin: MARGIN,
	});
	readonly #onPageVisibility = () => this.#schedule();
	#slots: Slot[] = [];
	#bindings: SlotBinding[] = [];
	#timer: ReturnType<typeof setTimeout> | undefined;

	/** @param onView is given the whole list of wishes whenever it changed */
	constructor(onView: (slots: SlotView[]) => void) {
		this.#onView = onView;
		document.addEventListener("visibilitychange", this.#onPageVisibility);
	}

	/** Shows a publication in an element, until the returned function is called. */
	watch(publication: string, element: HTMLVideoElement, priority: number): () => void {
		element.autoplay = true;
		element.playsInline = true;
		// Sound comes from the audio slots; a muted element may start without a click.
		element.muted = true;
		const watched: Watched = { publication, element, priority, isVisible: true };
		this.#watched.set(element, watched);
		this.#sizes.observe(element);
		this.#visibility.observe(element);
		this.#show();
		this.#schedule();
		return () => {
			if (this.#watched.get(element) !== watched) return;
			this.#watched.delete(element);
			this.#sizes.unobserve(element);
			this.#visibility.unobserve(element);
			element.srcObject = null;
			this.#schedule();
		};
	}

	/** The slots of a new transport. */
	handleSlots(slots: Slot[]): void {
		this.#slots = slots.filter(({ kind }) => kind === "video");
		this.#bindings = [];
		this.#show();
		this.#schedule();
	}

	/** What the slots show now. */
	handleBind(bindings: SlotBinding[]): void {
		this.#bindings = bindings;
		this.#show();
	}

	/** What is wanted now, one entry for each video slot that a watched element needs. */
	wishes(): SlotView[] {
		const free = new Set(this.#slots.map(({ mid }) => mid));
		const wanted = [...this.#watched.values()].sort((a, b) => a.priority - b.priority);
		const bound = new Map(wanted.map((watched) => [watched, this.#boundMid(watched.publication)]));
		// A publication keeps the slot that it plays in: moving it would cost a keyframe and a flicker.
		for (const mid of bound.values()) if (mid !== undefined) free.delete(mid);
		return wanted.flatMap((watched) => {
			const mid = bound.get(watched) ?? free.values().next().value;
			if (mid === undefined) return [];
			free.delete(mid);
			return [{ mid, publication: watched.publication, height: height(watched), priority: watched.priority }];
		});
	}

	stop(): void {
		clearTimeout(this.#timer);
		document.removeEventListener("visibilitychange", this.#onPageVisibility);
		this.#sizes.disconnect();
		this.#visibility.disconnect();
		for (const element of this.#watched.keys()) element.srcObject = null;
		this.#watched.clear();
	}

	#boundMid(publication: string): string | undefined {
		const mids = new Set(this.#slots.map(({ mid }) => mid));
		return this.#bindings.find((binding) => binding.publication === publication && mids.has(binding.mid))?.mid;
	}

	#show(): void {
		for (const { element, publication } of this.#watched.values()) {
			const mid = this.#boundMid(publication);
			const track = this.#slots.find((slot) => slot.mid === mid)?.track;
			const shown = element.srcObject instanceof MediaStream ? element.srcObject.getTracks()[0] : undefined;
			if (shown === track) continue;
			element.srcObject = track === undefined ? null : new MediaStream([track]);
		}
	}

	#handleVisibility(entries: IntersectionObserverEntry[]): void {
		for (const { target, isIntersecting } of entries) {
			const watched = this.#watched.get(target as HTMLVideoElement);
			if (watched !== undefined) watched.isVisible = isIntersecting;
		}
		this.#schedule();
	}

	#schedule(): void {
		clearTimeout(this.#timer);
		this.#timer = setTimeout(() => this.#onView(this.wishes()), SETTLE_MS);
	}
}

/** Height in device pixels; 0 while nobody can see it. */
function height({ element, isVisible }: Watched): number {
	if (!isVisible || document.visibilityState === "hidden") return 0;
	return Math.round(element.clientHeight * devicePixelRatio);
}
