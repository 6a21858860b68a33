/** Places in the view: what lies at one, through shadow roots and frames, and where a frame's window begins. */
import { dom } from "./dom";
import type { Known, Tree } from "./tree";

/** A place in the view, in CSS pixels of the shopper's window. */
export interface Place {
	x: number;
	y: number;
}

/** The node of a page at a place of its window, and the element that lies there. */
export function nodeAt(tree: Tree, page: Document, { x, y }: Place): { known: Known; element: Element } | undefined {
	let root: Document | ShadowRoot | undefined = page;
	let [left, top] = [x, y];
	let element: Element | null = null;
	while (root !== undefined) {
		const hit: Element | null = root.elementFromPoint(left, top);
		if (hit === null || hit === element) break;
		element = hit;
		const shadow = dom.shadowRoot(hit);
		const known: Known | undefined = tree.knownAt(hit);
		if (shadow !== null) root = shadow;
		else if (known?.node === hit && known.tag === "iframe" && known.level === undefined) {
			const box = dom.box(hit);
			[left, top] = [left - box.left - hit.clientLeft, top - box.top - hit.clientTop];
			root = (hit as HTMLIFrameElement).contentDocument ?? undefined;
		} else root = undefined;
	}
	const known = element === null ? undefined : tree.knownAt(element);
	return known === undefined || element === null ? undefined : { known, element };
}

/** Where the window of a document begins in that of the page. */
export function cornerOf(inner: Document, page: Document): Place {
	const corner = { x: 0, y: 0 };
	let at: Document | undefined = inner;
	while (at !== undefined && at !== page) {
		const frame: Element | null | undefined = at.defaultView?.frameElement;
		if (!frame) break;
		const box = dom.box(frame);
		corner.x += box.left + frame.clientLeft;
		corner.y += box.top + frame.clientTop;
		at = dom.document(frame);
	}
	return corner;
}

/** The nearest element, from inside out, that can be scrolled this way; undefined: the page itself. */
export function scrollableAbove(element: Element, dx: number, dy: number): Element | undefined {
	const view = dom.document(element).defaultView;
	for (let at: Node | null = element; at !== null; at = dom.parent(at)) {
		if (dom.type(at) !== Node.ELEMENT_NODE || view === null) continue;
		const one = at as HTMLElement;
		const { overflowX, overflowY } = view.getComputedStyle(one);
		const scrolls = (overflow: string) => overflow === "auto" || overflow === "scroll";
		if (dy !== 0 && scrolls(overflowY) && one.scrollHeight > one.clientHeight) return one;
		if (dx !== 0 && scrolls(overflowX) && one.scrollWidth > one.clientWidth) return one;
	}
	return undefined;
}
