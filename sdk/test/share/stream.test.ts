import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { PageEvent } from "../../src/share/events";
import { encodeAsset, encodeEvents } from "../../src/share/frames";
import * as mask from "../../src/share/mask";
import { Stream, type StreamTarget } from "../../src/share/stream";
import { parseShareFrame } from "../../src/share/wire";

class FakeSocket {
	static all: FakeSocket[] = [];
	static get last(): FakeSocket {
		return FakeSocket.all.at(-1) as FakeSocket;
	}
	onopen = () => {};
	onmessage = (_: { data: string }) => {};
	onclose = () => {};
	bufferedAmount = 0;
	isClosed = false;
	readonly sent: (string | ArrayBuffer)[] = [];
	constructor(readonly url: string) {
		FakeSocket.all.push(this);
	}
	send(frame: string | ArrayBuffer): void {
		this.sent.push(frame);
	}
	close(): void {
		this.isClosed = true;
	}
	say(message: object): void {
		this.onmessage({ data: JSON.stringify(message) });
	}
	welcome(): void {
		this.onopen();
		this.say({ t: "welcome", share: "h_1", as: "sharer", name_of_sharer: "Sam", images: true });
	}
	get records(): ArrayBuffer[] {
		return this.sent.filter((frame) => typeof frame !== "string") as ArrayBuffer[];
	}
}

const snapshot: PageEvent = {
	type: 2,
	timestamp: 1,
	data: { node: { type: 0, id: 1, childNodes: [] }, initialOffset: { left: 0, top: 0 } },
};
const change: PageEvent = { type: 3, timestamp: 2, data: { source: 4, width: 1, height: 1 } };

beforeEach(() => {
	FakeSocket.all = [];
	vi.stubGlobal("WebSocket", FakeSocket);
	vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "setInterval", "clearInterval", "performance"] });
});
afterEach(() => {
	vi.useRealTimers();
	vi.unstubAllGlobals();
});

function open() {
	const target = {
		snapshotWanted: vi.fn(),
		stalled: vi.fn(),
		opened: vi.fn(),
		act: vi.fn(),
		ended: vi.fn(),
		tooLarge: vi.fn(),
	} satisfies StreamTarget;
	const stream = new Stream("wss://node.example/v1/share", "ticket", target);
	FakeSocket.last.welcome();
	return { stream, target, socket: FakeSocket.last };
}

const flushed = () => vi.waitFor(() => expect(FakeSocket.last.records.length).toBeGreaterThan(0), { interval: 1 });

test("says the ticket first, and sends what the node asked for", async () => {
	const { stream, target, socket } = open();
	expect(JSON.parse(socket.sent[0] as string)).toEqual({ t: "hello", v: [1], ticket: "ticket" });
	expect(target.snapshotWanted).not.toHaveBeenCalled();
	socket.say({ t: "snapshot", reason: "no_snapshot" });
	expect(target.snapshotWanted).toHaveBeenCalledOnce();
	stream.send([change]);
	stream.send([snapshot, change]);
	await flushed();
	const text = new TextDecoder().decode(socket.records[0]);
	expect(JSON.parse(text)).toEqual([snapshot, change]);
	expect(socket.records).toHaveLength(1);
});

test("a full socket gets nothing more, and the whole page when it has drained", async () => {
	const { stream, target, socket } = open();
	socket.bufferedAmount = 600_000;
	stream.send([change]);
	expect(target.stalled).toHaveBeenCalledOnce();
	stream.send([change]);
	vi.advanceTimersByTime(200);
	expect(target.snapshotWanted).not.toHaveBeenCalled();
	socket.bufferedAmount = 0;
	vi.advanceTimersByTime(60);
	expect(target.snapshotWanted).toHaveBeenCalledOnce();
	stream.send([snapshot]);
	await flushed();
	expect(socket.records).toHaveLength(1);
});

