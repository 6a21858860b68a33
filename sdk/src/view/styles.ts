/**
 * The style sheets of a page: text of `<style>`, rules that scripts changed, sheets that scripts made, and what we add.
 *
 * Owns the constructed sheets of every document. Rules that do not parse are skipped, as a browser does.
 */
import { Assets } from "./assets";
import { assetProperty, assetsOfFont, fit, fontRule } from "./css";
import type { RulePath, ViewEvent } from "./events";

/** What holds style sheets: a document or a shadow root. */
export type StyleHost = Document | ShadowRoot;

/** Our own sheets of one document. */
interface Own {
	marks: CSSStyleSheet;
	/** Addresses of assets, as custom properties and as fonts. */
	assets: CSSStyleSheet;
	known: Set<string>;
	fonts: string[];
}

/** A place where rules can be put: a sheet, or a rule that holds rules. */
type RuleHolder = CSSStyleSheet | CSSGroupingRule;

export class Styles {
	readonly #assets: Assets;
	readonly #marks: string;
	readonly #own = new Map<Document, Own>();
	/** Sheets that scripts of the page made, by the recorder's number; each works in one document. */
	readonly #made = new Map<number, CSSStyleSheet>();
	readonly #forget: () => void;

	constructor(assets: Assets, marks: string) {
		this.#assets = assets;
		this.#marks = marks;
		this.#forget = assets.on("arrived", ({ name, url }) => this.#show(name, url));
	}

	end(): void {
		this.#forget();
	}

	/** Gives a new document or shadow root our marks; and the sheets the page adopted, if any. */
	dress(host: StyleHost, adopted: readonly CSSStyleSheet[] = []): void {
		const own = this.#ownOf(documentOf(host));
		host.adoptedStyleSheets =
			host.nodeType === Node.DOCUMENT_NODE ? [own.marks, own.assets, ...adopted] : [own.marks, ...adopted];
	}

	/** The text of a sheet that is shown in `document`, with its assets asked for. */
	textFor(document: Document, text: string): string {
		const { css, assets, fonts } = fit(text);
		const own = this.#ownOf(document);
		for (const name of assets) {
			if (own.known.has(name)) continue;
			own.known.add(name);
			const url = this.#assets.urlOf(name);
			if (url !== undefined) define(own, name, url);
		}
		for (const rule of fonts) {
			own.fonts.push(rule);
			const here = assetsOfFont(rule).filter((name) => this.#assets.urlOf(name) !== undefined);
			if (here.length > 0)
				insert(
					own.assets,
					fontRule(rule, (name) => this.#assets.urlOf(name)),
				);
		}
		return css;
	}

	/** Rules of a sheet came or went. `sheet` is that of the owning element, if it names one. */
	changeRules(
		change: Extract<ViewEvent, { kind: "rules" }>,
		sheet: CSSStyleSheet | undefined,
		document: Document,
	): void {
		const target = "sheet" in change.name ? this.#made.get(change.name.sheet) : sheet;
		if (target === undefined) return;
		if (change.replace !== undefined) this.#refill(target, document, [change.replace]);
		for (const path of change.removes) {
			const holder = holderOf(target, path);
			const index = path.at(-1);
			if (holder !== undefined && index !== undefined && index < holder.cssRules.length) holder.deleteRule(index);
		}
		for (const { rule, at } of change.adds) {
			const holder = at === undefined ? target : holderOf(target, at);
			if (holder !== undefined) insert(holder, this.textFor(document, rule), at?.at(-1));
		}
	}

	/** One declaration of a rule changed. */
	changeDeclaration(
		change: Extract<ViewEvent, { kind: "declaration" }>,
		sheet: CSSStyleSheet | undefined,
		document: Document,
	): void {
		const target = "sheet" in change.name ? this.#made.get(change.name.sheet) : sheet;
		const index = change.rule.at(-1);
		if (target === undefined || index === undefined) return;
		const rule = holderOf(target, change.rule)?.cssRules[index] as CSSStyleRule | undefined;
		if (rule?.style === undefined) return;
		if (change.set === undefined) rule.style.removeProperty(change.property);
		else {
			const value = this.textFor(document, change.set.value);
			rule.style.setProperty(change.property, value, change.set.important ? "important" : "");
		}
	}

	/** A document or shadow root adopts these sheets. */
	adopt({ sheets, styles }: Extract<ViewEvent, { kind: "adopted" }>, host: StyleHost): void {
		const document = documentOf(host);
		for (const { sheet, rules } of styles) {
			const made = this.#made.get(sheet) ?? newSheet(document);
			this.#made.set(sheet, made);
			this.#refill(made, document, rules);
		}
		const adopted = sheets.map((sheet) => this.#made.get(sheet)).filter((sheet) => sheet !== undefined);
		try {
			this.dress(host, adopted);
		} catch {
			// A sheet that was made in another document cannot be shared with this one.
			this.dress(host);
		}
	}

	#refill(sheet: CSSStyleSheet, document: Document, texts: readonly string[]): void {
		while (sheet.cssRules.length > 0) sheet.deleteRule(0);
		for (const text of texts) {
			if (texts.length === 1 && isConstructed(sheet)) sheet.replaceSync(this.textFor(document, text));
			else insert(sheet, this.textFor(document, text));
		}
	}

	#show(name: string, url: string): void {
		for (const own of this.#own.values()) {
			if (own.known.has(name)) define(own, name, url);
			for (const rule of own.fonts) {
				if (assetsOfFont(rule).includes(name))
					insert(
						own.assets,
						fontRule(rule, (other) => this.#assets.urlOf(other)),
					);
			}
		}
	}

	#ownOf(document: Document): Own {
		let own = this.#own.get(document);
		if (own === undefined) {
			own = { marks: newSheet(document), assets: newSheet(document), known: new Set(), fonts: [] };
			own.marks.replaceSync(this.#marks);
			this.#own.set(document, own);
		}
		return own;
	}
}

function documentOf(host: StyleHost): Document {
	return host.nodeType === Node.DOCUMENT_NODE ? (host as Document) : ((host as ShadowRoot).ownerDocument as Document);
}

/** A sheet for this document: those of other windows cannot be adopted. */
function newSheet(document: Document): CSSStyleSheet {
	const view = document.defaultView as (Window & { CSSStyleSheet: typeof CSSStyleSheet }) | null;
	return new (view?.CSSStyleSheet ?? CSSStyleSheet)();
}

function isConstructed(sheet: CSSStyleSheet): boolean {
	return sheet.ownerNode === null;
}

function define({ assets }: Own, name: string, url: string): void {
	insert(assets, `:root{${assetProperty(name)}:url("${url}")}`);
}

/** The sheet or rule in which the last step of a path is a place; undefined if there is none. */
function holderOf(sheet: CSSStyleSheet, path: RulePath): RuleHolder | undefined {
	let holder: RuleHolder = sheet;
	for (const step of path.slice(0, -1)) {
		const next = holder.cssRules[step] as CSSGroupingRule | undefined;
		if (next?.cssRules === undefined) return undefined;
		holder = next;
	}
	return holder;
}

function insert(holder: RuleHolder, rule: string, at = holder.cssRules.length): void {
	try {
		holder.insertRule(rule, Math.min(at, holder.cssRules.length));
	} catch {
		// Not CSS to this browser: the page's own browser may know more.
	}
}
