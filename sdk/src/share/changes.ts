/**
 * Notes where the page changed, and tells the difference to what the relay knows.
 *
 * The browser's mutation records only say where to look. That makes a node that moved, came and went, or changed a
 * hundred times since the last look cost the same: one comparison.
 */
import type { Attributes, Mutation, NodeId } from "./events";
import { isSeen, isSheetOwner, type Known } from "./known";
import * as mask from "./mask";
import { LEVEL, type Level } from "./mask";
import { type Container, containerOf, isElement, isShadowRoot, nodesIn, parentOf, wireParent } from "./nodes";
import { isControl } from "./payment";
import { attributeOf, attributesOf, Serialiser, stateOf, type Surroundings } from "./serialise";
import { inSlices, Turns } from "./slices";

/** Attributes that decide how hidden a control is. */
const DECIDING = /^(?:data-tillside|type|autocomplete|name|id|placeholder|aria-label|contenteditable|role)$/;
/** Most controls of one form whose levels are looked at again when words in it change. */
const RECLASSIFIED_MAX = 40;

export class Changes {
	readonly #known: Known;
	readonly #at: Surroundings;
	readonly #observer: MutationObserver;
	/** Containers whose children may differ. */
	readonly #children = new Set<Container>();
	readonly #texts = new Set<Text>();
	readonly #attributes = new Map<Element, Set<string>>();
	/** Parts whose words changed: controls in them may be something else now. */
	readonly #reworded = new Set<Element>();
	/** Elements that are more hidden than the relay was told. */
	readonly #again = new Set<Element>();

