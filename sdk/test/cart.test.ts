import { expect, test } from "vitest";
import { add, setQuantity, totals } from "../demo/cart";
import { PRODUCTS } from "../demo/catalog";
import { pages } from "../demo/site";

const cup = { slug: "morning-cup", choice: "Sea", quantity: 1 };

test("the same thing twice is one line, and there is an end to it", () => {
	expect(add([cup], cup)).toEqual([{ ...cup, quantity: 2 }]);
	expect(add([cup], { ...cup, choice: "Oat" }).length).toBe(2);
	expect(add([cup], { ...cup, quantity: 99 })).toEqual([{ ...cup, quantity: 9 }]);
});

test("none of it takes the line out", () => {
	const lines = [cup];
	expect(setQuantity(lines, cup, 0)).toEqual([]);
});

test("delivery is free from 80 euros on", () => {
	expect(totals([])).toEqual({ goods: 0, delivery: 0, total: 0 });
	expect(totals([cup])).toEqual({ goods: 2200, delivery: 490, total: 2690 });
	expect(totals([{ ...cup, quantity: 4 }])).toEqual({ goods: 8800, delivery: 0, total: 8800 });
});

test("every link of the shop leads to one of its pages", () => {
	const site = new Map(pages());
	expect(PRODUCTS.length).toBeGreaterThanOrEqual(8);
	for (const [path, html] of site) {
		for (const [, target] of html.matchAll(/href="\/demo\/([^"#?]+)/g)) {
			expect(target === "shop.css" || site.has(target ?? ""), `${path} links to ${target}`).toBe(true);
		}
		expect(html, `${path} needs no inline script or style`).not.toMatch(/<script>|style="|<style|onclick/);
	}
});

test("the fields of a card are named so that they can be recognised", () => {
	const checkout = new Map(pages()).get("checkout.html");
	for (const name of ["cc-number", "cc-name", "cc-exp", "cc-csc"]) expect(checkout).toContain(`autocomplete="${name}"`);
});
