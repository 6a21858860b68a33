/**
 * What the elements of a view look like and hold: attributes, inline styles, states, values, pictures.
 *
 * Sets only what `allow.ts` lets through; values and words never get onto an element that has a level, whatever the
 * stream says. Knows single elements, not the tree.
 */
import { attributeNameOf, isFragment, isGeometry, treatmentOf } from "./allow";
import { assetIn, type Assets } from "./assets";
import { dom } from "./dom";
import type { AttributeValue, Level, StyleChange, WireNode } from "./events";
import { GLYPHS, LABELS, LEVEL_MARK } from "./marks";
import type { Styles } from "./styles";
import type { Known } from "./tree";

const FACTS: ReadonlySet<string> = new Set(["id", "type", "role", "contenteditable"]);

export class Looks {
	readonly #assets: Assets;
	readonly #styles: Styles;
	/** Attributes that show an asset which is not here yet, by its name. */
	readonly #waiting = new Map<string, { element: Element; name: string; value: string }[]>();
	/** How much was refused. */
	refused = 0;

	constructor(assets: Assets, styles: Styles) {
		this.#assets = assets;
		this.#styles = styles;
	}

	/** A control holds this now. */
	setValue(known: Known, text: string, isChecked: boolean): void {
		if (known.tag === "input" && isToggle(known)) this.#check(known, isChecked);
		else this.#value(known, text);
	}

	/** What a text of the page is here. */
	textOf(document: Document, text: string, isSheet: boolean, level: Level | undefined): string {
		if (isSheet) return this.#styles.textFor(document, text);
		if (level === undefined) return text;
		if (level !== "masked") return "";
		return text.trim() === "" ? " " : GLYPHS;
	}

	/** An asset came: whatever waited for it shows it. */
	showAsset(name: string): void {
		const waiting = this.#waiting.get(name) ?? [];
		this.#waiting.delete(name);
		for (const { element, name: attribute, value } of waiting) this.#asset(element, attribute, value);
	}

	/** Says what is hidden here, and keeps its size. */
	mark(known: Known, wire: WireNode, level: Level): void {
		const element = known.node as HTMLElement;
		dom.set(element, LEVEL_MARK, level);
		dom.set(element, "aria-label", LABELS[level]);
		dom.set(element, "title", LABELS[level]);
		if (level === "masked") return;
		if (!["input", "textarea", "select", "button"].includes(known.tag)) dom.set(element, "role", "img");
		if (known.tag === "input" || known.tag === "textarea") dom.set(element, "placeholder", LABELS[level]);
		const style = dom.style(element, known.isSvg);
		for (const [name, property] of [
			["rr_width", "width"],
			["rr_height", "height"],
		] as const) {
			const size = wire.attributes.get(name);
			if (typeof size === "string" && /^[\d.]{1,8}(px)?$/.test(size)) {
				style.setProperty(property, size.endsWith("px") ? size : `${size}px`, "important");
				style.setProperty("box-sizing", "border-box", "important");
			}
		}
	}

	/** Sets an attribute, or takes it away. `name` in lower case. */
	set(known: Known, name: string, value: AttributeValue): void {
		if (FACTS.has(name)) {
			if (typeof value === "string") known.facts.set(name, value);
			else known.facts.delete(name);
		}
		const element = known.node as HTMLElement;
		const treatment = treatmentOf(known.tag, known.isSvg, name);
		const isHidden = known.level !== undefined;
		if (value instanceof Map) {
			if (treatment === "style") this.#style(known, value);
			return;
		}
		const text = value === true ? "" : (value as string | null);
		switch (treatment) {
			case "plain":
				return put(element, attributeNameOf(known.isSvg, name), name === LEVEL_MARK ? null : text);
			case "geometry":
				return put(element, attributeNameOf(known.isSvg, name), text !== null && isGeometry(text) ? text : null);
			case "words":
				// The words on a hidden element are ours.
				return isHidden ? undefined : put(element, name, text);
			case "fragment":
				return put(element, "href", text !== null && isFragment(text) ? text : null);
			case "value":
				return this.#value(known, text ?? "");
			case "style":
				return put(element, "style", text === null ? null : this.#styles.textFor(dom.document(element), text));
			case "sheet":
				if (dom.firstChild(element) === null || text !== null)
					element.textContent = this.#styles.textFor(dom.document(element), text ?? "");
				return;
			case "asset":
				return this.#asset(element, name === "xlink:href" ? "href" : name, isHidden ? null : text);
			case "link":
				known.href = text ?? undefined;
				return put(element, "href", text === null ? null : "#");
			case "done":
				return this.#state(known, name, value as string | true | null);
			case "refused":
				this.refused++;
		}
	}

	#style({ node, isSvg }: Known, changes: ReadonlyMap<string, StyleChange>): void {
		const style = dom.style(node as Element, isSvg);
		for (const [property, change] of changes) {
			if (change === false) style.removeProperty(property);
			else {
				const value = this.#styles.textFor(dom.document(node), change.value);
				style.setProperty(property, value, change.important ? "important" : "");
			}
		}
	}

