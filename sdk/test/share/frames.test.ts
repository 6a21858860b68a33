/** Documents of frames. What a real browser does with them is told by the browser tests; here, what is made of it. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Recorder } from "../../src/share/recorder";
import { linesOf, record, type Replica, until } from "./replica";

/** A test card number that no bank has issued; every scanner knows it. */
const PAN = "4242 4242 4242 4242";
const SECRET = "Kasimir";

let recorder: Recorder;
let replica: Replica;
const entered: Document[] = [];

beforeEach(() => {
	document.documentElement.innerHTML = "<head></head><body></body>";
	entered.length = 0;
	({ recorder, replica } = record((inner) => void entered.push(inner)));
});
afterEach(() => recorder.pause());

/** Puts a frame with a document into the page. */
async function frame(html: string, parent: ParentNode = document.body): Promise<HTMLIFrameElement> {
	const made = document.createElement("iframe");
	parent.append(made);
	await turn(made, html);
	return made;
}

/** Sends a frame to another document. */
async function turn(made: HTMLIFrameElement, html: string): Promise<void> {
	const before = made.contentDocument;
	made.srcdoc = html;
	await until(() => made.contentDocument !== before && (made.contentDocument?.body?.childNodes.length ?? 0) > 0);
	// This DOM leaves it out.
	Object.defineProperty(inside(made).defaultView, "frameElement", { value: made });
}

const inside = (made: HTMLIFrameElement) => made.contentDocument as Document;
const find = <Kind extends Element = HTMLElement>(made: HTMLIFrameElement, selector: string) =>
	inside(made).querySelector(selector) as Kind;
const isSame = () => replica.lines.join("\n") === linesOf(document).join("\n");

describe("what is told is the page with its frames", () => {
	test("a snapshot, then what changes in a frame, and in a frame within it", async () => {
		const outer = await frame("<p>one</p>");
		const inner = await frame("<b>two</b>", inside(outer).body);
		await recorder.snapshot();
		expect(replica.lines).toEqual(linesOf(document));
		expect(entered).toEqual([document, inside(outer), inside(inner)]);
		find(inner, "b").textContent = "three";
		find(outer, "p").append("more", inside(outer).createElement("i"));
		await until(isSame);
	});

	test("frames that come, go to another page and leave", async () => {
		await recorder.snapshot();
		const made = await frame("<p>one</p>");
		await until(isSame);
		await turn(made, "<p>another page</p>");
		await until(isSame);
		expect(replica.json).toContain("another page");
		made.remove();
		await until(isSame);
	});

	test("frames in shadow roots", async () => {
		const host = document.body.appendChild(document.createElement("section"));
		const root = host.attachShadow({ mode: "open" });
		await frame("<p>in the shadow</p>", root);
		await recorder.snapshot();
		expect(replica.json).toContain("in the shadow");
	});

	test("frames from elsewhere hold nothing", async () => {
		const made = await frame("<p>theirs</p>");
		Object.defineProperty(made, "contentDocument", { value: null });
		await recorder.snapshot();
		expect(replica.json).toContain('"iframe"');
		expect(replica.json).not.toContain("theirs");
	});
});

describe("sec_24 what is typed into a frame stays private", () => {
	test.each([
		["input", "<input id=f>"],
		["search", "<input id=f type=search>"],
		["textarea", "<textarea id=f></textarea>"],
		["password that is marked", "<input id=f type=password data-tillside=share>"],
	])("%s", async (_, html) => {
		const made = await frame(html);
		await recorder.snapshot();
		const field = find<HTMLInputElement>(made, "#f");
		field.value = SECRET;
		field.setAttribute("value", SECRET);
		inside(made).body.append(inside(made).createElement("hr"));
		await until(isSame);
		expect(replica.json).not.toContain(SECRET);
	});

	test("card numbers in its words", async () => {
		const made = await frame(`<p title="${PAN}">${PAN}</p>`);
		await recorder.snapshot();
		find(made, "p").append(`Card ${PAN}`);
		await until(() => replica.events.length > 2);
		expect(replica.json).not.toContain("4242 4242");
	});

	test("fields that take payment are told as such", async () => {
		await frame("<label for=f>Card number</label><input id=f>");
		await recorder.snapshot();
		expect(replica.element("f")?.attributes).toMatchObject({ "data-tillside": "block" });
	});

	test("boxes and toggles are no fields to type in", async () => {
		await frame("<input id=f type=checkbox checked>");
		await recorder.snapshot();
		expect(replica.element("f")?.attributes).toMatchObject({ checked: true });
	});

	test("what a frame's field holds is hidden where the page repeats it", async () => {
		const made = await frame("<input id=f>");
		find<HTMLInputElement>(made, "#f").value = SECRET;
		await recorder.snapshot();
		document.body.append(`Dear ${SECRET}`);
		await until(() => replica.lines.some((line) => line.includes("\u2022")));
		expect(replica.json).not.toContain(SECRET);
	});

	test("a frame that is blocked is a box, and so is one that is masked without words", async () => {
		const made = await frame(`<p>${SECRET}</p>`);
		made.setAttribute("data-tillside", "block");
		const masked = await frame(`<p>${SECRET}</p>`);
		masked.setAttribute("data-tillside", "mask");
		await recorder.snapshot();
		expect(replica.json).not.toContain(SECRET);
		expect(replica.json).toContain('"needBlock":true');
	});

	test("a document that is edited as a whole, also when that begins later", async () => {
		const made = await frame("<p>draft</p>");
		await recorder.snapshot();
		inside(made).designMode = "on";
		await until(() => !replica.lines.join("").includes("draft"));
		find(made, "p").append(SECRET);
		inside(made).body.append(inside(made).createElement("hr"));
		await until(() => replica.lines.join("").includes("hr"));
		expect(replica.json).not.toContain(SECRET);
	});
});
