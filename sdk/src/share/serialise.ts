/**
 * Writes nodes for the relay, one node per step, so that a large page needs no long task.
 *
 * The page may change between two steps. Whatever was written is in {@link Known}; what changed there since is found by
 * the next comparison, and what was not reached yet is written as it is then.
 */
import type { Attributes, ElementNode, WireNode } from "./events";
import { isSeen, isSheetOwner, type Known } from "./known";
import * as mask from "./mask";
import { LEVEL, type Level, type Masked } from "./mask";
import { isHolding } from "./controls";
import { type Container, containerOf, isHtml, isShadowRoot, nodesIn } from "./nodes";
import { type Control, isControl } from "./payment";

/** Deepest nesting that the relay takes (SEC-31). */
const DEPTH_MAX = 250;

/** What writing needs to know of the rest of the page. */
export interface Surroundings {
	known: Known;
	/** The name of an asset that an address of this element stands for. */
	rename: (address: string, base?: string) => Masked;
	/** The rules of an element's sheet. */
	sheet: (owner: HTMLStyleElement | HTMLLinkElement) => Masked | undefined;
	/** A container was written: watch it. Also for roots that a script may not look into. */
	entered: (container: Container) => void;
	/** A control was written with what it holds now. */
	holds: (control: Control) => void;
	/** What private controls hold now. */
	typed: () => readonly string[];
	/** A node stands where the relay may have it twice: compare this container again. */
	doubtful: (container: Container) => void;
}

/** A container of which some children are still to be written. */
interface Open {
	container: Container;
	level: Level;
	depth: number;
	wire: WireNode[];
	/** Its children when it was opened. */
	nodes: readonly Node[];
	next: number;
	told: Node[];
}

export class Serialiser {
	readonly #at: Surroundings;
	readonly #open: Open[] = [];

	constructor(at: Surroundings) {
		this.#at = at;
	}

	/** Begins with a node; everything below it follows by {@link step}. */
	begin(node: Node, parent: Level, depth = 0): WireNode | undefined {
		return this.#write(node, parent, depth);
	}

	/** Writes one more node. False when all are written. */
	step(): boolean {
		const top = this.#open.at(-1);
		if (top === undefined) return false;
		const node = top.nodes[top.next++];
		if (node === undefined) {
			this.#at.known.setChildren(top.container, top.told);
			this.#open.pop();
			return this.#open.length > 0;
		}
		if (containerOf(node) !== top.container || !isSeen(node)) return true;
		if (this.#at.known.id(node) !== undefined) {
			this.#at.doubtful(top.container);
			return true;
		}
		const written = this.#write(node, top.level, top.depth + 1);
		if (written === undefined) return true;
		if (isShadowRoot(top.container)) (written as ElementNode).isShadow = true;
		top.told.push(node);
		top.wire.push(written);
		return true;
	}

	#write(node: Node, parent: Level, depth: number): WireNode | undefined {
		const { known } = this.#at;
		switch (node.nodeType) {
			case Node.DOCUMENT_NODE: {
				const level = known.levelBelow(parent, node);
				const id = known.tell(node, level);
				const childNodes: WireNode[] = [];
				this.#enter(node as Document, level, depth, childNodes);
				return { type: 0, childNodes, id };
			}
			case Node.DOCUMENT_TYPE_NODE:
				return {
					type: 1,
					name: mask.name((node as DocumentType).name),
					publicId: "",
					systemId: "",
					id: known.tell(node, parent),
				};
			case Node.TEXT_NODE: {
				const level = known.levelBelow(parent, node);
				const textContent = mask.text(node as Text, level, this.#at.typed());
				return { type: 3, textContent, id: known.tell(node, level) };
			}
			default:
				return this.#element(node as Element, parent, depth);
		}
	}

