import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Emitter } from "../src/client/emitter";
import type { Act, VerbResult } from "../src/protocol";
import { Acting, type ActingEvents } from "../src/view/acting";
import type { Level } from "../src/view/events";
import type { Place } from "../src/view/places";
import type { Replay, ReplayEvents } from "../src/view/replay";
import type { ShareStream, StreamEvents } from "../src/view/stream";
import { fingerprint } from "../src/fingerprint";
import type { Target } from "../src/view/target";
import type { Known } from "../src/view/tree";

/** A page without a layout: whatever is at a place was put there by the test; every box is 200 × 100 at 100, 100. */
class FakeReplay extends Emitter<ReplayEvents> {
	readonly epoch = 4;
	readonly page = { href: "", width: 800, height: 600 };
	readonly known: Known[] = [];
	hit: Known | undefined;
	scrolled: number[] = [];
	readonly tree = {
		root: undefined as Known | undefined,
		knownAt: (node: Node | null): Known | undefined => {
			for (let at = node; at !== null; at = at.parentNode) {
				const known = this.known.find((one) => one.node === at);
				if (known !== undefined) return known;
			}
			return undefined;
		},
	};
	at(_: Place) {
		return this.hit && { known: this.hit, element: this.hit.node as Element };
	}
	boxOf() {
		return new DOMRect(100, 100, 200, 100);
	}
	scrollAt(_: Place, dx: number, dy: number) {
		this.scrolled.push(dx, dy);
	}
	put(tag: string, facts: Record<string, string> = {}, level?: Level, parent: Node = document.body): Known {
		const node = parent.appendChild(document.createElement(tag));
		const id = this.known.length + 10;
		const known: Known = {
			id,
			node,
			kind: "element",
			tag,
			isSvg: false,
			level,
			facts: new Map(Object.entries(facts)),
			href: undefined,
			isSheet: false,
		};
		this.known.push(known);
		return known;
	}
}

class FakeStream extends Emitter<StreamEvents> {
	readonly said: { target: Target; act: Act }[] = [];
	isAway = false;
	act(target: Target, act: Act): number | undefined {
		return this.isAway ? undefined : this.said.push({ target, act });
	}
	answer(result: VerbResult, seq = this.said.length): void {
		this.emit("outcome", { seq, result });
	}
	lose(): void {
		this.emit("lost", undefined);
	}
	get acts(): Act[] {
		return this.said.map(({ act }) => act);
	}
}

let replay: FakeReplay;
let stream: FakeStream;
let acting: Acting;
let heard: [name: string, event: unknown][];

beforeEach(() => {
	vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
	document.body.replaceChildren();
	replay = new FakeReplay();
	stream = new FakeStream();
	acting = new Acting(replay as unknown as Replay, stream as unknown as ShareStream);
	heard = [];
	for (const name of ["refused", "pending", "field", "choices"] as (keyof ActingEvents)[]) {
		acting.on(name, (event) => heard.push([name, event]));
	}
});
afterEach(() => vi.useRealTimers());
const gathered = () => vi.advanceTimersByTime(50);
const pending = () => heard.filter(([name]) => name === "pending").at(-1)?.[1];
const refusals = () =>
	heard.filter(([name]) => name === "refused").map(([, event]) => (event as ActingEvents["refused"]).why);

test("fingerprints are the relay's", () => {
	// Computed apart from this code, by the definition in PROTOCOL.md.
	expect(fingerprint("", "", "", "")).toBe(0x6a00f6a5);
	expect(fingerprint("input", "city", "text", "")).toBe(0x5e1cb1e9);
	expect(fingerprint("é", "", "", "")).toBe(0x52c64341);
});

test("a verb names node, epoch, fingerprint and a place in the node's box", () => {
	replay.hit = replay.put("button", { id: "go", type: "submit" });
	acting.click({ x: 150, y: 175 }, false);
	const target = { epoch: 4, node: 10, fingerprint: fingerprint("button", "go", "submit", "") };
	expect(stream.said).toEqual([{ target, act: { click: { x: 0.25, y: 0.75 } } }]);
});

test("a moving pointer is said twenty times a second at most, and its last place always", () => {
	replay.hit = replay.put("p");
	for (let x = 100; x <= 200; x += 10) acting.point({ x, y: 100 });
	expect(stream.said).toEqual([]);
	gathered();
	expect(stream.acts).toEqual([{ point: { x: 0.5, y: 0 } }]);
});

test("sec_28: a pointer over something hidden names what surrounds it", () => {
	const form = replay.put("form");
	replay.hit = replay.put("input", {}, "payment", form.node);
	acting.point({ x: 100, y: 100 });
	gathered();
	expect(stream.said[0]?.target.node).toBe(form.id);
});