test("a page that is left closes its socket at once, and one that is shown again opens another", () => {
	const { stream, target, socket } = open();
	stream.leave();
	expect([socket.isClosed, target.stalled.mock.calls.length]).toEqual([true, 1]);
	vi.advanceTimersByTime(60_000);
	expect(FakeSocket.all.length).toBeGreaterThan(1);
	expect(target.ended).not.toHaveBeenCalled();
});

/** A page whose only text is so long. */
function longPage(length: number): PageEvent {
	const textContent = "x".repeat(length) as mask.Masked;
	const node = { type: 0 as const, id: 1, childNodes: [{ type: 3 as const, id: 2, textContent }] };
	return { type: 2, timestamp: 1, data: { node, initialOffset: { left: 0, top: 0 } } };
}

test("a page over 5 MiB is told to be so, and the next one is sent", async () => {
	const { stream, target, socket } = open();
	socket.say({ t: "snapshot", reason: "no_snapshot" });
	stream.send([longPage(5 * 1024 * 1024)]);
	await vi.waitFor(() => expect(target.tooLarge).toHaveBeenCalledOnce(), { interval: 1 });
	expect([target.stalled.mock.calls.length, socket.records.length]).toEqual([1, 0]);
	socket.say({ t: "snapshot", reason: "no_snapshot" });
	expect(target.snapshotWanted).toHaveBeenCalledTimes(2);
	stream.send([snapshot]);
	await flushed();
	expect(socket.records).toHaveLength(1);
});

test("one snapshot answers everything that was asked before it was there", async () => {
	const { stream, target, socket } = open();
	socket.say({ t: "snapshot", reason: "no_snapshot" });
	socket.say({ t: "snapshot", reason: "no_snapshot" });
	stream.send([snapshot]);
	socket.say({ t: "snapshot", reason: "no_snapshot" });
	await flushed();
	expect(target.snapshotWanted).toHaveBeenCalledOnce();
	expect(socket.records).toHaveLength(1);
	socket.say({ t: "snapshot", reason: "unknown_node" });
	expect(target.snapshotWanted).toHaveBeenCalledTimes(2);
});

test("comes back with the same ticket when the socket is lost, and not when it was replaced", () => {
	const { target, socket } = open();
	socket.onclose();
	expect(target.stalled).toHaveBeenCalledOnce();
	vi.advanceTimersByTime(1);
	expect(FakeSocket.all).toHaveLength(2);
	FakeSocket.last.welcome();
	FakeSocket.last.say({ t: "bye", reason: "replaced" });
	expect(target.ended).toHaveBeenCalledWith("replaced");
	vi.advanceTimersByTime(60_000);
	expect(FakeSocket.all).toHaveLength(2);
});

test("answers pings at once, and gives a silent node up", () => {
	const { target, socket } = open();
	socket.say({ t: "ping", ts: 7 });
	expect(socket.sent).toContain('{"t":"pong","ts":7}');
	vi.advanceTimersByTime(40_000);
	expect(target.stalled).toHaveBeenCalled();
	expect(socket.isClosed).toBe(true);
});

test("large records are deflated, and split below the node's limit", async () => {
	// Ideographs at random: three bytes each, of which deflate saves one.
	const noise = Uint16Array.from({ length: 700_000 }, (_, index) => 0x4e00 + ((index * 7919 * (index % 251)) % 0x4000));
	const parts = Array.from({ length: 70 }, (_, at) => String.fromCharCode(...noise.subarray(at * 1e4, (at + 1) * 1e4)));
	const texts = [{ id: 1, value: mask.text(new Text(parts.join("")), 0, []) }];
	const event: PageEvent = {
		type: 3,
		timestamp: 1,
		data: { source: 0, removes: [], adds: [], texts, attributes: [] },
	};
	const frames = (await encodeEvents([event])) as ArrayBuffer[];
	expect(frames.length).toBeGreaterThan(1);
	const heads = frames.map((frame) => new Uint8Array(frame)[0]);
	expect(heads.slice(0, -1).every((head) => head === 0x83)).toBe(true);
	expect(heads.at(-1)).toBe(0x81);
	expect(frames.every((frame) => frame.byteLength <= 1_048_576)).toBe(true);
	const inflated = new Blob(frames.map((frame) => frame.slice(1)))
		.stream()
		.pipeThrough(new DecompressionStream("deflate-raw"));
	expect(await new Response(inflated).json()).toEqual([event]);
});

