/**
 * The page as nodes of a real document, by the recorder's ids.
 *
 * Builds by `createElement` alone, and only what `allow.ts` lets through; what the elements look like is set by
 * `looks.ts`. Knows nothing of events' order, sockets or pointers.
 */
import { elementNameOf } from "./allow";
import type { Assets } from "./assets";
import { dom } from "./dom";
import type { Addition, AttributeValue, Level, WireNode } from "./events";
import { tame } from "./frames";
import { Looks } from "./looks";
import type { StyleHost, Styles } from "./styles";

const SVG_NAMESPACE = "http://www.w3.org/2000/svg";
/** Most nodes of a page, as in the relay; what comes beyond is not built. */
const NODES_MAX = 100_000;

/** A node of the page and what we must know of it that the DOM does not tell, or could be made to tell wrongly. */
export interface Known {
	readonly id: number;
	readonly node: Node;
	readonly kind: WireNode["kind"];
	/** As the page has it; the built element may be another. */
	readonly tag: string;
	readonly isSvg: boolean;
	/** Its own, or the nearest of its ancestors'. */
	readonly level: Level | undefined;
	/** Attributes that tell what it is: `id`, `type` and `role`, which make its fingerprint, and `contenteditable`. */
	readonly facts: Map<string, string>;
	/** Where a link leads; shown, never followed. */
	href: string | undefined;
	/** The text of a style element before it was made fit, if it is one's. */
	readonly isSheet: boolean;
}

export class Tree {
	readonly #known = new Map<number, Known>();
	readonly #ids = new WeakMap<Node, number>();
	readonly #looks: Looks;
	readonly #styles: Styles;
	#rootId: number | undefined;
	/** Nodes that were refused. */
	#refused = 0;

	constructor(assets: Assets, styles: Styles) {
		this.#looks = new Looks(assets, styles);
		this.#styles = styles;
	}

	/** How much of the stream was refused: for tests and support. */
	get refused(): number {
		return this.#refused + this.#looks.refused;
	}

	/** The page's own document. */
	get root(): Known | undefined {
		return this.#rootId === undefined ? undefined : this.#known.get(this.#rootId);
	}

	get size(): number {
		return this.#known.size;
	}

	known(id: number): Known | undefined {
		return this.#known.get(id);
	}

	/** The known node that a DOM node is, or stands in. */
	knownAt(node: Node | null): Known | undefined {
		for (let at = node; at !== null; at = parentAcross(at)) {
			const id = this.#ids.get(at);
			if (id !== undefined) return this.#known.get(id);
		}
		return undefined;
	}

	/** Builds a whole document in place of what the given one holds. `level` is that of the frame it stands in. */
	load(document: Document, wire: WireNode, level: Level | undefined): void {
		if (this.#rootId === undefined) this.#rootId = wire.id;
		empty(document);
		this.#keep(wire, document, level);
		for (const child of wire.children) this.#append(child, document, document, level);
		this.#styles.dress(document);
	}

	/** Takes a node with everything below it away. The page's own document stays until the next one is whole. */
	remove(id: number): void {
		const known = this.#known.get(id);
		if (known === undefined || known === this.root) return;
		this.#forget(known.node);
		if (known.kind === "document") empty(known.node);
		else dom.remove(known.node);
	}

	/** Forgets the document that a frame shows: it gets another one. */
	unload(frame: Known): void {
		const inner = (frame.node as HTMLIFrameElement).contentDocument;
		if (inner !== null) this.#forget(inner);
	}

	/** Adds nodes, each under its parent; parents and siblings may come after those that need them. */
	add(additions: readonly Addition[]): void {
		const awaited = new Map<number, Addition[]>();
		const ids = new Set(additions.map(({ node }) => node.id));
		const place = (first: Addition) => {
			const ready = [first];
			for (let one = ready.pop(); one !== undefined; one = ready.pop()) {
				const need = [one.parent, one.next].find((id) => id !== undefined && ids.has(id));
				if (need !== undefined) {
					awaited.set(need, [...(awaited.get(need) ?? []), one]);
					continue;
				}
				this.#place(one);
				ids.delete(one.node.id);
				ready.push(...(awaited.get(one.node.id) ?? []).reverse());
				awaited.delete(one.node.id);
			}
		};
		for (const addition of additions) place(addition);
		// What waits for each other, in a circle, is impossible in a page.
		for (const late of awaited.values()) this.#refused += late.length;
	}

	setText(id: number, text: string): void {
		const known = this.#known.get(id);
		if (known?.kind !== "text") return;
		(known.node as Text).data = this.#looks.textOf(dom.document(known.node), text, known.isSheet, known.level);
	}

	setAttributes(id: number, attributes: ReadonlyMap<string, AttributeValue>): void {
		const known = this.#known.get(id);
		if (known?.kind !== "element") return;
		for (const [name, value] of attributes) this.#looks.set(known, name.toLowerCase(), value);
	}

	/** A control holds this now. */
	setValue(id: number, text: string, isChecked: boolean): void {
		const known = this.#known.get(id);
		if (known?.kind === "element") this.#looks.setValue(known, text, isChecked);
	}

	/** An asset came: whatever waited for it shows it. */
	showAsset(name: string): void {
		this.#looks.showAsset(name);
	}

	/** Where the styles of a document or of an element's shadow root are kept. */
	styleHost(id: number): StyleHost | undefined {
		const known = this.#known.get(id);
		if (known?.kind === "document") return known.node as Document;
		return known?.kind === "element" ? (dom.shadowRoot(known.node as Element) ?? undefined) : undefined;
	}

	/** The sheet of a style element. */
	sheetOf(id: number): CSSStyleSheet | undefined {
		const known = this.#known.get(id);
		const isStyle = known?.tag === "style" || known?.tag === "link";
		return isStyle ? ((known.node as HTMLStyleElement).sheet ?? undefined) : undefined;
	}

	#place({ parent: parentId, next: nextId, node: wire }: Addition): void {
		const parent = this.#known.get(parentId);
		if (parent === undefined || !mayHoldChildren(parent)) return void this.#refused++;
		if (this.#known.has(wire.id)) this.remove(wire.id);
		const home = wire.inShadow ? this.#shadowOf(parent) : parent.node;
		const document = dom.document(parent.node);
		const next = nextId === undefined ? undefined : this.#known.get(nextId)?.node;
		this.#append(
			wire,
			home,
			document,
			parent.level,
			next !== undefined && dom.parent(next) === home ? next : null,
			parent,
		);
	}