	/** @param onChange is told, from within the browser's own notice, that there is something to tell */
	constructor(known: Known, at: Surroundings, onChange: () => void) {
		this.#known = known;
		this.#at = at;
		this.#observer = new MutationObserver((records) => {
			this.#note(records);
			onChange();
		});
	}

	/** Watches a document or shadow root. */
	watch(root: Document | ShadowRoot): void {
		this.#observer.observe(root, { childList: true, characterData: true, attributes: true, subtree: true });
	}

	/** Watches nothing any more, and forgets what was noted. */
	stop(): void {
		this.#observer.disconnect();
		this.#clear();
	}

	/** Notes that a container is to be compared. */
	doubt(container: Container): void {
		this.#children.add(container);
	}

	/** Notes that an attribute is to be told again. */
	doubtAttribute(element: Element, name: string): void {
		const names = this.#attributes.get(element);
		if (names === undefined) this.#attributes.set(element, new Set([name]));
		else names.add(name);
	}

	/** Notes that an element is to be taken away and told anew, with all below it. */
	again(element: Element): void {
		if (element.parentNode === null) return;
		this.#again.add(element);
		this.#children.add(element.parentNode as Container);
	}

	get isEmpty(): boolean {
		return this.#children.size + this.#texts.size + this.#attributes.size + this.#reworded.size === 0;
	}

	/**
	 * The difference between the page and what the relay knows, which it knows from now on.
	 *
	 * @returns undefined if there is none, or when `isOver` gave true in between
	 */
	async compare(isOver: () => boolean): Promise<Mutation | undefined> {
		this.#note(this.#observer.takeRecords());
		this.#reclassify();
		const containers = [...this.#children];
		const [texts, attributes] = [this.#withNeighbours(this.#texts), new Map(this.#attributes)];
		this.#clear();
		const mutation: Mutation = { source: 0, removes: [], adds: [], texts: [], attributes: [] };
		const arriving = containers.map((container) => [container, this.#leave(container, mutation)] as const);
		this.#again.clear();
		for (const text of texts) this.#text(text, mutation);
		for (const [element, names] of attributes) this.#attribute(element, names, mutation);
		// Only now: what is added is written as it is, and needs no change on top.
		for (const [container, kept] of arriving) {
			if (kept !== undefined && !(await this.#arrive(container, kept, mutation, isOver))) return undefined;
		}
		const { removes, adds } = mutation;
		return removes.length + adds.length + mutation.texts.length + mutation.attributes.length > 0 ? mutation : undefined;
	}

	#clear(): void {
		this.#children.clear();
		this.#texts.clear();
		this.#attributes.clear();
		this.#reworded.clear();
	}

	#note(records: MutationRecord[]): void {
		for (const { type, target, attributeName } of records) {
			const sheet = sheetOwner(target);
			if (sheet !== undefined) this.doubtAttribute(sheet, "_cssText");
			else if (type === "attributes") this.doubtAttribute(target as Element, attributeName ?? "");
			else if (type === "characterData") this.#noteText(target);
			else {
				this.#children.add(target as Container);
				this.#reword(target);
			}
		}
	}

	#noteText(target: Node): void {
		if (target.nodeType !== Node.TEXT_NODE) return;
		this.#texts.add(target as Text);
		this.#reword(target);
	}

	#reword(target: Node): void {
		const part = (isElement(target) ? target : target.parentElement)?.closest("form, fieldset, label");
		if (part != null) this.#reworded.add(part);
	}

	/** Controls whose level has risen are taken away and told anew, with all below them. */
	#reclassify(): void {
		const controls = new Set<Element>();
		for (const part of this.#reworded) {
			const form = part.closest("form") ?? part;
			for (const control of [...form.querySelectorAll("input, select, textarea")].slice(0, RECLASSIFIED_MAX)) {
				controls.add(control);
			}
		}
		for (const [element, names] of this.#attributes) {
			if ([...names].some((name) => DECIDING.test(name))) controls.add(element);
		}
		for (const element of controls) {
			const told = this.#known.level(element);
			if (told === undefined) continue;
			if (this.#known.levelBelow(this.#levelAround(element), element) > told) this.again(element);
		}
	}

	#levelAround(node: Node): Level {
		const parent = parentOf(node);
		return (parent === null ? undefined : this.#known.level(parent)) ?? LEVEL.public;
	}

	/**
	 * Tells what left a container.
	 *
	 * @returns the children that stay where they are; undefined if the relay does not have the container
	 */
	#leave(container: Container, mutation: Mutation): Set<Node> | undefined {
		const told = this.#known.children(container);
		const parentId = this.#known.id(wireParent(container));
		if (told === undefined || parentId === undefined) return undefined;
		const kept = staying(told, container);
		for (const element of this.#again) kept.delete(element);
		for (const node of told) {
			const id = this.#known.id(node);
			if (kept.has(node) || id === undefined) continue;
			mutation.removes.push({ parentId, id, ...(isShadowRoot(container) ? { isShadow: true } : {}) });
			this.#known.forget(node);
		}
		return kept;
	}

	/** Tells what came into a container. False when it was interrupted. */
	async #arrive(container: Container, kept: Set<Node>, mutation: Mutation, isOver: () => boolean): Promise<boolean> {
		const parentId = this.#known.id(wireParent(container));
		const level = this.#known.level(wireParent(container));
		if (parentId === undefined || level === undefined) return true;
		const children = nodesIn(container).filter(isSeen);
		const now: Node[] = [];
		// Thousands of small nodes may come at once.
		const turns = new Turns();
		let next: NodeId | null = null;
		for (const node of children.reverse()) {
			if (!kept.has(node) || this.#known.id(node) === undefined) {
				if (containerOf(node) !== container) continue;
				if (this.#known.id(node) !== undefined) {
					this.doubt(container);
					continue;
				}
				const writer = new Serialiser(this.#at);
				const written = writer.begin(node, level);
				if (written === undefined) continue;
				if (isShadowRoot(container) && "tagName" in written) written.isShadow = true;
				if (!(await inSlices(() => writer.step(), isOver)) || !(await turns.next(isOver))) return false;
				mutation.adds.push({ parentId, nextId: next, node: written });
			}
			next = this.#known.id(node) ?? next;
			now.unshift(node);
		}
		this.#known.setChildren(container, now);
		return true;
	}

	#text(node: Text, mutation: Mutation): void {
		const id = this.#known.id(node);
		if (id === undefined) return;
		const level = this.#known.levelBelow(this.#levelAround(node), node);
		mutation.texts.push({ id, value: mask.text(node, level, this.#at.typed()) });
	}

	/** Texts that make a number together with a changed one are told again, so that they are hidden as well. */
	#withNeighbours(texts: ReadonlySet<Text>): Set<Text> {
		const all = new Set(texts);
		for (const text of texts) {
			const part = mask.splitNumber(text);
			const walker = part && document.createTreeWalker(part, NodeFilter.SHOW_TEXT);
			while (walker?.nextNode()) all.add(walker.currentNode as Text);
		}
		return all;
	}

	#attribute(element: Element, names: Set<string>, mutation: Mutation): void {
		const id = this.#known.id(element);
		const level = this.#known.level(element);
		if (id === undefined || level === undefined || (level >= LEVEL.blocked && !isControl(element))) return;
		const attributes: Attributes = {};
		// What was told to be blocked stays so.
		if (level === LEVEL.payment) names.delete("data-tillside");
		for (const name of names) {
			if (name === "srcset" || name === "src") {
				const { src = null, rr_width = null, rr_height = null } = attributesOf(element, level, this.#at);
				Object.assign(attributes, src === null && rr_width !== null ? { src, rr_width, rr_height } : { src });
				continue;
			}
			const content =
				name === "_cssText" ? this.#at.sheet(element as HTMLStyleElement) : attributeOf(element, name, level, this.#at);
			// An attribute that does not leave the page is only told when it is gone: then it may have left before.
			if (content !== undefined) attributes[name] = content;
			else if (!element.hasAttribute(name) && name !== "_cssText") attributes[name] = null;
			if (name === "open") Object.assign(attributes, stateOf(element, level));
		}
		if (Object.keys(attributes).length > 0) mutation.attributes.push({ id, attributes });
	}
}

/** The style element or linked sheet that a change belongs to. */
function sheetOwner(target: Node): Element | undefined {
	const element = isElement(target) ? target : target.parentElement;
	return element !== null && isSheetOwner(element) ? element : undefined;
}

/**
 * The told children that need no move: the longest of their sequences that stand in the same order now (patience
 * sorting; nobody wants to move nine nodes because one went to the front).
 */
function staying(told: readonly Node[], container: Container): Set<Node> {
	const place = new Map<Node, number>();
	for (const [index, node] of nodesIn(container).entries()) place.set(node, index);
	const ends: number[] = [];
	const endNodes: Node[] = [];
	const before = new Map<Node, Node | undefined>();
	for (const node of told) {
		const at = place.get(node);
		if (at === undefined) continue;
		let low = 0;
		for (let high = ends.length; low < high;) {
			const middle = (low + high) >> 1;
			if ((ends[middle] as number) < at) low = middle + 1;
			else high = middle;
		}
		ends[low] = at;
		endNodes[low] = node;
		before.set(node, endNodes[low - 1]);
	}
	const kept = new Set<Node>();
	for (let node = endNodes.at(-1); node !== undefined; node = before.get(node)) kept.add(node);
	return kept;
}
