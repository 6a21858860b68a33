import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { linesOf, record, until } from "./replica";

/** A test card number that no bank has issued; every scanner knows it. */
const PAN = "4242 4242 4242 4242";
const SECRET = "Kasimir";

let stop = () => {};
beforeEach(() => {
	document.documentElement.innerHTML = "<head><title>Shop</title></head><body></body>";
});
afterEach(() => stop());

async function recording(html: string) {
	document.body.innerHTML = html;
	const { replica, recorder } = record();
	stop = () => recorder.pause();
	await recorder.snapshot();
	/** Changes the page, and waits until that was told. */
	const change = async (act: () => void, isTold?: () => boolean) => {
		const before = replica.events.length;
		act();
		await until(isTold ?? (() => replica.events.length > before));
	};
	return { replica, recorder, change };
}

const body = () => document.body;
const find = <Kind extends Element = HTMLElement>(selector: string) => document.querySelector(selector) as Kind;

describe("what is told is the page", () => {
	test("a snapshot, then what comes, goes, moves and changes", async () => {
		const { replica, change } = await recording("<ul><li>a</li><li>b</li><li>c</li></ul><p>text</p>");
		const isSame = () => replica.lines.join("\n") === linesOf(document).join("\n");
		expect(replica.lines).toEqual(linesOf(document));
		await change(() => find("ul").append(find("li")), isSame);
		await change(() => find("li").remove(), isSame);
		await change(() => find("p").append("more", document.createElement("b")), isSame);
		await change(() => ((find("p").firstChild as Text).data = "other"), isSame);
		await change(() => find("p").prepend(find("ul")), isSame);
	});

	test("any hundred changes end in the same tree", async () => {
		const { replica, change } = await recording("<div><i></i><b></b></div><div><u>x</u></div>");
		const isSame = () => replica.lines.join("\n") === linesOf(document).join("\n");
		let seed = 7;
		const random = (below: number) => {
			seed = (seed * 1103515245 + 12345) % 2147483648;
			return seed % below;
		};
		const pick = () => [...body().querySelectorAll("*")][random(body().querySelectorAll("*").length)] ?? body();
		for (let round = 0; round < 5; round++) {
			const shuffle = () => {
				for (let step = 0; step < 20; step++) {
					const [one, other] = [pick(), pick()];
					if (random(4) === 0) one.append(document.createElement(["p", "q", "s"][random(3)] as string), `t${step}`);
					else if (random(5) === 0) one.remove();
					else if (!one.contains(other)) other.insertBefore(one, other.childNodes[random(3)] ?? null);
				}
				body().append(document.createElement("hr"));
			};
			await change(shuffle, isSame);
		}
	});

	test("a page that changes while its snapshot is written is told right in the end", async () => {
		body().innerHTML = "<div></div>".repeat(2_000);
		const { replica, recorder } = record();
		stop = () => recorder.pause();
		const done = recorder.snapshot();
		body().lastElementChild?.append(body().firstElementChild as Element);
		body().firstElementChild?.append(body().lastElementChild as Element, "late");
		await done;
		await until(() => replica.lines.join("\n") === linesOf(document).join("\n"));
	});

	test("moving one item of a long list moves one item", async () => {
		const { replica, change } = await recording(`<ul>${"<li>x</li>".repeat(200)}</ul>`);
		await change(() => find("ul").prepend(find("li:last-child")));
		const [mutation] = replica.changes(0);
		expect([mutation?.removes.length, mutation?.adds.length]).toEqual([1, 1]);
	});

	test("shadow roots, also those that come later", async () => {
		const { replica, change } = await recording("<section id=host></section>");
		await change(
			() => (find("#host").attachShadow({ mode: "open" }).innerHTML = "<p>inside</p>"),
			() => replica.json.includes("inside"),
		);
		expect(replica.element("host")?.isShadowHost).toBe(true);
		await change(
			() => find("#host").shadowRoot?.append("more"),
			() => replica.json.includes("more"),
		);
		expect(replica.changes(0).at(-1)?.adds[0]?.node).toMatchObject({ textContent: "more" });
	});

	test("our own elements, scripts and comments are not part of it", async () => {
		const { replica } = await recording(
			`<tillside-help><p>${SECRET}</p></tillside-help><script type="text/x">${SECRET}</script><!--${SECRET}-->
			<noscript>${SECRET}</noscript><template>${SECRET}</template>`,
		);
		expect(replica.json).not.toContain(SECRET);
	});

	test("a pause forgets, and the next snapshot begins anew", async () => {
		const { replica, recorder } = await recording("<p>a</p>");
		recorder.pause();
		body().append("b");
		await new Promise((resolve) => setTimeout(resolve, 60));
		expect(replica.json).not.toContain('"b"');
		await recorder.snapshot();
		expect(replica.lines).toEqual(linesOf(document));
	});
});

