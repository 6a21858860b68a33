import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { TillsideClient } from "../src/client/client";
import type { ParticipantState, Source } from "../src/protocol";
import { FakeConnection, FakeSocket, installDevices, type Said, settle } from "./fakes";

beforeEach(() => {
	vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "setInterval", "clearInterval", "performance"] });
	vi.spyOn(Math, "random").mockReturnValue(1);
	vi.stubGlobal("Audio", function Audio() {
		return { play: async () => {}, pause() {}, srcObject: null };
	});
	FakeSocket.install();
	FakeConnection.install();
	installDevices();
});

afterEach(() => {
	vi.useRealTimers();
	vi.unstubAllGlobals();
});

const agent = (muted = false): ParticipantState => ({
	id: "p_a",
	name: "Robin",
	role: "agent",
	publications: [{ id: "p_a:0", source: "microphone", muted }],
});
const state = (...participants: ParticipantState[]): Said => ({
	t: "state",
	full: true,
	participants,
	left: [],
	locked: false,
});

/** A client that has said `join`. */
async function enter({ publish = ["microphone", "camera", "screen"] as Source[] } = {}) {
	const client = new TillsideClient({ server: "https://node.example", token: "token", room: "r" });
	const joined = client.join();
	joined.catch(() => {});
	await settle();
	FakeSocket.last.welcome({ publish });
	await settle();
	return { client, joined };
}

/** A client that is in the room, with the agent in it. */
async function call() {
	const { client, joined } = await enter();
	FakeSocket.last.say({ t: "joined", room: "r", locked: false });
	FakeSocket.last.say({ t: "answer", n: 1, sdp: "answer 1" });
	await joined;
	FakeSocket.last.say(state(agent()));
	FakeSocket.last.say({ t: "bind", slots: [{ mid: "3", publication: "p_a:0" }] });
	FakeConnection.last.become("connected");
	await settle();
	return client;
}

test("offers three sections that send and seven slots that receive, in this order", async () => {
	await enter();
	expect(FakeConnection.last.transceivers.map(({ kind, direction }) => `${kind} ${direction}`)).toEqual([
		"audio sendonly",
		"video sendonly",
		"video sendonly",
		...Array(3).fill("audio recvonly"),
		...Array(4).fill("video recvonly"),
	]);
	expect(FakeConnection.last.transceivers[1]?.sendEncodings).toMatchObject([
		{ rid: "q", scaleResolutionDownBy: 4 },
		{ rid: "h", scaleResolutionDownBy: 2 },
		{ rid: "f", scaleResolutionDownBy: 1 },
	]);
	expect(FakeSocket.last.said("join")).toEqual([
		{
			t: "join",
			room: "r",
			offer: "offer 1",
			tracks: [
				{ mid: "0", source: "microphone", muted: true },
				{ mid: "1", source: "camera", muted: true },
				{ mid: "2", source: "screen", muted: true },
			],
		},
	]);
});

test("a device that opens while the node still thinks about the join is told right after", async () => {
	const { client, joined } = await enter();
	await client.publish("microphone", true);
	FakeSocket.last.say({ t: "answer", n: 1, sdp: "answer 1" });
	await joined;
	expect(FakeConnection.last.transceivers[0]?.sender.track).toBe(client.media.of("microphone").track);
	expect(FakeSocket.last.said("mute")).toEqual([{ t: "mute", mid: "0", muted: false }]);
});

test("announces only what the token lets it send", async () => {
	const { client } = await enter({ publish: ["microphone"] });
	expect(FakeSocket.last.said("join")[0]?.tracks.map(({ source }) => source)).toEqual(["microphone"]);
	await expect(client.publish("camera", true)).rejects.toMatchObject({ code: "forbidden" });
});