test("sec_28: a click on something hidden is refused at once, and letters go nowhere", () => {
	const form = replay.put("form");
	replay.hit = replay.put("input", {}, "masked", form.node);
	acting.click({ x: 100, y: 100 }, true);
	acting.type("4242");
	gathered();
	expect(stream.said).toEqual([]);
	expect(refusals()).toEqual(["Only the customer can use this field."]);
});

test("letters are gathered, shown as on their way, and gone once they are done", () => {
	replay.hit = replay.put("input", { type: "search" });
	acting.click({ x: 100, y: 100 }, true);
	for (const letter of "ket") acting.type(letter);
	expect(pending()).toBe("ket");
	gathered();
	expect(stream.acts.at(-1)).toEqual({ type: { text: "ket" } });
	expect(pending()).toBe("ket");
	stream.answer("done");
	expect(pending()).toBe("");
});

test("a long paste is said in parts, whole letters each", () => {
	replay.hit = replay.put("textarea");
	acting.click({ x: 100, y: 100 }, true);
	acting.type("🫖".repeat(100));
	gathered();
	const texts = stream.acts.flatMap((act) => ("type" in act ? [act.type.text] : []));
	expect(texts.map((text) => [...text].length)).toEqual([64, 36]);
	expect(texts.join("")).toBe("🫖".repeat(100));
});

test("a key comes after the letters before it", () => {
	replay.hit = replay.put("input");
	acting.click({ x: 100, y: 100 }, true);
	acting.type("tea");
	acting.press("enter");
	expect(stream.acts.slice(1)).toEqual([{ type: { text: "tea" } }, { press: { key: "enter" } }]);
});

test.each([
	["input", { type: "password" }, false],
	["input", { type: "file" }, false],
	["input", { type: "email" }, true],
	["input", {}, true],
	["div", { contenteditable: "true" }, true],
	["div", { role: "searchbox" }, true],
	["div", {}, false],
])("letters go to <%s %o>: %s", (tag, facts, takes) => {
	replay.hit = replay.put(tag, facts as Record<string, string>);
	acting.click({ x: 100, y: 100 }, true);
	expect(acting.field !== undefined).toBe(takes);
});

test("a list is opened here, and its choice is said", () => {
	const list = (replay.hit = replay.put("select"));
	for (const text of ["Red", "Blue"]) list.node.appendChild(document.createElement("option")).textContent = text;
	acting.click({ x: 100, y: 100 }, true);
	expect(stream.said).toEqual([]);
	expect(heard.at(-1)).toEqual(["choices", { list, place: { x: 100, y: 100 }, options: ["Red", "Blue"] }]);
	acting.select(list, 1);
	expect(stream.acts).toEqual([{ select: { option: 1 } }]);
});

test("scrolls add up, and the view scrolls at once", () => {
	replay.hit = replay.put("main");
	acting.scroll({ x: 1, y: 1 }, 0, 40);
	acting.scroll({ x: 1, y: 1 }, 0, 60);
	expect(replay.scrolled).toEqual([0, 40, 0, 60]);
	gathered();
	expect(stream.acts).toEqual([{ scroll: { dx: 0, dy: 100 } }]);
});

test("a stroke is said in parts that join", () => {
	replay.hit = replay.put("main");
	acting.draw({ x: 100, y: 100 });
	acting.draw({ x: 200, y: 150 });
	gathered();
	acting.draw({ x: 300, y: 200 });
	acting.lift();
	expect(stream.acts).toEqual([
		{
			draw: {
				points: [
					[0, 0],
					[0.5, 0.5],
				],
			},
		},
		{
			draw: {
				points: [
					[0.5, 0.5],
					[1, 1],
				],
			},
		},
	]);
});

test("what was not done is explained where it was tried; a pointer that got lost is not", () => {
	replay.hit = replay.put("button");
	acting.click({ x: 120, y: 130 }, false);
	stream.answer("declined");
	expect(heard.at(-1)).toEqual(["refused", { place: { x: 120, y: 130 }, why: "The customer said no." }]);
	acting.point({ x: 1, y: 1 });
	gathered();
	stream.answer("moved");
	expect(refusals().length).toBe(1);
});

test("without a connection nothing is said, and the agent knows", () => {
	stream.isAway = true;
	replay.hit = replay.put("button");
	acting.click({ x: 1, y: 1 }, false);
	expect(refusals()).toEqual(["The connection is away. Try again in a moment."]);
});

test("verbs stay below the relay's rate: the pointer gives way first", () => {
	replay.hit = replay.put("input");
	acting.click({ x: 1, y: 1 }, true);
	let letters = 0;
	for (let turn = 0; turn < 40; turn++) {
		acting.type("a");
		letters++;
		acting.point({ x: turn, y: 1 });
		gathered();
	}
	const points = stream.acts.filter((act) => "point" in act).length;
	expect(stream.acts.length - points).toBe(letters + 1);
	expect(stream.acts.length).toBeLessThanOrEqual(28 + 28 * 2);
});
