import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { endSession, Session, socketUrl } from "../src/client/session";
import { FakeSocket, settle } from "./fakes";

beforeEach(() => {
	vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "setInterval", "clearInterval", "performance"] });
	vi.spyOn(Math, "random").mockReturnValue(1);
	FakeSocket.install();
});

afterEach(() => {
	vi.useRealTimers();
	vi.unstubAllGlobals();
});

/** A session whose events are noted, with its socket opened. */
async function start(token: string | (() => Promise<string>) = "token") {
	const session = new Session("https://node.example", token);
	const events: string[] = [];
	for (const name of ["opened", "resumed", "lost"] as const) session.on(name, () => events.push(name));
	session.on("message", (message) => events.push(message.t));
	session.on("ended", ({ reason, error }) => events.push(`ended ${error?.code ?? reason}`));
	session.connect();
	await settle();
	return { session, events };
}

const waiting = { t: "waiting", position: 1 } as const;

test("says hello first, with the token in the frame and not in the address", async () => {
	const { events } = await start();
	FakeSocket.last.welcome();
	expect(FakeSocket.last.url).toBe("wss://node.example/v1/ws");
	expect(FakeSocket.last.sent[0]).toMatchObject({ t: "hello", v: [1], token: "token" });
	expect(FakeSocket.last.said("hello")[0]?.resume).toBeUndefined();
	expect(events).toEqual(["opened"]);
});

test("a lost socket is resumed from the last number seen", async () => {
	const { events } = await start();
	FakeSocket.last.welcome();
	FakeSocket.last.say(waiting);
	FakeSocket.last.say(waiting);
	FakeSocket.last.lose();
	await vi.advanceTimersByTimeAsync(1);
	FakeSocket.last.welcome({ resumed: true, seq: 2 });
	expect(FakeSocket.last.said("hello")[0]?.resume).toEqual({ session: "s_1", secret: "secret", seq: 2 });
	FakeSocket.last.say(waiting, 3);
	expect(events).toEqual(["opened", "waiting", "waiting", "lost", "resumed", "waiting"]);
});

test("a message seen twice is heard once", async () => {
	const { events } = await start();
	FakeSocket.last.welcome();
	FakeSocket.last.say(waiting, 1);
	FakeSocket.last.say(waiting, 1);
	expect(events).toEqual(["opened", "waiting"]);
});

test("a gap in the numbers means a resume, and the message after the gap is not heard before what is missing", async () => {
	const { events } = await start();
	const first = FakeSocket.last;
	first.welcome();
	first.say(waiting, 1);
	first.say(waiting, 3);
	expect(first.isClosed).toBe(true);
	await vi.advanceTimersByTimeAsync(1);
	expect(FakeSocket.last).not.toBe(first);
	FakeSocket.last.welcome({ resumed: true, seq: 1 });
	expect(FakeSocket.last.said("hello")[0]?.resume?.seq).toBe(1);
	expect(events).toEqual(["opened", "waiting", "lost", "resumed"]);
});

test("a message of an unknown type counts, so that it leaves no gap", async () => {
	const { events } = await start();
	FakeSocket.last.welcome();
	FakeSocket.last.sayRaw('{"t":"holiday","seq":1}');
	FakeSocket.last.say(waiting, 2);
	expect(events).toEqual(["opened", "waiting"]);
});

test("a node that no longer has what was missed says from where it counts on", async () => {
	const { events } = await start();
	FakeSocket.last.welcome();
	FakeSocket.last.lose();
	await vi.advanceTimersByTimeAsync(1);
	FakeSocket.last.welcome({ resumed: true, seq: 899 });
	FakeSocket.last.say(waiting, 900);
	expect(events).toEqual(["opened", "lost", "resumed", "waiting"]);
	FakeSocket.last.say(waiting, 902);
	expect(events.at(-1)).toBe("lost");
});

test("attempts wait longer and longer, and start over once one worked", async () => {
	await start();
	FakeSocket.last.welcome();
	FakeSocket.last.lose();
	const waits = [0, 300, 1200, 2700, 4800, 7000, 7000];
	for (const wait of waits) {
		const count = FakeSocket.all.length;
		await vi.advanceTimersByTimeAsync(Math.max(0, wait - 1));
		if (wait > 0) expect(FakeSocket.all.length).toBe(count);
		await vi.advanceTimersByTimeAsync(1);
		expect(FakeSocket.all.length).toBe(count + 1);
		FakeSocket.last.lose();
	}
	await vi.advanceTimersByTimeAsync(7000);
	FakeSocket.last.welcome({ resumed: true });
	const count = FakeSocket.all.length;
	FakeSocket.last.lose();
	await vi.advanceTimersByTimeAsync(1);
	expect(FakeSocket.all.length).toBe(count + 1);
});