/** Where a page keeps texts; each gets the number of a card at first, as an addition, and as a change. */
const CHANNELS: Record<string, (value: string) => string> = {
	text: (value) => `<p>${value}</p>`,
	"text in a span": (value) => `<p><span>${value}</span></p>`,
	output: (value) => `<output>${value}</output>`,
	label: (value) => `<label>${value}</label>`,
	"option text": (value) => `<select data-tillside="share"><option>${value}</option></select>`,
	"option value": (value) => `<select><option value="${value}">x</option></select>`,
	"option label": (value) => `<select><option label="${value}">x</option></select>`,
	"input value": (value) => `<input value="${value}">`,
	"shared input value": (value) => `<input data-tillside="share" value="${value}">`,
	"hidden input": (value) => `<input type="hidden" value="${value}">`,
	"radio value": (value) => `<input type="radio" value="${value}">`,
	"checkbox value": (value) => `<input type="checkbox" value="${value}">`,
	"submit value": (value) => `<input type="submit" value="${value}">`,
	"button value": (value) => `<button value="${value}">x</button>`,
	textarea: (value) => `<textarea>${value}</textarea>`,
	placeholder: (value) => `<input placeholder="${value}">`,
	title: (value) => `<p title="${value}">x</p>`,
	alt: (value) => `<img alt="${value}">`,
	"aria-label": (value) => `<p aria-label="${value}">x</p>`,
	"aria-valuetext": (value) => `<p role="slider" aria-valuetext="${value}">x</p>`,
	"aria-description": (value) => `<p aria-description="${value}">x</p>`,
	"data attribute": (value) => `<p data-card="${value}">x</p>`,
	"data attribute of a field": (value) => `<input data-stripe="${value}">`,
	"data state": (value) => `<p data-state="${value}">x</p>`,
	"custom attribute": (value) => `<p card="${value}">x</p>`,
	id: (value) => `<p id="${value}">x</p>`,
	class: (value) => `<p class="${value}">x</p>`,
	"name of a field": (value) => `<input name="${value}">`,
	pattern: (value) => `<input pattern="${value}">`,
	handler: (value) => `<p onclick="pay('${value}')">x</p>`,
	"link query": (value) => `<a href="/x?card=${value}">x</a>`,
	"link path": (value) => `<a href="/x/${value.replaceAll(" ", "-")}">x</a>`,
	"link escaped": (value) => `<a href="/x/${encodeURIComponent(value)}">x</a>`,
	"link fragment": (value) => `<a href="#${value}">x</a>`,
	"link scheme": (value) => `<a href="javascript:pay('${value}')">x</a>`,
	"form action": (value) => `<form action="/x?card=${value}"></form>`,
	"frame document": (value) => `<iframe srcdoc="<p>${value}</p>"></iframe>`,
	"image source": (value) => `<img src="/x.png?card=${value}">`,
	"image set": (value) => `<img srcset="/x.png?card=${value} 2x">`,
	poster: (value) => `<video poster="/x.png?card=${value}"></video>`,
	progress: (value) => `<progress value="${value}"></progress>`,
	"list item": (value) => `<ol><li value="${value.replaceAll(" ", "")}">x</li></ol>`,
	"inline style": (value) => `<p style="--card:${value};color:red">x</p>`,
	"inline content": (value) => `<p style="content:'${value}'">x</p>`,
	"inline url": (value) => `<p style="background:url(/x?${value.replaceAll(" ", "")})">x</p>`,
	contenteditable: (value) => `<p contenteditable>${value}</p>`,
	textbox: (value) => `<p role="textbox">${value}</p>`,
	"svg text": (value) => `<svg><text>${value}</text></svg>`,
	"svg title": (value) => `<svg><title>${value}</title></svg>`,
	"slotted text": (value) => `<x-card>${value}</x-card>`,
	comment: (value) => `<!-- ${value} -->`,
};