test("is ready once the answer is applied, and not before", async () => {
	const { client, joined } = await enter();
	expect(client.state).toBe("connecting");
	FakeSocket.last.say({ t: "joined", room: "r", locked: true });
	FakeSocket.last.say({ t: "answer", n: 1, sdp: "answer 1" });
	expect(FakeSocket.last.said("ready")).toEqual([]);
	await joined;
	expect(FakeConnection.last.answers).toEqual(["answer 1"]);
	expect(FakeSocket.last.said("ready").length).toBe(1);
	expect(client).toMatchObject({ state: "joined", room: "r", isLocked: true });
});

test("one offer is enough, whoever comes, goes, speaks and mutes", async () => {
	const client = await call();
	for (let turn = 0; turn < 5; turn++) {
		FakeSocket.last.say(state(agent(turn % 2 === 0)));
		FakeSocket.last.say({ t: "bind", slots: [{ mid: "4", publication: "p_a:0" }] });
		FakeSocket.last.say({ t: "speakers", participants: ["p_a"] });
	}
	await client.publish("camera", true);
	await client.publish("screen", true);
	await client.publish("camera", false);
	expect(FakeConnection.last.offers.length).toBe(1);
	expect(FakeConnection.all.length).toBe(1);
});

test("switching a source replaces its track and tells the node", async () => {
	const client = await call();
	await client.publish("camera", true);
	await settle();
	expect(FakeConnection.last.transceivers[1]?.sender.track).toMatchObject({ kind: "video", readyState: "live" });
	await client.publish("camera", false);
	await settle();
	expect(FakeConnection.last.transceivers[1]?.sender.track).toBeNull();
	expect(FakeSocket.last.said("mute")).toEqual([
		{ t: "mute", mid: "1", muted: false },
		{ t: "mute", mid: "1", muted: true },
	]);
});

test("encodings that nobody watches rest", async () => {
	await call();
	const sender = FakeConnection.last.transceivers[1]?.sender;
	const active = () => sender?.getParameters().encodings.map((encoding) => encoding.active);
	FakeSocket.last.say({ t: "send", mid: "1", rids: ["q"] });
	await settle();
	expect(active()).toEqual([true, false, false]);
	FakeSocket.last.say({ t: "send", mid: "1", rids: ["q", "f"] });
	FakeSocket.last.say({ t: "send", mid: "1", rids: [] });
	await settle();
	expect(active()).toEqual([false, false, false]);
});

test("a source without simulcast is named by a star", async () => {
	await call();
	const sender = FakeConnection.last.transceivers[2]?.sender;
	FakeSocket.last.say({ t: "send", mid: "2", rids: [] });
	await settle();
	expect(sender?.getParameters().encodings[0]?.active).toBe(false);
	FakeSocket.last.say({ t: "send", mid: "2", rids: ["*"] });
	await settle();
	expect(sender?.getParameters().encodings[0]?.active).toBe(true);
});

test("a moderator's mute silences the microphone and is not said back", async () => {
	const client = await call();
	await client.publish("microphone", true);
	const said = FakeSocket.last.said("mute").length;
	FakeSocket.last.say({ t: "muted", mid: "0", by: "p_a" });
	await settle();
	expect(client.media.of("microphone")).toMatchObject({ on: false, mutedByModerator: true });
	expect(FakeSocket.last.said("mute").length).toBe(said);
	await client.publish("microphone", true);
	expect(FakeSocket.last.said("mute").at(-1)).toEqual({ t: "mute", mid: "0", muted: false });
});

test("media is untouched while the socket is away, and what matters is said again after", async () => {
	const client = await call();
	await client.publish("microphone", true);
	FakeSocket.last.lose();
	expect(client.state).toBe("reconnecting");
	expect(FakeConnection.last.isClosed).toBe(false);
	await vi.advanceTimersByTimeAsync(1);
	FakeSocket.last.welcome({ resumed: true });
	await settle();
	expect(client.state).toBe("joined");
	expect(FakeConnection.all.length).toBe(1);
	expect(FakeConnection.last.offers.length).toBe(1);
	expect(FakeSocket.last.sent.map(({ t }) => t)).toEqual(["hello", "ready", "view", "mute", "mute", "mute"]);
	expect(FakeSocket.last.said("mute")).toContainEqual({ t: "mute", mid: "0", muted: false });
});