	/** Builds a node with everything below it; skips what may not be. */
	#append(
		wire: WireNode,
		parent: Node,
		document: Document,
		outer: Level | undefined,
		next: Node | null = null,
		parentKnown?: Known,
	): void {
		if (this.#known.has(wire.id) || this.#known.size >= NODES_MAX) return void this.#refused++;
		const level = higher(outer, wire.level);
		const built = this.#build(wire, document, level, parentKnown);
		if (built === undefined) return void this.#refused++;
		try {
			dom.insert(parent, built.node, next);
		} catch {
			// Not at this place: a second root element, a text in a document.
			this.#known.delete(wire.id);
			this.#refused++;
			return;
		}
		// Children after the element stands in its page: a frame has a document only then.
		if (!mayHoldChildren(built)) return;
		for (const child of wire.children) {
			if (child.kind === "document") continue;
			const home = child.inShadow ? this.#shadowOf(built) : built.node;
			this.#append(child, home, document, level, null, built);
		}
	}

	#build(wire: WireNode, document: Document, level: Level | undefined, parent: Known | undefined): Known | undefined {
		switch (wire.kind) {
			case "document":
				return undefined;
			case "doctype":
				return this.#keep(wire, document.implementation.createDocumentType("html", "", ""), level);
			case "text": {
				const isSheet = parent?.tag === "style" || parent?.tag === "link";
				const text = this.#looks.textOf(document, wire.text, isSheet, level);
				return this.#keep(wire, document.createTextNode(text), level, isSheet);
			}
			case "element":
				return this.#element(wire, document, level);
		}
	}

	#element(wire: WireNode, document: Document, level: Level | undefined): Known | undefined {
		// Inside of SVG some recorders leave the mark away; the root has it always.
		const name = elementNameOf(wire.tag, wire.svg);
		if (name === undefined) return undefined;
		const element = wire.svg ? document.createElementNS(SVG_NAMESPACE, name) : document.createElement(name);
		const known = this.#keep(wire, element, level);
		if (name === "iframe") tame(element);
		for (const [attribute, value] of wire.attributes) this.#looks.set(known, attribute.toLowerCase(), value);
		if (wire.level !== undefined) this.#looks.mark(known, wire, wire.level);
		return known;
	}

	#keep(wire: WireNode, node: Node, level: Level | undefined, isSheet = false): Known {
		const known: Known = {
			id: wire.id,
			node,
			kind: wire.kind,
			tag: wire.tag,
			isSvg: wire.svg,
			level,
			facts: new Map(),
			href: undefined,
			isSheet,
		};
		this.#known.set(wire.id, known);
		this.#ids.set(node, wire.id);
		return known;
	}

	#shadowOf(host: Known): Node {
		const element = host.node as Element;
		const there = dom.shadowRoot(element);
		if (there !== null) return there;
		try {
			const shadow = Element.prototype.attachShadow.call(element, { mode: "open" });
			this.#styles.dress(shadow);
			this.#ids.set(shadow, host.id);
			return shadow;
		} catch {
			return element;
		}
	}

	/** Forgets a subtree, shadow roots and frames' documents too. */
	#forget(top: Node): void {
		const stack = [top];
		for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
			const id = this.#ids.get(node);
			const known = id === undefined ? undefined : this.#known.get(id);
			if (id !== undefined && known?.node === node) this.#known.delete(id);
			for (let child = dom.firstChild(node); child !== null; child = dom.nextSibling(child)) stack.push(child);
			if (dom.type(node) !== Node.ELEMENT_NODE) continue;
			const shadow = dom.shadowRoot(node as Element);
			if (shadow !== null) stack.push(shadow);
			const inner = known?.tag === "iframe" ? (node as HTMLIFrameElement).contentDocument : null;
			if (inner !== null) stack.push(inner);
		}
	}
}

const RANKS: readonly Level[] = ["masked", "blocked", "payment"];

function higher(outer: Level | undefined, own: Level | undefined): Level | undefined {
	const rank = (level: Level | undefined) => (level === undefined ? -1 : RANKS.indexOf(level));
	return rank(own) > rank(outer) ? own : outer;
}

/** Boxes hold nothing; nor do hidden controls, whose content would tell what was typed. */
function mayHoldChildren(known: Known): boolean {
	if (known.kind !== "document" && known.kind !== "element") return false;
	const isControl = known.tag === "select" || known.tag === "textarea";
	return known.level === undefined || (known.level === "masked" && !isControl);
}

function empty(document: Node): void {
	for (let child = dom.firstChild(document); child !== null; child = dom.firstChild(document)) dom.remove(child);
}

/** The parent, out of shadow roots and frames too. */
function parentAcross(node: Node): Node | null {
	const parent = dom.parent(node);
	if (parent !== null) return parent;
	if (dom.type(node) === Node.DOCUMENT_FRAGMENT_NODE) return (node as ShadowRoot).host;
	if (dom.type(node) === Node.DOCUMENT_NODE) return (node as Document).defaultView?.frameElement ?? null;
	return null;
}