describe("sec_24 no card number leaves the page", () => {
	const isClean = (json: string) => !/4242[\s\S]{0,6}4242/.test(json);

	test.each(Object.entries(CHANNELS))("%s", async (_, html) => {
		const { replica, change } = await recording(html(PAN));
		expect(isClean(replica.json), "snapshot").toBe(true);
		await change(() => body().insertAdjacentHTML("beforeend", `<div>${html(PAN)}<b></b></div>`));
		expect(isClean(replica.json), "addition").toBe(true);
		body().innerHTML = html("x");
		await until(() => replica.lines.join("").includes("x") || replica.events.length > 3);
		const [from, to] = [body().firstElementChild, new DOMParser().parseFromString(html(PAN), "text/html").body];
		await change(() => {
			copyInto(from, to.firstElementChild);
			body().append(document.createElement("hr"));
		});
		expect(isClean(replica.json), "change").toBe(true);
	});

	test("document title, and where the page is", async () => {
		document.title = PAN;
		history.replaceState(null, "", `/pay?card=${encodeURIComponent(PAN)}#${encodeURIComponent(PAN)}`);
		const { replica, change } = await recording("<p>x</p>");
		await change(() => history.pushState(null, "", `/done?card=${encodeURIComponent(PAN)}`));
		await until(() => replica.events.filter(({ type }) => type === 4).length === 2);
		expect(replica.json).toContain("/done");
		expect(isClean(replica.json)).toBe(true);
		history.replaceState(null, "", "/");
	});

	test("style sheets", async () => {
		const { replica } = await recording("<p>x</p>");
		const style = document.createElement("style");
		style.textContent = `p::before{content:"${PAN}"} p{--card:"${PAN}";background:url("/x?${PAN}")}`;
		document.head.append(style);
		await until(() => replica.json.includes("::before"));
		expect(isClean(replica.json)).toBe(true);
	});
});

/** Gives a part the attributes and texts of another, as a script that fills in a page does. */
function copyInto(to: Element | null, from: Element | null): void {
	if (to === null || from === null) return;
	for (const { name, value } of from.attributes) to.setAttribute(name, value);
	if (to instanceof HTMLInputElement) to.value = from.getAttribute("value") ?? "";
	for (const [index, child] of [...from.childNodes].entries()) {
		const other = to.childNodes[index];
		if (child instanceof Text && other instanceof Text) other.data = child.data;
		else if (child instanceof Element) copyInto(other as Element, child);
	}
}