test("a session that is gone is begun anew with a new connection and the same tracks", async () => {
	const client = await call();
	await client.publish("microphone", true);
	const track = client.media.of("microphone").track;
	FakeSocket.last.lose();
	await vi.advanceTimersByTimeAsync(1);
	FakeSocket.last.welcome();
	await settle();
	expect(FakeConnection.all.length).toBe(2);
	expect(FakeConnection.all[0]?.isClosed).toBe(true);
	expect(FakeConnection.last.transceivers[0]?.sender.track).toBe(track);
	expect(FakeSocket.last.said("join")[0]?.tracks[0]).toMatchObject({ source: "microphone", muted: false });
	FakeSocket.last.say({ t: "joined", room: "r", locked: false });
	FakeSocket.last.say({ t: "answer", n: 1, sdp: "answer" });
	await settle();
	expect(client.state).toBe("joined");
});

test("a join whose answer was lost with the socket is said again", async () => {
	const { client } = await enter();
	FakeSocket.last.lose();
	await vi.advanceTimersByTimeAsync(1);
	FakeSocket.last.welcome({ resumed: true });
	await settle();
	expect(FakeSocket.last.said("join").length).toBe(1);
	// It had arrived after all: the node says so, and replays the answer.
	FakeSocket.last.say({ t: "error", code: "out_of_order", message: "in a room already", re: "join", retryable: true });
	FakeSocket.last.say({ t: "answer", n: 1, sdp: "answer" });
	await settle();
	expect(client.state).toBe("joined");
});

test("a broken path is restarted by a second offer", async () => {
	const client = await call();
	FakeConnection.last.become("failed");
	await settle();
	expect(client.mediaState).toBe("interrupted");
	expect(FakeConnection.last.offers).toEqual([{ iceRestart: false }, { iceRestart: true }]);
	expect(FakeSocket.last.said("offer")).toMatchObject([{ n: 2, sdp: "offer 2" }]);
	FakeSocket.last.say({ t: "answer", n: 1, sdp: "stale" });
	FakeSocket.last.say({ t: "answer", n: 2, sdp: "answer 2" });
	await settle();
	expect(FakeConnection.last.answers).toEqual(["answer 1", "answer 2"]);
	FakeConnection.last.become("connected");
	expect(client.mediaState).toBe("connected");
});

test("a path that looks well but carries nothing for three seconds is restarted", async () => {
	const client = await call();
	FakeConnection.last.receive(10);
	await vi.advanceTimersByTimeAsync(4_000);
	expect(FakeSocket.last.said("offer")).toMatchObject([{ n: 2 }]);
	expect(client.mediaState).toBe("interrupted");
	FakeSocket.last.say({ t: "answer", n: 2, sdp: "answer 2" });
	FakeConnection.last.receive(20);
	await vi.advanceTimersByTimeAsync(1_000);
	expect(client.mediaState).toBe("connected");
	expect(FakeConnection.last.offers.length).toBe(2);
});

test.each([
	["a muted publisher", agent(true), {}],
	["a slot that the node holds back", agent(), { why: "bandwidth" as const }],
])("%s is no reason to restart", async (_, participant, held) => {
	await call();
	FakeSocket.last.say(state(participant));
	FakeSocket.last.say({ t: "bind", slots: [{ mid: "3", publication: "p_a:0", ...held }] });
	FakeConnection.last.receive(10);
	await vi.advanceTimersByTimeAsync(9_000);
	expect(FakeSocket.last.said("offer")).toEqual([]);
});

test("a refused join ends with the node's words, and stops the devices", async () => {
	const { client, joined } = await enter();
	await client.publish("camera", true);
	const { track } = client.media.of("camera");
	FakeSocket.last.say({ t: "error", code: "locked", message: "The room is locked.", re: "join", retryable: true });
	await expect(joined).rejects.toMatchObject({ code: "locked", message: "The room is locked." });
	expect(client.state).toBe("ended");
	expect(track?.readyState).toBe("ended");
	expect(FakeConnection.last.isClosed).toBe(true);
});

