/**
 * Style sheets of the page, made fit for a view: assets by a custom property that is set when they arrive, and `:hover`
 * and `:focus` by marks that follow the shopper's pointer, since no real one is ever over the view.
 *
 * What else a sheet might load is the Content Security Policy's business: the view's allows `blob:` and nothing else.
 */

/** What stands for `:hover` and `:focus`: as specific as they are. */
export const HOVER_MARK = "data-tillside-hover";
export const FOCUS_MARK = "data-tillside-focus";

const ASSET_URL = /url\(\s*(["']?)asset:([0-9a-f]{64})\1\s*\)/gi;
const FONT_FACE = /@font-face\s*\{[^{}]*\}/gi;
/** Takes the place of a rule that was taken out, so that those behind it keep theirs. */
const NO_RULE = "tillside-none{}";

export interface FitCss {
	css: string;
	/** Names of assets that properties refer to. */
	assets: ReadonlySet<string>;
	/** `@font-face` rules that wait for an asset: a descriptor takes no custom property. */
	fonts: readonly string[];
}

/** Makes a sheet or a rule fit. */
export function fit(text: string): FitCss {
	const assets = new Set<string>();
	const fonts: string[] = [];
	const css = text
		.replace(FONT_FACE, (rule) => {
			if (!rule.includes("asset:")) return rule;
			fonts.push(rule);
			return NO_RULE;
		})
		.replace(ASSET_URL, (_, __, name: string) => {
			assets.add(name.toLowerCase());
			return `var(${assetProperty(name.toLowerCase())},none)`;
		})
		.replace(/(?<!\\|hover):hover(?![-\w])/g, `[${HOVER_MARK}]`)
		.replace(/(?<!\\):focus(?:-visible)?(?![-\w])/g, `[${FOCUS_MARK}]`);
	return { css, assets, fonts };
}

/** Names of all assets in a font's rule. */
export function assetsOfFont(rule: string): string[] {
	return [...rule.matchAll(ASSET_URL)].map(([, , name]) => (name as string).toLowerCase());
}

/** The rule with the addresses of the assets that are here; the others are left out by the browser, as they load nothing. */
export function fontRule(rule: string, urlOf: (name: string) => string | undefined): string {
	return rule.replace(ASSET_URL, (_, __, name: string) => `url("${urlOf(name.toLowerCase()) ?? "blob:none"}")`);
}

/** The custom property that holds an asset's address. */
export function assetProperty(name: string): string {
	return `--tillside-asset-${name}`;
}
