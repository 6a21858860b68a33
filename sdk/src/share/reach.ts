/** Where an element can be acted on: only where the shopper can see it, through all frames that it stands in. */
import { frameOf } from "./nodes";

interface Place {
	x: number;
	y: number;
}

export interface Reached extends Place {
	/** What lies at the place: the element, or a part of it. */
	hit: Element;
	/** The same place in the page's own window. */
	inPage: Place;
}

/**
 * The place to act at, in CSS pixels of the element's own window.
 *
 * @param fraction of the element's box
 * @returns undefined if it cannot be seen there, or something lies over it
 */
export function reach(element: Element, fraction: Place): Reached | undefined {
	const before = element.getBoundingClientRect();
	const isFramed = frameOf(element.ownerDocument) !== null;
	if (isFramed || before.top < 0 || before.bottom > innerHeight) {
		element.scrollIntoView({ block: "nearest", behavior: "instant" });
	}
	const box = element.getBoundingClientRect();
	if (!isInWindow(box, element.ownerDocument.defaultView)) return undefined;
	const place = { x: box.left + fraction.x * box.width, y: box.top + fraction.y * box.height };
	const hit = topAt(element, place);
	if (hit === null || !element.contains(hit)) return undefined;
	const inPage = { ...place };
	for (let frame = frameOf(element.ownerDocument); frame !== null; frame = frameOf(frame.ownerDocument)) {
		moveOut(inPage, frame);
		if (topAt(frame, inPage) !== frame) return undefined;
	}
	return { ...place, hit, inPage };
}

/** Where a document's window begins in the page's own. */
export function cornerOf(inner: Document): Place {
	const corner = { x: 0, y: 0 };
	for (let frame = frameOf(inner); frame !== null; frame = frameOf(frame.ownerDocument)) moveOut(corner, frame);
	return corner;
}

/** Counts a place from the corner of the window that a frame stands in, no longer from the frame's own. */
function moveOut(place: Place, frame: Element): void {
	const { left, top } = frame.getBoundingClientRect();
	place.x += left + frame.clientLeft;
	place.y += top + frame.clientTop;
}

/** What lies on top at a place of an element's window. */
function topAt(element: Element, { x, y }: Place): Element | null {
	return (element.getRootNode() as Document | ShadowRoot).elementFromPoint(x, y);
}

function isInWindow(box: DOMRect, view: Window | null): boolean {
	const { innerWidth: width = 0, innerHeight: height = 0 } = view ?? {};
	return box.bottom > 0 && box.right > 0 && box.top < height && box.left < width && box.width > 0 && box.height > 0;
}