test("sec_15 what deflates too well goes as it is, since the node refuses it", async () => {
	const value = mask.text(new Text("a ".repeat(300_000)), 0, []);
	const data = { source: 0 as const, removes: [], adds: [], texts: [{ id: 1, value }], attributes: [] };
	const frames = (await encodeEvents([{ type: 3, timestamp: 1, data }])) as ArrayBuffer[];
	expect(new Uint8Array(frames[0] as ArrayBuffer)[0]).toBe("[".charCodeAt(0));
});

test("a snapshot written in slices is the JSON that it would be at once", async () => {
	const node = (id: number, childNodes: never[] = []) =>
		({ type: 2, tagName: mask.name("p"), attributes: {}, childNodes, id }) as const;
	const deep: PageEvent = {
		...(snapshot as Extract<PageEvent, { type: 2 }>),
		data: {
			node: {
				type: 0,
				id: 1,
				childNodes: [
					node(2, [node(3), { type: 3, textContent: mask.text(new Text("x"), 0, []), id: 4 }] as never[]),
					node(5),
				],
			},
			initialOffset: { left: 1, top: 2 },
		},
	};
	const [frame] = (await encodeEvents([deep, change])) as [ArrayBuffer];
	expect(JSON.parse(new TextDecoder().decode(frame))).toEqual([deep, change]);
});

test("an asset is its name and its file", () => {
	const frame = new Uint8Array(encodeAsset(new Uint8Array(32).fill(7), new Uint8Array([1, 2])));
	expect([frame[0], frame[32], frame[33], frame.length]).toEqual([0x40, 7, 1, 35]);
});

const verb = { seq: 1, epoch: 1, node: 2, fingerprint: 3, act: { click: { x: 0.5, y: 0.5 } } };
const act = { t: "act", viewer: "p_a", name: "Robin", verb };
test.each([
	["no act", { ...act, verb: { ...verb, act: {} } }],
	["two acts", { ...act, verb: { ...verb, act: { click: { x: 0, y: 0 }, focus: {} } } }],
	["unknown act", { ...act, verb: { ...verb, act: { constructor: {} } } }],
	["place outside", { ...act, verb: { ...verb, act: { click: { x: 2, y: 0 } } } }],
	["long text", { ...act, verb: { ...verb, act: { type: { text: "x".repeat(65) } } } }],
	["unknown key", { ...act, verb: { ...verb, act: { press: { key: "f5" } } } }],
	["unknown guard", { ...act, guard: "none" }],
	["no number", { ...act, verb: { ...verb, seq: -1 } }],
	["welcome of a viewer", { t: "welcome", share: "h", as: "viewer", name_of_sharer: "", images: true }],
	["unknown type", { t: "eval" }],
])("sec_28 %s is dropped", (_, frame) => {
	expect(parseShareFrame(JSON.stringify(frame))).toBeUndefined();
	expect(parseShareFrame(JSON.stringify(act))).toEqual(act);
});

test("what is withheld is not sent, and a snapshot that was on its way is wanted still", async () => {
	const { stream, target, socket } = open();
	socket.say({ t: "snapshot", reason: "no_snapshot" });
	expect(stream.isWanted).toBe(true);
	stream.send([snapshot]);
	expect(stream.isWanted).toBe(false);
	stream.withhold();
	expect(stream.isWanted).toBe(true);
	// The node asks once more after a pause; whoever withheld sends by itself.
	socket.say({ t: "snapshot", reason: "no_snapshot" });
	expect(target.snapshotWanted).toHaveBeenCalledOnce();
	stream.send([{ ...snapshot, timestamp: 7 }]);
	await flushed();
	expect(socket.records).toHaveLength(1);
	expect(JSON.parse(new TextDecoder().decode(socket.records[0]))[0].timestamp).toBe(7);
	expect(stream.isWanted).toBe(false);
});
