import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { shareUrl, ShareStream } from "../src/view/stream";

class Socket {
	static all: Socket[] = [];
	static get last(): Socket {
		return Socket.all.at(-1) as Socket;
	}
	onopen: (() => void) | undefined;
	onmessage: ((event: { data: string | ArrayBuffer }) => void) | undefined;
	onclose: (() => void) | undefined;
	readonly sent: { t: string; [name: string]: unknown }[] = [];
	isClosed = false;
	constructor(readonly url: string) {
		Socket.all.push(this);
	}
	send(text: string): void {
		this.sent.push(JSON.parse(text));
	}
	close(): void {
		this.isClosed = true;
	}
	say(message: object): void {
		this.onmessage?.({ data: JSON.stringify(message) });
	}
	said(t: string) {
		return this.sent.filter((message) => message.t === t);
	}
}

const TARGET = { epoch: 2, node: 30, fingerprint: 7 };

beforeEach(() => {
	vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "setInterval", "clearInterval", "performance"] });
	vi.spyOn(Math, "random").mockReturnValue(1);
	Socket.all = [];
	vi.stubGlobal("WebSocket", Socket);
});
afterEach(() => {
	vi.useRealTimers();
	vi.unstubAllGlobals();
});

function open() {
	const stream = new ShareStream("wss://node.example/v1/share", "ticket");
	const heard: [name: string, event: unknown][] = [];
	for (const name of ["page", "asset", "outcome", "delay", "lost", "closed"] as const) {
		stream.on(name, (event) => heard.push([name, event]));
	}
	stream.connect();
	Socket.last.onopen?.();
	Socket.last.say({ t: "welcome", share: "s", as: "viewer", name_of_sharer: "Sam", images: true });
	return { stream, heard };
}

test("says hello with its ticket, and nothing of it in the address", () => {
	open();
	expect(Socket.last.url).toBe("wss://node.example/v1/share");
	expect(Socket.last.sent[0]).toEqual({ t: "hello", v: [1], ticket: "ticket" });
	expect(shareUrl("wss://node.example/v1/ws")).toBe("wss://node.example/v1/share");
});

test("passes on pages and files, as text or as bytes", () => {
	const { heard } = open();
	const bytes = (text: string) => new TextEncoder().encode(text).buffer as ArrayBuffer;
	Socket.last.onmessage?.({ data: "[1]" });
	Socket.last.onmessage?.({ data: bytes("[2]") });
	Socket.last.onmessage?.({ data: bytes("@abc") });
	Socket.last.onmessage?.({ data: new ArrayBuffer(0) });
	expect(heard.slice(0, 2)).toEqual([
		["page", "[1]"],
		["page", "[2]"],
	]);
	expect(new TextDecoder().decode(heard[2]?.[1] as Uint8Array)).toBe("abc");
	expect(heard.length).toBe(3);
});

test("numbers verbs upwards, over sockets too", () => {
	const before = Date.now();
	const { stream } = open();
	const first = stream.act(TARGET, { click: { x: 0.5, y: 0.5 } }) ?? 0;
	// Above whatever an earlier stream of this viewer used: those were at most 30 a second, of a thousand.
	expect(first).toBeGreaterThanOrEqual(before);
	expect(Socket.last.said("verb")).toEqual([
		{ t: "verb", verb: { seq: first, ...TARGET, act: { click: { x: 0.5, y: 0.5 } } } },
	]);
	Socket.last.onclose?.();
	expect(stream.act(TARGET, { focus: {} })).toBeUndefined();
	vi.advanceTimersByTime(1_000);
	Socket.last.onopen?.();
	Socket.last.say({ t: "welcome" });
	expect(stream.act(TARGET, { focus: {} })).toBe(first + 1);
});

test("tells how far behind the view is: the sharer's way and half of ours", () => {
	const { heard } = open();
	Socket.last.say({ t: "delay", sharer_ms: 40 });
	vi.advanceTimersByTime(2_000);
	const ping = Socket.last.said("ping").at(-1);
	vi.advanceTimersByTime(60);
	Socket.last.say({ t: "pong", ts: ping?.["ts"] });
	expect(heard.at(-1)).toEqual(["delay", 70]);
});

test("answers the node's pings", () => {
	open();
	Socket.last.say({ t: "ping", ts: 5 });
	expect(Socket.last.said("pong")).toEqual([{ t: "pong", ts: 5 }]);
});

test("comes back after a loss, and after a silence", () => {
	const { heard } = open();
	Socket.last.onclose?.();
	expect(heard).toEqual([["lost", undefined]]);
	vi.advanceTimersByTime(1_000);
	expect(Socket.all.length).toBe(2);
	Socket.last.onopen?.();
	Socket.last.say({ t: "welcome" });
	vi.advanceTimersByTime(12_000);
	expect(Socket.all.length).toBeGreaterThan(2);
});

test.each([
	["replaced", true],
	["ended", true],
	["unauthorized", true],
	["slow", false],
	["shutdown", false],
])("after bye %s it is over: %s", (reason, isOver) => {
	const { heard } = open();
	Socket.last.say({ t: "bye", reason });
	vi.advanceTimersByTime(3_000);
	expect(Socket.all.length).toBe(isOver ? 1 : 2);
	expect(heard.some(([name]) => name === "closed")).toBe(isOver);
});

test("a page that cannot be read is asked for again, but not in a hurry", () => {
	const { stream } = open();
	stream.restart();
	vi.advanceTimersByTime(2_000);
	expect(Socket.all.length).toBe(1);
	vi.advanceTimersByTime(1_000);
	expect(Socket.all.length).toBe(2);
});

test("drops what it cannot read", () => {
	const { heard } = open();
	for (const data of ["{", "null", "4", '{"t":"outcome"}', '{"t":"new"}']) Socket.last.onmessage?.({ data });
	expect(heard).toEqual([]);
});