describe("sec_24 what people type stays private", () => {
	test.each([
		["input", "<input id=f>"],
		["search", "<input id=f type=search>"],
		["textarea", "<textarea id=f></textarea>"],
		["hidden", "<input id=f type=hidden>"],
		["password that is marked", "<input id=f type=password data-tillside=share>"],
		["one-time code that is marked", "<input id=f autocomplete=one-time-code data-tillside=share>"],
		["card number that is marked", "<input id=f autocomplete=cc-number data-tillside=share>"],
		["shared field in a masked part", "<div data-tillside=mask><input id=f data-tillside=share></div>"],
	])("%s", async (_, html) => {
		const { replica, change } = await recording(`${html}<p>x</p>`);
		const field = find<HTMLInputElement>("#f");
		await change(() => {
			field.value = SECRET;
			field.setAttribute("value", SECRET);
			body().append(document.createElement("hr"));
		});
		await until(() => replica.lines.includes("   hr"));
		expect(replica.json).not.toContain(SECRET);
	});

	test("length and timing say nothing", async () => {
		const { replica } = await recording("<input id=f>");
		const field = find<HTMLInputElement>("#f");
		const told = () => replica.changes(5).map(({ text }) => text);
		for (const typed of ["K", "Ka", SECRET]) {
			field.value = typed;
			field.dispatchEvent(new Event("input", { bubbles: true }));
			await new Promise((resolve) => setTimeout(resolve, 250));
		}
		expect(told()).toEqual(["••••••"]);
		field.value = "";
		await until(() => told().length === 2);
		expect(told()).toEqual(["••••••", ""]);
	});

	test("payment fields tell not even that they are filled", async () => {
		const { replica } = await recording("<label for=f>Card number</label><input id=f>");
		find<HTMLInputElement>("#f").value = "4";
		await new Promise((resolve) => setTimeout(resolve, 300));
		expect(replica.changes(5)).toEqual([]);
		expect(replica.element("f")?.attributes).toMatchObject({ "data-tillside": "block" });
	});

	test("a shared field is told, but no number that grows long", async () => {
		const { replica } = await recording("<input id=f data-tillside=share>");
		const field = find<HTMLInputElement>("#f");
		for (const typed of ["kettle", "42424", "42"]) {
			field.value = typed;
			await until(() => replica.changes(5).at(-1)?.text === (typed === "42424" ? "••••••" : typed));
		}
	});

	test("a field that turns out to take payment is told anew, and never shown again", async () => {
		const { replica, change } = await recording("<form><label id=l for=f>Search</label><input id=f></form>");
		expect(replica.element("f")?.attributes["data-tillside"]).toBeUndefined();
		await change(
			() => (find("#l").textContent = "Card number"),
			() => replica.element("f")?.attributes["data-tillside"] === "block",
		);
		find("#l").textContent = "Search";
		find("#f").setAttribute("data-tillside", "share");
		await new Promise((resolve) => setTimeout(resolve, 80));
		expect(replica.element("f")?.attributes["data-tillside"]).not.toBe("share");
	});

	test("blocked parts are boxes", async () => {
		const { replica } = await recording(`<div id=b data-tillside=block title="${SECRET}"><p>${SECRET}</p></div>`);
		expect(replica.json).not.toContain(SECRET);
		expect(replica.json).toContain('"needBlock":true');
	});

	test("masked parts keep their form", async () => {
		const { replica } = await recording(`<div data-tillside=mask><p title="${SECRET}">${SECRET}</p></div>`);
		expect(replica.json).not.toContain(SECRET);
		expect(replica.lines.slice(-2)).toEqual(["    p", '     "••••••"']);
	});
});

test("what a page repeats of a private field is hidden, also while it is being typed", async () => {
	const form =
		'<label>Card number <input autocomplete="cc-number"></label><label>CVC <input autocomplete="cc-csc"></label>';
	const { replica, change } = await recording(`<form>${form}</form><p>-</p><p>Total 1,234</p>`);
	const shown = find("p").firstChild as Text;
	for (const typed of ["42", "424242", "4242 4242 42"]) {
		const isTold = () => replica.lines.join("\n").includes(typed === "42" ? "42" : "\u2022");
		await change(() => {
			find<HTMLInputElement>("input").value = typed;
			shown.data = `Card ${typed} ··`;
		}, isTold);
	}
	const told = JSON.stringify(replica.events);
	expect(told).not.toContain("424242");
	expect(told).not.toContain("4242 42");
	expect(told).toContain("1,234");
});

test("sec_24 a number in pieces is hidden in all of them, also when the last comes late", async () => {
	const { replica, change } = await recording("<p><b>4242</b> <b>4242</b> <b>4242</b> <b>4241</b></p>");
	const shown = () => replica.lines.filter((line) => line.includes("424")).length;
	expect(shown()).toBe(4);
	await change(() => ((find("b:last-child").firstChild as Text).data = "4242"));
	expect(shown()).toBe(0);
});

test("lone surrogates do not leave the page", async () => {
	const { replica } = await recording("<p></p>");
	body().append("a\ud800b");
	await until(() => replica.json.includes("\ufffd"));
	expect(/[\ud800-\udbff](?![\udc00-\udfff])/.test(replica.json)).toBe(false);
});
