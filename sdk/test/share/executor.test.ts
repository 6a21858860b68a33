import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { Act, Guard } from "../../src/protocol";
import { Executor } from "../../src/share/executor";
import { fingerprintOf } from "../../src/share/fingerprint";
import { guardOf } from "../../src/share/guard";
import { LEVEL } from "../../src/share/mask";

let executor: Executor;
let confirm: ReturnType<typeof vi.fn>;
let revoked: ReturnType<typeof vi.fn>;
let seq = 0;
const nodes = new Map<number, Node>();

beforeEach(() => {
	seq = 0;
	nodes.clear();
	document.body.innerHTML = "";
	confirm = vi.fn(async () => true);
	revoked = vi.fn();
	executor = new Executor({
		node: (id) => nodes.get(id),
		level: () => LEVEL.public,
		confirm: confirm as (name: string, guard: Guard, label: string) => Promise<boolean>,
		onRevoke: revoked as () => void,
	});
	// Nothing is laid out here: every element is a box of 100 by 20 at the window's corner, and on top of all others.
	const box = { left: 0, top: 0, width: 100, height: 20, right: 100, bottom: 20, x: 0, y: 0 };
	vi.spyOn(Element.prototype, "getBoundingClientRect").mockReturnValue(box as DOMRect);
});
afterEach(() => executor.stop());

function page(html: string): HTMLElement {
	document.body.innerHTML = html;
	const element = document.querySelector("#f") as HTMLElement;
	document.elementFromPoint = () => element;
	nodes.set(7, element);
	nodes.set(8, document);
	return element;
}

const control = (more: object = {}) => ({
	viewer: "p_a",
	name: "Robin",
	rung: "navigate" as const,
	endsAt: 1e12,
	...more,
});

function act(what: Act, more: { viewer?: string; guard?: Guard; verb?: object } = {}) {
	const node = "back" in what || "reload" in what ? 8 : 7;
	const target = nodes.get(node) as Element | Document;
	const verb = { seq: ++seq, epoch: 1, node, fingerprint: fingerprintOf(target), act: what, ...more.verb };
	const { guard } = more;
	return executor.handle({ t: "act", viewer: more.viewer ?? "p_a", name: "Robin", verb, ...(guard && { guard }) });
}
const click: Act = { click: { x: 0.5, y: 0.5 } };
const type = (text: string, replace?: boolean): Act => ({ type: { text, ...(replace && { replace }) } });

test("relay, agent and page compute the same fingerprint", () => {
	document.body.innerHTML = '<input id="card" type="text">';
	// FNV-1a of "input\ncard\ntext\n\n", computed apart from this code.
	let hash = 2166136261n;
	for (const byte of new TextEncoder().encode("input\ncard\ntext\n\n")) {
		hash = ((hash ^ BigInt(byte)) * 16777619n) % 2n ** 32n;
	}
	expect(fingerprintOf(document.querySelector("input") as Element)).toBe(Number(hash));
});

describe("sec_28 what an agent may not do", () => {
	test.each<[string, () => Promise<unknown>, string]>([
		["no grant", () => ((executor.control = undefined), act(click)), "no_grant"],
		["another agent", () => act(click, { viewer: "p_b" }), "no_grant"],
		["the time is over", () => ((executor.control = control({ endsAt: 0 })), act(click)), "no_grant"],
		["beyond the grant", () => ((executor.control = control({ rung: "point" })), act(click)), "no_grant"],
		["another node than it believes", () => act(click, { verb: { fingerprint: 1 } }), "moved"],
		["a node that is not there", () => act(click, { verb: { node: 99 } }), "moved"],
		["a number that was used", async () => (await act(click), act(click, { verb: { seq: 1 } })), "moved"],
		[
			"an older page",
			async () => (await act(click, { verb: { epoch: 3 } }), act(click, { verb: { epoch: 2 } })),
			"moved",
		],
	])("%s", async (_, attempt, result) => {
		const clicked = vi.fn();
		page("<button id=f type=button>x</button>");
		executor.control = control();
		expect(await attempt()).toBe(result);
		document.querySelector("#f")?.addEventListener("click", clicked);
		expect(clicked).not.toHaveBeenCalled();
	});

	test.each([
		["private field", "<input id=f>"],
		["password", "<input id=f type=password data-tillside=share>"],
		["one-time code", "<input id=f autocomplete=one-time-code data-tillside=share>"],
		["card number", "<input id=f autocomplete=cc-number data-tillside=share>"],
		["field in a masked part", "<p data-tillside=mask><input id=f data-tillside=share></p>"],
		["button in a blocked part", "<p data-tillside=block><button id=f type=button>x</button></p>"],
		["file", "<input id=f type=file data-tillside=share>"],
		["frame", "<iframe id=f></iframe>"],
	])("%s", async (_, html) => {
		const field = page(html) as HTMLInputElement;
		executor.control = control();
		for (const what of [click, { focus: {} }, type("x"), { press: { key: "enter" } }] as Act[]) {
			expect(["hidden", "forbidden"]).toContain(await act(what));
		}
		expect(document.activeElement).not.toBe(field);
		expect(field.value ?? "").toBe("");
	});

	test("something lies over it", async () => {
		page("<button id=f type=button>x</button><div></div>");
		document.elementFromPoint = () => document.querySelector("div");
		executor.control = control();
		expect(await act(click)).toBe("moved");
	});
});