	#element(element: Element, parent: Level, depth: number): ElementNode {
		const { known } = this.#at;
		const level = known.levelBelow(parent, element);
		const wire: ElementNode = {
			type: 2,
			tagName: mask.name(element.localName.toLowerCase()),
			attributes: attributesOf(element, level, this.#at),
			childNodes: [],
			id: known.tell(element, level),
		};
		if (element.namespaceURI === "http://www.w3.org/2000/svg") wire.isSVG = true;
		if (isHolding(element)) this.#at.holds(element);
		if (isBox(element, level)) wire.needBlock = true;
		if (!showsChildren(element, level) || depth >= DEPTH_MAX) return wire;
		this.#enter(element, level, depth, wire.childNodes);
		if (element.shadowRoot !== null) {
			wire.isShadowHost = true;
			this.#enter(element.shadowRoot, level, depth, wire.childNodes);
		}
		return wire;
	}

	#enter(container: Container, level: Level, depth: number, wire: WireNode[]): void {
		this.#at.entered(container);
		this.#open.push({ container, level, depth, wire, nodes: nodesIn(container), next: 0, told: [] });
	}
}

/** Whether only the size of an element leaves the page. Payment controls keep their names for the relay's classifier. */
export function isBox(element: Element, level: Level): boolean {
	return level >= LEVEL.blocked && !isControl(element);
}

/** Whether what stands below an element is shared. */
export function showsChildren(element: Element, level: Level): boolean {
	if (level >= LEVEL.blocked || isSheetOwner(element)) return false;
	return !/^(?:textarea|canvas|video|audio)$/.test(element.localName);
}

/** All attributes of an element as they may leave the page. */
export function attributesOf(element: Element, level: Level, at: Surroundings): Attributes {
	if (isBox(element, level)) return boxOf(element);
	const attributes: Attributes = {};
	for (const { name } of element.attributes) {
		const masked = attributeOf(element, name, level, at);
		if (masked !== undefined) attributes[name] = masked;
	}
	if (isSheetOwner(element)) {
		const css = at.sheet(element);
		if (css !== undefined) attributes["_cssText"] = css;
	}
	if (isHtml(element, "img")) {
		const source = element.currentSrc || element.src;
		const name = source === "" || level > LEVEL.public ? mask.NOTHING : at.rename(source);
		delete attributes["src"];
		if (name !== mask.NOTHING) attributes["src"] = name;
		else if (source !== "") Object.assign(attributes, sizeOf(element));
	}
	Object.assign(attributes, stateOf(element, level));
	if (level === LEVEL.payment && isControl(element)) attributes["data-tillside"] = mask.name("block");
	return attributes;
}

/** One attribute; undefined if it stays in the page. */
export function attributeOf(element: Element, name: string, level: Level, at: Surroundings): Masked | undefined {
	const content = element.getAttribute(name);
	if (content === null) return undefined;
	return mask.attribute(element, name, content, level, (address) => at.rename(address, element.baseURI));
}

/** What a control, or a scrolled element, is like now; attributes do not tell. */
export function stateOf(element: Element, level: Level): Attributes {
	const state: Attributes = {};
	if (isHtml(element, "input") && /^(?:checkbox|radio)$/.test(element.type)) {
		if (element.checked && level === LEVEL.public) state["checked"] = true;
	} else if (isControl(element) && !/^(?:button|submit|reset|image|hidden|file)$/.test(element.type)) {
		const value = mask.value(element, level);
		if (value !== "") state["value"] = value;
	} else if (isHtml(element, "option")) {
		const select = element.closest("select");
		if (element.selected && level === LEVEL.public && select !== null) state["selected"] = true;
	} else if (isHtml(element, "dialog") && element.open) {
		state["rr_open_mode"] = mask.name(element.matches(":modal") ? "modal" : "non-modal");
	}
	if (element.scrollTop > 0) state["rr_scrollTop"] = mask.number(element.scrollTop);
	if (element.scrollLeft > 0) state["rr_scrollLeft"] = mask.number(element.scrollLeft);
	return state;
}

/** What keeps the place of something that is not shown. */
function sizeOf(element: Element): Attributes {
	const { width, height } = element.getBoundingClientRect();
	return { rr_width: mask.pixels(width), rr_height: mask.pixels(height) };
}

function boxOf(element: Element): Attributes {
	const box = sizeOf(element);
	const classes = mask.attribute(element, "class", element.className.toString(), LEVEL.public, () => mask.NOTHING);
	if (classes !== undefined && classes !== "") box["class"] = classes;
	return box;
}
