import { expect, test } from "vitest";
import { parseFrame } from "../src/client/frame";

/** What the node's own tests wrote: the same bytes must be readable here. */
const goldens = import.meta.glob<string>("../../signaling/tests/golden/server-*.json", {
	query: "?raw",
	import: "default",
	eager: true,
});

test("the node's golden messages are there", () => {
	expect(Object.keys(goldens).length).toBeGreaterThanOrEqual(16);
});

test.each(Object.entries(goldens))("%s is readable", (_, text) => {
	expect(parseFrame(text).kind).toBe("message");
});

test("a message of a newer node is counted, not read", () => {
	expect(parseFrame('{"t":"holiday","seq":7}')).toEqual({ kind: "unknown", seq: 7 });
});

test("unknown fields of a newer node are ignored", () => {
	expect(parseFrame('{"t":"waiting","seq":1,"position":2,"mood":"calm"}').kind).toBe("message");
});

const deep = (levels: number) => `{"t":"pong","seq":0,"ts":1,"x":${"[".repeat(levels)}${"]".repeat(levels)}}`;

test.each([
	["nothing", ""],
	["no JSON", "{"],
	["no object", "[]"],
	["null", "null"],
	["no type", '{"seq":1}'],
	["no number", '{"t":"waiting","position":1}'],
	["a number as text", '{"t":"waiting","seq":"1","position":1}'],
	["a negative number", '{"t":"waiting","seq":-1,"position":1}'],
	["a fraction", '{"t":"waiting","seq":1.5,"position":1}'],
	["a missing field", '{"t":"waiting","seq":1}'],
	["a field of another type", '{"t":"answer","seq":1,"n":1,"sdp":{}}'],
	["a list that is none", '{"t":"bind","seq":1,"slots":{"length":1}}'],
	["a broken entry in a list", '{"t":"bind","seq":1,"slots":[{"mid":7}]}'],
	[
		"a broken publication",
		'{"t":"state","seq":1,"full":true,"left":[],"locked":false,"participants":[{"id":"a","name":"b","role":"agent","publications":[{}]}]}',
	],
	["__proto__", '{"t":"waiting","seq":1,"position":1,"__proto__":{"polluted":true}}'],
	["__proto__ further inside", '{"t":"waiting","seq":1,"position":1,"x":[{"__proto__":{}}]}'],
	["constructor", '{"t":"waiting","seq":1,"position":1,"constructor":{"prototype":{}}}'],
	["prototype", '{"t":"waiting","seq":1,"position":1,"prototype":{}}'],
	["nesting without end", deep(40)],
	["a type that is a method of every object", '{"t":"constructor","seq":1.5}'],
])("sec_19: %s is dropped", (_, text) => {
	expect(parseFrame(text)).toEqual({ kind: "malformed" });
	expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
});

test("sec_19: a type that is a method of every object is an unknown type", () => {
	expect(parseFrame('{"t":"toString","seq":3}')).toEqual({ kind: "unknown", seq: 3 });
});

test("what is no text is dropped", () => {
	expect(parseFrame(new ArrayBuffer(4))).toEqual({ kind: "malformed" });
});
