/**
 * Style sheets as text: of style elements, of linked sheets that the page may read, and of adopted ones.
 *
 * Scripts change rules without any notice by the browser, so rules are counted now and then, and a sheet that differs
 * is told whole.
 */
import type { Change, NodeId } from "./events";
import * as mask from "./mask";
import type { Masked } from "./mask";
import { type Container, isElement } from "./nodes";

/** Longest sheet that is sent; the relay takes 5 MiB for a whole page. */
const SHEET_LENGTH_MAX = 1_500_000;

/** Stands for the count of rules where there is no sheet to read. */
const NO_RULES = -1;

type Rename = (address: string, base?: string) => Masked;
type Owner = HTMLStyleElement | HTMLLinkElement;

export class Sheets {
	readonly #rename: Rename;
	/** A sheet's text, and how many rules it had then. */
	readonly #texts = new WeakMap<CSSStyleSheet, { count: number; text: Masked }>();
	readonly #ids = new WeakMap<CSSStyleSheet, number>();
	/** Elements whose sheets were told, and how many rules those had. */
	readonly #owners = new Map<Owner, number>();
	/** Documents and shadow roots, and the adopted sheets they had. */
	readonly #adopters = new Map<Document | ShadowRoot, { sheets: readonly CSSStyleSheet[]; counts: number[] }>();
	#last = 0;

	constructor(rename: Rename) {
		this.#rename = rename;
	}

	/** The rules of an element's sheet; undefined if it has none or the page may not read it. */
	of(owner: Owner): Masked | undefined {
		const { sheet } = owner;
		const rules = readable(sheet);
		this.#owners.set(owner, rules?.length ?? NO_RULES);
		return sheet === null || rules === undefined ? undefined : this.#text(sheet, rules);
	}

	/** A root was told: its adopted sheets are to be told as well. */
	enter(container: Container): void {
		if (isElement(container) || this.#adopters.has(container)) return;
		this.#adopters.set(container, { sheets: [], counts: [] });
	}

	/** Elements whose rules a script changed since they were told. */
	*changedOwners(): Generator<Owner> {
		for (const [owner, count] of this.#owners) {
			if (!owner.isConnected) this.#owners.delete(owner);
			else if ((readable(owner.sheet)?.length ?? NO_RULES) !== count) yield owner;
		}
	}

	/** What changed in adopted sheets. */
	*changedAdopted(idOf: (root: Document | ShadowRoot) => NodeId | undefined): Generator<Change> {
		for (const [root, told] of this.#adopters) {
			const id = idOf(root);
			if (id === undefined) continue;
			const sheets = [...root.adoptedStyleSheets];
			const counts = sheets.map((sheet) => readable(sheet)?.length ?? 0);
			const isSame =
				sheets.length === told.sheets.length &&
				sheets.every((sheet, at) => sheet === told.sheets[at] && counts[at] === told.counts[at]);
			if (isSame) continue;
			this.#adopters.set(root, { sheets, counts });
			// A sheet keeps its number only while its rules are what was told under it.
			const styles = sheets.map((sheet) => ({ styleId: this.#number(sheet), rules: this.#rules(sheet, root.baseURI) }));
			yield { source: 15, id, styleIds: styles.map(({ styleId }) => styleId), styles };
		}
	}

	/** Nothing is told any more. */
	forgetAll(): void {
		this.#owners.clear();
		this.#adopters.clear();
	}

	#number(sheet: CSSStyleSheet): number {
		const id = this.#ids.get(sheet) ?? ++this.#last;
		this.#ids.set(sheet, id);
		return id;
	}

	#rules(sheet: CSSStyleSheet, base: string): { rule: Masked; index: number }[] {
		const rules = readable(sheet);
		if (rules === undefined) return [];
		const rename = (address: string) => this.#rename(address, base);
		return [...rules].map((rule, index) => ({ rule: mask.css(rule.cssText, rename), index }));
	}

	#text(sheet: CSSStyleSheet, rules: CSSRuleList): Masked {
		const kept = this.#texts.get(sheet);
		if (kept?.count === rules.length && sheet.href !== null) return kept.text;
		const base = sheet.href ?? sheet.ownerNode?.baseURI ?? document.baseURI;
		const raw = [...rules].map(ruleText).join("\n").slice(0, SHEET_LENGTH_MAX);
		const text = mask.css(raw, (address) => this.#rename(address, base));
		this.#texts.set(sheet, { count: rules.length, text });
		return text;
	}
}

/** The rules that a rule stands for: an import stands for a whole sheet. */
function ruleText(rule: CSSRule): string {
	if (!("styleSheet" in rule)) return rule.cssText;
	const { styleSheet, media: list } = rule as CSSImportRule;
	const text = [...(readable(styleSheet) ?? [])].map(ruleText).join("\n");
	const media = list.mediaText;
	return media === "" ? text : `@media ${media} {\n${text}\n}`;
}

/** A sheet from elsewhere, without leave by its server, may not be read. One that is still loading is not there. */
function readable(sheet: CSSStyleSheet | null): CSSRuleList | undefined {
	if (sheet === null || sheet.disabled) return undefined;
	try {
		return sheet.cssRules;
	} catch {
		return undefined;
	}
}
