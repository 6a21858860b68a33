// @vitest-environment-options { "happyDOM": { "settings": { "handleDisabledFileLoadingAsSuccess": true } } }
import { beforeEach, expect, test, vi } from "vitest";
import { Assets } from "../src/view/assets";
import { type Addition, parseEvents, type ViewEvent, type WireNode } from "../src/view/events";
import { GLYPHS, LABELS } from "../src/view/marks";
import { Styles } from "../src/view/styles";
import { Tree } from "../src/view/tree";

type Shape = [tag: string, attributes: Record<string, unknown>, ...children: (Shape | string)[]];

/** Numbers nodes in document order: the document is 1, `html` 2, `head` 3, `body` 4, what is in it 5 and on. */
function page(...body: (Shape | string)[]): WireNode {
	let id = 0;
	const write = (shape: Shape | string): object => {
		const own = ++id;
		if (typeof shape === "string") return { type: 3, id: own, textContent: shape };
		const [tagName, attributes, ...children] = shape;
		return { type: 2, id: own, tagName, attributes, childNodes: children.map(write) };
	};
	const document = ++id;
	const node = { type: 0, id: document, childNodes: [write(["html", {}, ["head", {}], ["body", {}, ...body]])] };
	const [event] = parseEvents(JSON.stringify([{ type: 2, data: { node } }]));
	return (event as Extract<ViewEvent, { kind: "snapshot" }>).node;
}

function adds(...additions: [parentId: number, nextId: number | null, node: object][]): readonly Addition[] {
	const data = { source: 0, adds: additions.map(([parentId, nextId, node]) => ({ parentId, nextId, node })) };
	const [event] = parseEvents(JSON.stringify([{ type: 3, data }]));
	return (event as Extract<ViewEvent, { kind: "mutation" }>).adds;
}

const element = (id: number, tagName: string, attributes = {}) => ({
	type: 2,
	id,
	tagName,
	attributes,
	childNodes: [],
});
const NAME = "0a".repeat(32);

let assets: Assets;
let root: Document;
function load(...body: (Shape | string)[]): Tree {
	assets = new Assets();
	root = document.implementation.createHTMLDocument();
	const tree = new Tree(assets, new Styles(assets, ""));
	tree.load(root, page(...body), undefined);
	return tree;
}
const html = () => root.body.innerHTML;
const set = (tree: Tree, id: number, attributes: Record<string, string | true | null>) =>
	tree.setAttributes(id, new Map(Object.entries(attributes)));

beforeEach(() => {
	let count = 0;
	vi.spyOn(URL, "createObjectURL").mockImplementation(() => `blob:${++count}`);
	vi.spyOn(URL, "revokeObjectURL").mockImplementation(() => {});
});

test("builds a page as it is written down", () => {
	load(["p", { class: "a", style: "color: red" }, "Tea ", ["b", {}, "pot"]]);
	expect(html()).toBe('<p class="a" style="color: red">Tea <b>pot</b></p>');
});

test("adds before a sibling, also one that comes later in the list", () => {
	const tree = load(["ul", {}, ["li", { id: "c" }]]);
	tree.add(
		adds([5, 8, element(7, "li", { id: "a" })], [5, 6, element(8, "li", { id: "b" })], [7, null, element(9, "i")]),
	);
	expect(html()).toBe('<ul><li id="a"><i></i></li><li id="b"></li><li id="c"></li></ul>');
});

test("a parent may come after its children", () => {
	const tree = load(["div", {}]);
	tree.add(adds([7, null, element(8, "b")], [6, null, element(7, "p")], [5, null, element(6, "section")]));
	expect(html()).toBe("<div><section><p><b></b></p></section></div>");
});

test("additions that wait for each other are refused, and end", () => {
	const tree = load(["div", {}]);
	tree.add(adds([7, null, element(6, "p")], [6, null, element(7, "p")]));
	expect(html()).toBe("<div></div>");
	expect(tree.refused).toBe(2);
});

test("a node that moves leaves and comes again under its id", () => {
	const tree = load(["div", {}, ["b", {}, "x"]], ["p", {}]);
	tree.remove(6);
	expect(tree.known(7)).toBeUndefined();
	tree.add(adds([8, null, element(6, "b")]));
	expect(html()).toBe("<div></div><p><b></b></p>");
});

test("texts and attributes change, and go", () => {
	const tree = load(["p", { title: "a" }, "x"]);
	tree.setText(6, "y");
	set(tree, 5, { title: null, class: "k", hidden: true });
	expect(html()).toBe('<p class="k" hidden="">y</p>');
});