test("an answer that the browser cannot use ends the call with words for people", async () => {
	const { client, joined } = await enter();
	FakeConnection.last.refusesAnswers = true;
	FakeSocket.last.say({ t: "answer", n: 1, sdp: "nonsense" });
	await expect(joined).rejects.toMatchObject({ code: "bad_answer" });
	expect(client.state).toBe("ended");
});

test("a browser without WebRTC is told so", async () => {
	vi.stubGlobal("RTCPeerConnection", undefined);
	const { joined } = await enter();
	await expect(joined).rejects.toMatchObject({ code: "unsupported" });
});

test("being removed is the end, with its reason", async () => {
	const client = await call();
	const ends: string[] = [];
	client.on("ended", ({ reason }) => ends.push(reason));
	FakeSocket.last.say({ t: "bye", reason: "kicked", action: "none", retry_after_ms: 0 });
	expect(ends).toEqual(["kicked"]);
	expect(client).toMatchObject({ state: "ended", mediaState: "idle" });
});

test("what a moderator or writer was refused is told; what the SDK says by itself is not", async () => {
	const client = await call();
	const errors: string[] = [];
	client.on("error", ({ code }) => errors.push(code));
	FakeSocket.last.say({ t: "error", code: "not_found", message: "", re: "view", retryable: false });
	FakeSocket.last.say({ t: "error", code: "forbidden", message: "", re: "moderate", retryable: false });
	expect(errors).toEqual(["forbidden"]);
});

test("participants come, change and go", async () => {
	const client = await call();
	const other = { ...agent(), id: "p_b" };
	FakeSocket.last.say({ t: "state", full: false, participants: [other], left: [], locked: true });
	expect([...client.participants.keys()]).toEqual(["p_a", "p_b"]);
	FakeSocket.last.say({ t: "state", full: false, participants: [], left: ["p_a"], locked: true });
	expect([...client.participants.keys()]).toEqual(["p_b"]);
	FakeSocket.last.say(state());
	expect(client.participants.size).toBe(0);
});

test("an earlier page's session is ended once this one is in", async () => {
	const replaces = { session: "s_0", secret: "old", seq: 3 };
	const client = new TillsideClient({ server: "https://node.example", token: "token", replaces });
	void client.join();
	await settle();
	const socket = FakeSocket.last;
	socket.welcome();
	await settle();
	expect(FakeSocket.all.length).toBe(1);
	socket.say({ t: "answer", n: 1, sdp: "answer" });
	await settle();
	expect(FakeSocket.all.length).toBe(2);
	FakeSocket.last.welcome({ resumed: true });
	expect(FakeSocket.last.said("hello")[0]?.resume).toEqual(replaces);
	expect(FakeSocket.last.said("leave").length).toBe(1);
});

test("who hangs up ends the share first: nobody waits for the page", async () => {
	const client = await call();
	const socket = FakeSocket.last;
	socket.say({ t: "share", share: "h_1", sharer: client.you?.id ?? "", phase: "live", viewers: [] });
	client.leave();
	expect(socket.sent.slice(-2).map(({ t }) => t)).toEqual(["share", "leave"]);
	expect(socket.said("share").at(-1)).toMatchObject({ action: "end" });
});

test("a listener that throws does not stop the others", async () => {
	const client = await call();
	const uncaught: unknown[] = [];
	vi.stubGlobal("queueMicrotask", (callback: () => void) => {
		try {
			callback();
		} catch (thrown) {
			uncaught.push(thrown);
		}
	});
	const heard = vi.fn();
	client.on("waiting", () => {
		throw new Error("page's own mistake");
	});
	client.on("waiting", heard);
	FakeSocket.last.say({ t: "waiting", position: 3 });
	expect(heard).toHaveBeenCalledWith(3);
	expect(uncaught.length).toBe(1);
});
