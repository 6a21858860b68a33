/**
 * What the relay knows of the page: which nodes, under which numbers, in which order.
 *
 * Changes are found by comparing this with the page as it is, not by replaying what happened to it: whatever scripts do
 * between two looks, one look tells the relay the difference.
 */
import type { NodeId } from "./events";
import { LEVEL, type Level, levelOf } from "./mask";
import type { Container } from "./nodes";

/** Our own elements, and what never leaves a page. */
const UNSEEN = /^(?:tillside-.*|script|noscript|template|object|embed|base|meta)$/;

/** Whether a node is part of what is shared. */
export function isSeen(node: Node): boolean {
	switch (node.nodeType) {
		case Node.ELEMENT_NODE:
			return !UNSEEN.test((node as Element).localName);
		case Node.TEXT_NODE:
		case Node.DOCUMENT_NODE:
		case Node.DOCUMENT_TYPE_NODE:
			return true;
		default:
			return false;
	}
}

/** Whether an element's sheet stands for its content. */
export function isSheetOwner(node: Node): node is HTMLStyleElement | HTMLLinkElement {
	return (
		node.nodeName === "STYLE" || (node.nodeName === "LINK" && /\bstylesheet\b/i.test((node as HTMLLinkElement).rel))
	);
}

export class Known {
	readonly #ids = new WeakMap<Node, NodeId>();
	/** Kept also while the relay does not have a node: a level rises and never falls, until all is told anew. */
	#levels = new WeakMap<Node, Level>();
	readonly #nodes = new Map<NodeId, Node>();
	readonly #children = new Map<Node, Node[]>();
	#last = 0;

	/** The number of a node that the relay has. */
	id(node: Node | null | undefined): NodeId | undefined {
		const id = node == null ? undefined : this.#ids.get(node);
		return id !== undefined && this.#nodes.get(id) === node ? id : undefined;
	}

	/** The node of that number, if the relay has it. */
	node(id: NodeId): Node | undefined {
		return this.#nodes.get(id);
	}

	get size(): number {
		return this.#nodes.size;
	}

	/** The relay gets this node now. It keeps its number for life. */
	tell(node: Node, level: Level): NodeId {
		const id = this.#ids.get(node) ?? ++this.#last;
		this.#ids.set(node, id);
		this.#nodes.set(id, node);
		this.#levels.set(node, level);
		return id;
	}

	/** The relay's children of a container, in its order. */
	children(container: Container): readonly Node[] | undefined {
		return this.#children.get(container);
	}

	setChildren(container: Container, children: Node[]): void {
		this.#children.set(container, children);
	}

	/** The relay loses a node and all below it. */
	forget(node: Node): void {
		const id = this.id(node);
		if (id !== undefined) this.#nodes.delete(id);
		for (const container of [node, (node as Element).shadowRoot]) {
			if (container == null) continue;
			const children = this.#children.get(container);
			this.#children.delete(container);
			for (const child of children ?? []) this.forget(child);
		}
	}

	/** The relay knows nothing: what follows is told under today's marks. */
	forgetAll(): void {
		this.#levels = new WeakMap();
		this.#nodes.clear();
		this.#children.clear();
	}

	/** How hidden a node was told; undefined if the relay does not have it. */
	level(node: Node): Level | undefined {
		return this.id(node) === undefined ? undefined : this.#levels.get(node);
	}

	/** How hidden a node is: by itself, by what it stands in, and by what was told before. */
	levelBelow(parent: Level, node: Node): Level {
		return Math.max(parent, levelOf(node), this.#levels.get(node) ?? LEVEL.public) as Level;
	}
}