	/** What is no attribute in the page, but a state. */
	#state(known: Known, name: string, value: string | true | null): void {
		const element = known.node as HTMLElement;
		switch (name) {
			case "checked":
				return this.#check(known, value !== null);
			case "selected":
				if (known.tag === "option" && known.level === undefined)
					(element as HTMLOptionElement).selected = value !== null;
				return;
			case "rr_scrollleft":
			case "rr_scrolltop": {
				const distance = Number(value);
				if (!Number.isFinite(distance)) return;
				return this.#scrollLater(element, name === "rr_scrollleft" ? { left: distance } : { top: distance });
			}
			case "rr_open_mode":
				if (known.tag === "dialog") this.#openDialog(element as HTMLDialogElement, value);
		}
	}

	/** An element that is only being built has nothing to scroll yet. */
	#scrollLater(element: Element, to: ScrollToOptions): void {
		queueMicrotask(() => dom.scroll(element, { ...to, behavior: "instant" }));
	}

	/** A modal one belongs above everything, which only `showModal` does; an inert one takes no focus while it opens. */
	#openDialog(dialog: HTMLDialogElement, mode: string | true | null): void {
		queueMicrotask(() => {
			if (!dom.isConnected(dialog)) return;
			try {
				if (mode === null) return HTMLDialogElement.prototype.close.call(dialog);
				dom.unset(dialog, "open");
				if (mode !== "modal") return dom.set(dialog, "open", "");
				dom.set(dialog, "inert", "");
				HTMLDialogElement.prototype.showModal.call(dialog);
				dom.unset(dialog, "inert");
			} catch {
				dom.set(dialog, "open", "");
			}
		});
	}

	#check(known: Known, isChecked: boolean): void {
		if (known.tag === "input" && known.level === undefined) (known.node as HTMLInputElement).checked = isChecked;
	}

	/** On a hidden control nothing but glyphs, on a boxed one nothing at all. */
	#value(known: Known, text: string): void {
		const shown = known.level === undefined ? text : known.level === "masked" && text !== "" ? GLYPHS : "";
		switch (known.tag) {
			case "input": {
				const kind = known.facts.get("type")?.toLowerCase() ?? "text";
				if (kind === "file") return;
				// The attribute first: it is the value of buttons, and styles may hang on it.
				dom.set(known.node as Element, "value", shown);
				(known.node as HTMLInputElement).value = shown;
				return;
			}
			case "textarea":
			case "select":
				(known.node as HTMLTextAreaElement | HTMLSelectElement).value = shown;
		}
	}

	/** Shows an asset, or its place until it is here. */
	#asset(element: Element, name: string, value: string | null): void {
		const names = value === null ? [] : [...value.split(",")].map((part) => assetIn(part.trim().split(/\s/)[0] ?? ""));
		const wanted = names.filter((asset) => asset !== undefined);
		if (value === null || wanted.length !== names.length) {
			if (value !== null) this.refused++;
			return dom.unset(element, name);
		}
		let isComplete = true;
		const here = value.split(",").flatMap((part, place) => {
			const asset = names[place] as string;
			const url = this.#assets.urlOf(asset);
			if (url !== undefined) return [part.replace(`asset:${asset}`, url)];
			isComplete = false;
			this.#waiting.set(asset, [...(this.#waiting.get(asset) ?? []), { element, name, value }]);
			return [];
		});
		if (here.length > 0) return dom.set(element, name, here.join(",").trim());
		if (!isComplete && name !== "srcset") dom.set(element, name, this.#assets.placeholder);
	}
}

function isToggle(known: Known): boolean {
	const kind = known.facts.get("type")?.toLowerCase();
	return kind === "checkbox" || kind === "radio";
}

function put(element: Element, name: string, value: string | null): void {
	if (value === null) dom.unset(element, name);
	else dom.set(element, name, value);
}
