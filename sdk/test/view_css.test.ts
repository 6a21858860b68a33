import { expect, test } from "vitest";
import { assetsOfFont, fit, fontRule } from "../src/view/css";

const NAME = "0b".repeat(32);

test("assets become properties that are there later", () => {
	const { css, assets } = fit(`a{background:url("asset:${NAME}") no-repeat}`);
	expect(css).toBe(`a{background:var(--tillside-asset-${NAME},none) no-repeat}`);
	expect([...assets]).toEqual([NAME]);
});

test("fonts wait apart, and their rule keeps its place", () => {
	const face = `@font-face{font-family:f;src:url(asset:${NAME}) format("woff2")}`;
	const { css, fonts } = fit(`a{}${face}b{}`);
	expect(css).toBe("a{}tillside-none{}b{}");
	expect(fonts).toEqual([face]);
	expect(assetsOfFont(face)).toEqual([NAME]);
	expect(fontRule(face, () => "blob:1")).toContain('url("blob:1") format("woff2")');
});

test.each([
	["a:hover{}", "a[data-tillside-hover]{}"],
	["a:focus-visible,a:focus{}", "a[data-tillside-focus],a[data-tillside-focus]{}"],
	[".hover\\:x:hover{}", ".hover\\:x[data-tillside-hover]{}"],
	["a:focus-within{}", "a:focus-within{}"],
	["@media (hover:hover){}", "@media (hover:hover){}"],
])("%s follows the shopper's pointer", (text, expected) => {
	expect(fit(text).css).toBe(expected);
});
