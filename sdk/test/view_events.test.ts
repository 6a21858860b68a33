import { expect, test } from "vitest";
import { parseEvents, Unreadable, type ViewEvent } from "../src/view/events";

const read = (...events: object[]): ViewEvent[] => parseEvents(JSON.stringify(events));
const change = (source: number, data: object) => ({ type: 3, data: { source, ...data }, timestamp: 1 });

test.each<[what: string, event: object, expected: ViewEvent]>([
	[
		"where the share stands",
		{ type: 5, data: { tag: "tillside.state", payload: { state: "paused", why: "page", epoch: 3 } } },
		{ kind: "state", news: { state: "paused", why: "page", epoch: 3 } },
	],
	[
		"where the page is",
		{ type: 4, data: { href: "https://s.example/a", width: 800, height: 600 } },
		{ kind: "meta", href: "https://s.example/a", width: 800, height: 600 },
	],
	["a resize", change(4, { width: 10, height: 20 }), { kind: "resize", width: 10, height: 20 }],
	[
		"the last place of a pointer",
		change(1, {
			positions: [
				{ x: 1, y: 2, id: 3, timeOffset: -50 },
				{ x: 4, y: 5, id: 6, timeOffset: 0 },
			],
		}),
		{ kind: "pointer", isTouch: false, node: 6, x: 4, y: 5 },
	],
	["a click", change(2, { type: 2, id: 3, x: 4, y: 5 }), { kind: "interaction", what: 2, node: 3, x: 4, y: 5 }],
	["a scroll", change(3, { id: 1, x: 0, y: 120 }), { kind: "scroll", node: 1, x: 0, y: 120 }],
	[
		"an input",
		change(5, { id: 4, text: "tea", isChecked: false }),
		{ kind: "input", node: 4, text: "tea", isChecked: false },
	],
	[
		"rules of a style element",
		change(8, { id: 4, adds: [{ rule: "a{}", index: [1, 0] }, { rule: "b{}" }], removes: [{ index: 2 }] }),
		{
			kind: "rules",
			name: { owner: 4 },
			adds: [
				{ rule: "a{}", at: [1, 0] },
				{ rule: "b{}", at: undefined },
			],
			removes: [[2]],
			replace: undefined,
		},
	],
	[
		"a declaration",
		change(13, { styleId: 2, index: 0, set: { property: "color", value: "red", priority: "important" } }),
		{ kind: "declaration", name: { sheet: 2 }, rule: [0], property: "color", set: { value: "red", important: true } },
	],
	[
		"adopted sheets",
		change(15, { id: 1, styleIds: [7], styles: [{ styleId: 7, rules: [{ rule: "a{}", index: 0 }] }] }),
		{ kind: "adopted", host: 1, sheets: [7], styles: [{ sheet: 7, rules: ["a{}"] }] },
	],
])("reads %s", (_, event, expected) => {
	expect(read(event)).toEqual([expected]);
});

test("drops what no viewer has a use for", () => {
	const unused = [{ type: 0, data: {} }, { type: 1, data: {} }, { type: 6, data: {} }, { type: 99 }];
	expect(read(...unused, change(7, { id: 1 }), change(9, { id: 1 }), change(16, {}))).toEqual([]);
	expect(read({ type: 5, data: { tag: "other", payload: "x" } })).toEqual([]);
});

test("sec_19: no member reaches a prototype", () => {
	const json =
		'[{"type":2,"data":{"node":{"type":2,"id":1,"tagName":"DIV","attributes":{"__proto__":"x","constructor":"y","id":"z"},"childNodes":[],"__proto__":{"isSVG":true}}}}]';
	const [event] = parseEvents(json);
	if (event?.kind !== "snapshot") throw new Error("no snapshot");
	expect(event.node.svg).toBe(false);
	expect([...event.node.attributes]).toEqual([
		["__proto__", "x"],
		["constructor", "y"],
		["id", "z"],
	]);
	expect(({} as Record<string, unknown>)["x"]).toBeUndefined();
});

const nest = (depth: number): object =>
	depth === 0
		? { type: 3, id: 1, textContent: "" }
		: { type: 2, id: depth + 1, tagName: "b", attributes: {}, childNodes: [nest(depth - 1)] };

test.each<[what: string, json: string]>([
	["no JSON", "[{"],
	["no list", '{"type":4}'],
	["no object", "[4]"],
	["a packed event", '["xœ…"]'],
	["a node without an id", '[{"type":2,"data":{"node":{"type":3,"textContent":"x"}}}]'],
	["an id that is no number", '[{"type":2,"data":{"node":{"type":3,"id":"1","textContent":"x"}}}]'],
	["a negative id", '[{"type":3,"data":{"source":3,"id":-4,"x":0,"y":0}}]'],
	["a number too large", '[{"type":3,"data":{"source":3,"id":4,"x":1e999,"y":0}}]'],
	["an unknown kind of node", '[{"type":2,"data":{"node":{"type":9,"id":1}}}]'],
	["a place of words", '[{"type":3,"data":{"source":1,"positions":[{"x":"a","y":0,"id":1}]}}]'],
	["children that are no list", '[{"type":2,"data":{"node":{"type":0,"id":1,"childNodes":{}}}}]'],
	["a page nested too deeply", JSON.stringify([{ type: 2, data: { node: nest(300) } }])],
	[
		"a page with too many nodes",
		JSON.stringify([
			{
				type: 2,
				data: {
					node: {
						type: 0,
						id: 1,
						childNodes: Array.from({ length: 50_001 }, (_, id) => ({ type: 3, id, textContent: "" })),
					},
				},
			},
		]),
	],
])("cannot read %s", (_, json) => {
	expect(() => parseEvents(json)).toThrow(Unreadable);
});