describe("typing reaches pages as the shopper's own would", () => {
	/** As frameworks do: they watch the field's own value, and hear of input only if it differs from what they know. */
	function watch(field: HTMLInputElement): string[] {
		const heard: string[] = [];
		let known = field.value;
		const inherited = Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, "value") as PropertyDescriptor;
		Object.defineProperty(field, "value", {
			configurable: true,
			get: () => inherited.get?.call(field) as string,
			set: (value: string) => {
				known = value;
				inherited.set?.call(field, value);
			},
		});
		field.addEventListener("input", () => {
			if (field.value !== known) heard.push((known = field.value));
		});
		return heard;
	}

	test("text at the caret, replaced, and erased", async () => {
		const field = page('<input id=f data-tillside=share value="ab">') as HTMLInputElement;
		const heard = watch(field);
		executor.control = control();
		field.setSelectionRange(1, 1);
		expect(await act(type("X"))).toBe("done");
		expect(await act(type("new", true))).toBe("done");
		expect(await act({ press: { key: "backspace" } })).toBe("done");
		expect(heard).toEqual(["aXb", "new", "ne"]);
	});

	test("a page that refuses the input keeps its value", async () => {
		const field = page("<input id=f data-tillside=share>") as HTMLInputElement;
		field.addEventListener("beforeinput", (event) => event.preventDefault());
		executor.control = control();
		await act(type("x"));
		expect(field.value).toBe("");
	});

	test("an option is chosen, and the page hears of it", async () => {
		const list = page("<select id=f data-tillside=share><option>a<option>b</select>") as HTMLSelectElement;
		const heard = vi.fn();
		list.addEventListener("change", heard);
		executor.control = control();
		expect(await act({ select: { option: 1 } })).toBe("done");
		expect(list.selectedIndex).toBe(1);
		expect(heard).toHaveBeenCalledOnce();
		expect(await act({ select: { option: 9 } })).toBe("moved");
	});

	test("a click makes all events of a click, once", async () => {
		const button = page("<button id=f type=button>x</button>");
		const heard: string[] = [];
		for (const name of ["pointerdown", "mousedown", "pointerup", "mouseup", "click"]) {
			button.addEventListener(name, () => heard.push(name));
		}
		executor.control = control();
		await act(click);
		expect(heard).toEqual(["pointerdown", "mousedown", "pointerup", "mouseup", "click"]);
	});
});

describe("the shopper comes first", () => {
	test.each<[string, string, Act, Guard | undefined]>([
		["a button that buys", "<button id=f type=button>Place order</button>", click, "commits"],
		["one in another language", "<button id=f type=button>Jetzt kaufen</button>", click, "commits"],
		["an icon in it", "<button type=button aria-label='Delete'><i id=f></i></button>", click, "commits"],
		[
			"a form with card fields",
			"<form><input name=cardnumber><button id=f>Next</button></form>",
			click,
			"submits_payment",
		],
		[
			"enter in such a form",
			"<form><input name=cvc><input id=f><button>Next</button></form>",
			{ press: { key: "enter" } },
			"submits_payment",
		],
		[
			"enter before a button that buys",
			"<form><input id=f><button>Buy</button></form>",
			{ press: { key: "enter" } },
			"commits",
		],
		["a link away", "<a id=f href='https://elsewhere.example/'>x</a>", click, "leaves"],
		["a link within", "<a id=f href='/cart'>x</a>", click, undefined],
		["any link that is followed", "<a id=f href='/cart'>x</a>", { follow: {} }, "leaves"],
		["a plain button", "<button id=f type=button>More</button>", click, undefined],
	])("%s", (_, html, what, guard) => {
		expect(guardOf(page(html), what)).toBe(guard);
	});

	test("is asked by the agent's name, and no means no", async () => {
		const button = page("<button id=f type=button>Place order</button>");
		const clicked = vi.fn();
		button.addEventListener("click", clicked);
		executor.control = control();
		confirm.mockResolvedValueOnce(false);
		expect(await act(click)).toBe("declined");
		expect(clicked).not.toHaveBeenCalled();
		expect(confirm).toHaveBeenCalledWith("Robin", "commits", "Place order");
		expect(await act(click)).toBe("done");
		expect(clicked).toHaveBeenCalledOnce();
	});

	test("is also asked where only the relay sees why", async () => {
		page("<button id=f type=button>More</button>");
		executor.control = control();
		await act(click, { guard: "commits" });
		expect(confirm).toHaveBeenCalledOnce();
	});

	test("a grant that ends while the question stands counts for nothing", async () => {
		page("<button id=f type=button>Buy</button>");
		executor.control = control();
		confirm.mockImplementationOnce(async () => {
			executor.control = undefined;
			return true;
		});
		expect(await act(click)).toBe("no_grant");
	});

	test("Esc ends control within the same event, before the page hears of it", () => {
		page("<button id=f type=button>x</button>");
		executor.control = control();
		const heard = vi.fn();
		document.addEventListener("keydown", heard, { once: true });
		const key = new KeyboardEvent("keydown", { key: "Escape", bubbles: true, cancelable: true });
		Object.defineProperty(key, "isTrusted", { value: true });
		document.body.dispatchEvent(key);
		expect(revoked).toHaveBeenCalledOnce();
		expect(heard).not.toHaveBeenCalled();
	});

	test("the page's own Esc, and ours, revoke nothing", () => {
		page("<button id=f type=button>x</button>");
		executor.control = control();
		document.body.dispatchEvent(new KeyboardEvent("keydown", { key: "Escape", bubbles: true }));
		expect(revoked).not.toHaveBeenCalled();
	});

	test("an agent waits while the shopper acts, and may go on pointing", async () => {
		page("<button id=f type=button>x</button>");
		executor.control = control();
		const press = new Event("pointerdown", { bubbles: true });
		Object.defineProperty(press, "isTrusted", { value: true });
		document.body.dispatchEvent(press);
		expect(await act(click)).toBe("shopper_acts");
		expect(await act({ point: { x: 0.5, y: 0.5 } })).toBe("done");
	});
});