test("waits as long as the node asks, then begins anew without a resume", async () => {
	const { events } = await start();
	FakeSocket.last.welcome();
	FakeSocket.last.say({ t: "bye", reason: "shutdown", action: "rejoin", retry_after_ms: 2000 });
	await vi.advanceTimersByTimeAsync(2999);
	expect(FakeSocket.all.length).toBe(1);
	await vi.advanceTimersByTimeAsync(1);
	FakeSocket.last.welcome();
	expect(FakeSocket.last.said("hello")[0]?.resume).toBeUndefined();
	expect(events).toEqual(["opened", "lost", "opened"]);
});

test("a bye for good is the end", async () => {
	const { events } = await start();
	FakeSocket.last.welcome();
	FakeSocket.last.say({ t: "bye", reason: "kicked", action: "none", retry_after_ms: 0 });
	await vi.advanceTimersByTimeAsync(60_000);
	expect(FakeSocket.all.length).toBe(1);
	expect(events).toEqual(["opened", "ended kicked"]);
});

test("a token that ran out is replaced once; a second refusal is the end", async () => {
	const source = vi.fn(async () => `token ${source.mock.calls.length}`);
	const { events } = await start(source);
	FakeSocket.last.welcome();
	FakeSocket.last.lose();
	await vi.advanceTimersByTimeAsync(1);
	const refuse = () => {
		FakeSocket.last.onopen?.();
		FakeSocket.last.say({ t: "error", code: "unauthorized", message: "expired", retryable: false }, 0);
	};
	refuse();
	await vi.advanceTimersByTimeAsync(300);
	expect(source).toHaveBeenCalledTimes(2);
	refuse();
	expect(FakeSocket.last.said("hello")[0]?.token).toBe("token 2");
	expect(events.at(-1)).toBe("ended unauthorized");
});

test("a token source that fails ends the session with words for people", async () => {
	const { events } = await start(() => Promise.reject(new Error("back end down")));
	expect(events).toEqual(["ended token_unavailable"]);
	expect(FakeSocket.all.length).toBe(0);
});

test("a silent node is left after fifteen seconds", async () => {
	const { events } = await start();
	FakeSocket.last.welcome();
	await vi.advanceTimersByTimeAsync(10_000);
	expect(FakeSocket.last.said("ping").length).toBe(1);
	await vi.advanceTimersByTimeAsync(10_000);
	expect(events).toEqual(["opened", "lost"]);
});

test("a node that answers pings is kept", async () => {
	const { events } = await start();
	FakeSocket.last.welcome();
	for (let turn = 0; turn < 12; turn++) {
		await vi.advanceTimersByTimeAsync(10_000);
		FakeSocket.last.say({ t: "pong", ts: 1 }, 0);
	}
	expect(events).toEqual(["opened"]);
});

test("a node that never answers is given up", async () => {
	const { events } = await start();
	for (let turn = 0; turn < 40 && events.length === 0; turn++) {
		FakeSocket.last.lose();
		await vi.advanceTimersByTimeAsync(7000);
	}
	expect(events).toEqual(["ended unreachable"]);
});

test("a socket that opens but says nothing is given up for the next one", async () => {
	await start();
	FakeSocket.last.onopen?.();
	await vi.advanceTimersByTimeAsync(8_001);
	expect(FakeSocket.all.length).toBe(2);
});

test("garbage disturbs nothing", async () => {
	const { events } = await start();
	FakeSocket.last.welcome();
	for (const text of ["", "{", '{"t":"answer"}', '{"t":"bind","seq":1,"slots":3}', "[".repeat(10_000)]) {
		FakeSocket.last.sayRaw(text);
	}
	FakeSocket.last.say(waiting, 1);
	expect(events).toEqual(["opened", "waiting"]);
});

test("leaving says so and never comes back", async () => {
	const { session, events } = await start();
	FakeSocket.last.welcome();
	session.leave();
	FakeSocket.last.lose();
	await vi.advanceTimersByTimeAsync(60_000);
	expect(FakeSocket.last.said("leave").length).toBe(1);
	expect(FakeSocket.all.length).toBe(1);
	expect(events).toEqual(["opened", "ended left"]);
});

test("an earlier page's session is resumed only to leave it", () => {
	endSession("https://node.example", "token", { session: "s_0", secret: "old", seq: 4 });
	FakeSocket.last.welcome({ resumed: true });
	expect(FakeSocket.last.sent.map(({ t }) => t)).toEqual(["hello", "leave"]);
	expect(FakeSocket.last.said("hello")[0]?.resume).toEqual({ session: "s_0", secret: "old", seq: 4 });
	expect(FakeSocket.last.isClosed).toBe(true);
});

test.each([
	["https://a.example", "wss://a.example/v1/ws"],
	["http://a.example:8080/", "ws://a.example:8080/v1/ws"],
	["wss://a.example/till/v1/ws", "wss://a.example/till/v1/ws"],
])("%s means %s", (server, expected) => {
	expect(socketUrl(server)).toBe(expected);
});