test("properties of an inline style change one by one", () => {
	const tree = load(["p", { style: "color: red; margin: 0px" }]);
	const style = new Map<string, { value: string; important: boolean } | false>([
		["color", { value: "blue", important: false }],
		["margin", false],
	]);
	tree.setAttributes(5, new Map([["style", style]]));
	expect((tree.known(5)?.node as HTMLElement).style.cssText).toBe("color: blue;");
});

test("controls hold what the page's hold", () => {
	const tree = load(
		["input", { value: "a" }],
		["textarea", { value: "b" }],
		["input", { type: "checkbox", checked: true }],
	);
	const [text, area, box] = [5, 6, 7].map((id) => tree.known(id)?.node as HTMLInputElement);
	expect([text?.value, area?.value, box?.checked]).toEqual(["a", "b", true]);
	tree.setValue(5, "tea", false);
	tree.setValue(7, "", false);
	expect([text?.value, box?.checked]).toEqual(["tea", false]);
});

test("shadow roots hold what stands in them", () => {
	const tree = load(["x-card", {}]);
	tree.add(adds([5, null, { ...element(6, "em"), isShadow: true }], [5, null, element(7, "b")]));
	const host = tree.known(5)?.node as Element;
	expect(host.shadowRoot?.innerHTML).toBe("<em></em>");
	expect(host.innerHTML).toBe("<b></b>");
	expect(tree.knownAt(host.shadowRoot?.firstChild ?? null)?.id).toBe(6);
});

test("names of drawings get their letters back", () => {
	const tree = load(["div", {}]);
	const drawing = { ...element(6, "svg", { viewbox: "0 0 1 1", "xlink:href": "#a" }), isSVG: true };
	tree.add(
		adds(
			[5, null, drawing],
			[6, null, { ...element(7, "lineargradient", { gradientunits: "userSpaceOnUse" }), isSVG: true }],
		),
	);
	expect(html()).toContain('viewBox="0 0 1 1"');
	expect((tree.known(7)?.node as Element).tagName).toBe("linearGradient");
});

test.each<[what: string, shape: Shape]>([
	["a script", ["script", {}, "top.ran = 1"]],
	["an object", ["object", { data: "x" }]],
	["an embed", ["embed", { src: "x" }]],
	["a base", ["base", { href: "https://evil.example/" }]],
	["a meta", ["meta", { "http-equiv": "refresh", content: "0;url=x" }]],
	["a template", ["template", {}]],
	["noscript", ["noscript", {}, "<img>"]],
	["a frameset", ["frameset", { onload: "x" }]],
	["mathematics", ["math", {}]],
	["a name with markup in it", ["img><script", {}]],
	["nothing", ["", {}]],
	["the prototype", ["__proto__", {}]],
])("sec_26: does not build %s", (_, shape) => {
	const tree = load(shape);
	expect(html()).toBe("");
	expect(tree.refused).toBeGreaterThan(0);
});

test.each<[tag: string, name: string, value: string]>([
	["img", "onerror", "top.ran = 1"],
	["body", "onload", "top.ran = 1"],
	["p", "ONCLICK", "top.ran = 1"],
	["iframe", "srcdoc", "<script>"],
	["iframe", "src", "javascript:1"],
	["iframe", "sandbox", "allow-scripts"],
	["form", "action", "https://evil.example/"],
	["button", "formaction", "javascript:1"],
	["a", "ping", "https://evil.example/"],
	["a", "target", "_top"],
	["a", "download", "x"],
	["img", "src", "https://evil.example/"],
	["img", "src", "data:text/html,x"],
	["img", "src", `https://evil.example/asset:${NAME}`],
	["img", "srcset", `asset:${NAME} 1x, https://evil.example/ 2x`],
	["video", "poster", "https://evil.example/"],
	["input", "autofocus", ""],
	["div", "is", "x-run"],
	["div", "__proto__", "x"],
	["div", "constructor", "x"],
	["div", 'a"><script>', "x"],
	["rect", "fill", "url(https://evil.example/#a)"],
	["rect", "clip-path", "url( 'https://evil.example/#a' )"],
	["td", "background", "https://evil.example/"],
])("sec_26: <%s %s=%s> gets no such attribute, at once or later", (tag, name, value) => {
	const tree = load([tag === "body" ? "div" : tag === "rect" ? "x-rect" : tag, { [name]: value }], ["div", {}]);
	const built = tree.known(5)?.node as Element | undefined;
	const gone = () =>
		[...(built?.attributes ?? [])].every(
			(attribute) => !attribute.value.includes("evil") && attribute.name !== name.toLowerCase(),
		);
	// A frame keeps our own sandbox.
	if (name !== "sandbox") expect(gone()).toBe(true);
	set(tree, 5, { [name]: value });
	if (name !== "sandbox") expect(gone()).toBe(true);
	else expect(built?.getAttribute("sandbox")).toBe("allow-same-origin");
});

