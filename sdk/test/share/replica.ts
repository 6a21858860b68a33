/** The relay's view of a recorded page, as strict as the relay: what does not fit throws. */
import type { Change, NodeId, PageEvent, WireNode } from "../../src/share/events";
import { Recorder } from "../../src/share/recorder";
import * as mask from "../../src/share/mask";

interface Kept {
	wire: WireNode;
	parent: Kept | undefined;
	children: Kept[];
}

export class Replica {
	readonly events: PageEvent[] = [];
	#nodes = new Map<NodeId, Kept>();
	#root: Kept | undefined;

	handle(events: readonly PageEvent[]): void {
		for (const event of events) {
			this.events.push(event);
			if (event.type === 2) {
				this.#nodes.clear();
				this.#root = this.#insert(event.data.node, undefined);
			} else if (event.type === 3) this.#change(event.data);
		}
	}

	/** Everything that left the page, as text. */
	get json(): string {
		return JSON.stringify(this.events);
	}

	/** The tree as indented lines of tags and texts. */
	get lines(): string[] {
		const lines: string[] = [];
		const walk = (kept: Kept, depth: number) => {
			const { wire } = kept;
			const label =
				"tagName" in wire ? wire.tagName : "textContent" in wire ? `"${wire.textContent}"` : `#${wire.type}`;
			lines.push(" ".repeat(depth) + label);
			for (const child of kept.children) walk(child, depth + 1);
		};
		if (this.#root !== undefined) walk(this.#root, 0);
		return lines;
	}

	/** The element with that `id` attribute. */
	element(id: string) {
		const found = [...this.#nodes.values()].find(({ wire }) => "attributes" in wire && wire.attributes["id"] === id);
		return found?.wire as Extract<WireNode, { type: 2 }> | undefined;
	}

	/** All events of one kind of change. */
	changes<Source extends Change["source"]>(source: Source): Extract<Change, { source: Source }>[] {
		return this.events.flatMap((event) =>
			event.type === 3 && event.data.source === source ? [event.data as Extract<Change, { source: Source }>] : [],
		);
	}

	#insert(wire: WireNode, parent: Kept | undefined, before?: Kept): Kept {
		if (this.#nodes.has(wire.id)) throw new Error(`duplicate id ${wire.id}`);
		const kept: Kept = { wire, parent, children: [] };
		this.#nodes.set(wire.id, kept);
		if (parent !== undefined) {
			const at = before === undefined ? parent.children.length : parent.children.indexOf(before);
			parent.children.splice(at, 0, kept);
		}
		for (const child of "childNodes" in wire ? wire.childNodes : []) this.#insert(child, kept);
		return kept;
	}

	#forget(kept: Kept): void {
		this.#nodes.delete(kept.wire.id);
		for (const child of kept.children) this.#forget(child);
	}

	#known(id: NodeId): Kept {
		const kept = this.#nodes.get(id);
		if (kept === undefined) throw new Error(`unknown id ${id}`);
		return kept;
	}

	#change(change: Change): void {
		if (change.source !== 0) {
			if ("id" in change && change.id !== undefined) this.#known(change.id);
			return;
		}
		for (const { id } of change.removes) {
			const kept = this.#known(id);
			kept.parent?.children.splice(kept.parent.children.indexOf(kept), 1);
			this.#forget(kept);
		}
		for (const { parentId, nextId, node } of change.adds) {
			this.#insert(node, this.#known(parentId), nextId === null ? undefined : this.#known(nextId));
		}
		for (const { id, value } of change.texts) Object.assign(this.#known(id).wire, { textContent: value });
		for (const { id, attributes } of change.attributes) {
			const { wire } = this.#known(id);
			if ("attributes" in wire) Object.assign(wire.attributes, attributes);
		}
	}
}

/** The page as the replica should be: what is seen of it, as the same lines. */
export function linesOf(node: Node, depth = 0): string[] {
	const indent = " ".repeat(depth);
	if (node.nodeType === Node.TEXT_NODE) return [`${indent}"${(node as Text).data}"`];
	if (node.nodeType === Node.COMMENT_NODE) return [];
	const label = node instanceof Element ? node.localName : `#${node.nodeType === Node.DOCUMENT_NODE ? 0 : 1}`;
	const inner = node instanceof HTMLIFrameElement ? node.contentDocument : null;
	const children = inner === null ? [...node.childNodes] : [inner];
	return [indent + label, ...children.flatMap((child) => linesOf(child, depth + 1))];
}

/** Records the test's document into a replica. Its assets are named after nothing. */
export function record(entered: (document: Document) => void = () => {}) {
	const replica = new Replica();
	const asset = mask.assetName("ab".repeat(32));
	const recorder = new Recorder({ rename: () => asset, send: (events) => replica.handle(events), entered });
	return { replica, recorder };
}

/** Until the recorder has told what happened: it collects for a frame, and looks around every 200 ms. */
export async function until(condition: () => boolean): Promise<void> {
	for (let tries = 0; !condition(); tries++) {
		if (tries > 400) throw new Error("waited in vain");
		await new Promise((resolve) => setTimeout(resolve, 10));
	}
}