test("links keep their place to themselves", () => {
	const tree = load(["a", { href: "https://shop.example/cart" }, "Cart"]);
	expect(html()).toBe('<a href="#">Cart</a>');
	expect(tree.known(5)?.href).toBe("https://shop.example/cart");
});

test("a form with fields that are called like methods is built like any other", () => {
	const tree = load(["form", {}, ["input", { id: "setAttribute" }], ["input", { id: "parentNode" }], ["b", {}]]);
	set(tree, 5, { class: "later" });
	tree.add(adds([5, 8, element(20, "i")]));
	expect(html()).toContain('class="later"');
	expect(html()).toContain("<i></i><b></b>");
	tree.remove(5);
	expect(tree.known(8)).toBeUndefined();
});

test("sec_27: a hidden element gets no value, no words and no content, whatever the stream says", () => {
	const card = "4242424242424242";
	const hidden = { value: card, title: card, placeholder: card, alt: card, "aria-label": card };
	const tree = load(
		["input", { ...hidden, "data-tillside-level": "payment" }],
		["input", { ...hidden, "data-tillside-level": "masked" }],
		["div", { "data-tillside-level": "blocked" }, card],
		["p", { "data-tillside-level": "masked" }, card, ["b", { title: card }, card], ["input", { value: card }]],
		["select", { "data-tillside-level": "masked" }, ["option", {}, card]],
	);
	for (const id of [5, 6, 7, 9, 11]) {
		set(tree, id, hidden);
		tree.setValue(id, card, false);
	}
	tree.setText(10, card);
	tree.add(adds([7, null, { type: 3, id: 40, textContent: card }], [9, null, { type: 3, id: 41, textContent: card }]));
	expect(root.documentElement.outerHTML).not.toContain("4242");
	const values = [...root.querySelectorAll("input")].map(({ value }) => value);
	expect(values).toEqual(["", GLYPHS, GLYPHS]);
	expect((tree.known(5)?.node as Element).getAttribute("aria-label")).toBe(LABELS.payment);
	expect((tree.known(9)?.node as Element).textContent).toContain(GLYPHS);
});

test("a level is not taken back by a change of its mark", () => {
	const tree = load(["input", { "data-tillside-level": "payment" }]);
	set(tree, 5, { "data-tillside-level": null });
	tree.setValue(5, "4242", false);
	expect((tree.known(5)?.node as HTMLInputElement).value).toBe("");
});

test("a box keeps its size", () => {
	const tree = load(["div", { "data-tillside-level": "blocked", rr_width: "320px", rr_height: "1;color:red" }]);
	expect((tree.known(5)?.node as HTMLElement).style.cssText).toContain("width: 320px !important");
	expect((tree.known(5)?.node as HTMLElement).style.height).toBe("");
});

test("pictures show their place until they are here", () => {
	const wanted: string[] = [];
	const tree = load(["img", { alt: "Kettle", width: "40" }]);
	assets.on("wanted", (name) => wanted.push(name));
	assets.on("arrived", ({ name }) => tree.showAsset(name));
	set(tree, 5, { src: `asset:${NAME}` });
	const image = tree.known(5)?.node as HTMLImageElement;
	expect(wanted).toEqual([NAME]);
	expect(image.getAttribute("src")).toBe(assets.placeholder);
	assets.handleMessage(
		new Uint8Array([...new Array(32).fill(0x0a), 0x89, ...[..."PNG\r\n\x1a\n"].map((c) => c.charCodeAt(0))]),
	);
	expect(image.getAttribute("src")).toMatch(/^blob:\d$/);
	expect(image.getAttribute("src")).not.toBe(assets.placeholder);
});

test.each([
	["a page", "<!doctype html><script>"],
	["a drawing", '<svg xmlns="http://www.w3.org/2000/svg" onload="x">'],
	["nothing", ""],
])("sec_26: an asset that is %s is dropped", (_, content) => {
	load(["img", { src: `asset:${NAME}` }]);
	const made = vi.mocked(URL.createObjectURL).mock.calls.length;
	assets.handleMessage(new Uint8Array([...new Array(32).fill(0x0a), ...[...content].map((c) => c.charCodeAt(0))]));
	expect(vi.mocked(URL.createObjectURL).mock.calls.length).toBe(made);
	expect(assets.missing).toEqual([NAME]);
});
