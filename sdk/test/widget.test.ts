import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { TillsideHelp } from "../src/widget";
import { recall } from "../src/widget/memory";
import { FakeConnection, FakeSocket, installDevices, type Said, settle } from "./fakes";

beforeEach(() => {
	vi.stubGlobal("Audio", function Audio() {
		return { play: async () => {}, pause() {}, srcObject: null };
	});
	FakeSocket.install();
	FakeConnection.install();
	installDevices();
	sessionStorage.clear();
});

afterEach(() => {
	document.body.replaceChildren();
	vi.unstubAllGlobals();
});

const agentHere: Said = {
	t: "state",
	full: true,
	left: [],
	locked: false,
	participants: [{ id: "p_a", name: "Robin", role: "agent", publications: [] }],
};

function place(tokenProvider = vi.fn(async (_: { name: string; room: string }) => "token")) {
	const help = document.createElement("tillside-help") as TillsideHelp;
	help.setAttribute("server", "https://node.example");
	help.setAttribute("store", "Harrow & Finch");
	help.tokenProvider = tokenProvider;
	document.body.append(help);
	const find = (testId: string) => help.shadowRoot?.querySelector<HTMLElement>(`[data-testid="${testId}"]`);
	return { help, find, tokenProvider };
}

/** Asks for help and gets into the room. */
async function enter(talk: "video" | "voice" | "chat" = "video") {
	const placed = place();
	placed.find("ask")?.click();
	placed.find(`talk-${talk}`)?.click();
	placed.find("agree")?.click();
	await settle();
	FakeSocket.last.welcome();
	await settle();
	FakeSocket.last.say({ t: "joined", room: "help-1", locked: false });
	FakeSocket.last.say({ t: "answer", n: 1, sdp: "answer" });
	await settle();
	return placed;
}

test("a page may set things before the element is defined", () => {
	const early = document.createElement("tillside-early") as TillsideHelp;
	const tokenProvider = vi.fn();
	Object.assign(early, { tokenProvider, strings: { ask: "Hilfe" } });
	document.body.append(early);
	customElements.define("tillside-early", class extends TillsideHelp {});
	customElements.upgrade(early);
	expect(early.shadowRoot?.textContent).toContain("Hilfe");
	expect(Object.hasOwn(early, "tokenProvider")).toBe(false);
});

test("nothing is opened, asked for or connected before somebody agrees", async () => {
	const { getUserMedia } = installDevices();
	const { help, find, tokenProvider } = place();
	expect(help.stage).toBe("closed");
	find("ask")?.click();
	expect(help.stage).toBe("consent");
	expect(find("consent")?.textContent).toContain("Nothing is recorded");
	await settle();
	expect(getUserMedia).not.toHaveBeenCalled();
	expect(tokenProvider).not.toHaveBeenCalled();
	expect(FakeSocket.all).toEqual([]);
	find("not-now")?.click();
	await settle();
	expect(help.stage).toBe("closed");
});

test.each([
	["video", [true, true]],
	["voice", [true, false]],
	["chat", [false, false]],
] as const)("“%s” opens what it says and no more", async (talk, expected) => {
	const { help } = await enter(talk);
	const on = (source: "microphone" | "camera") => help.client?.media.of(source).on;
	expect([on("microphone"), on("camera")]).toEqual(expected);
});

test("a shopper waits with a position until somebody of the store is here", async () => {
	const { help, find } = await enter();
	FakeSocket.last.say({ t: "waiting", position: 3 });
	expect(help.stage).toBe("waiting");
	expect(find("position")?.textContent).toContain("3");
	FakeSocket.last.say({ t: "waiting", position: 1 });
	expect(find("position")?.textContent).toContain("next");
	FakeSocket.last.say(agentHere);
	expect(help.stage).toBe("call");
	expect(find("announcer")?.textContent).toContain("Robin is here");
});

test("a shopper whose helper leaves is back in the queue and knows why", async () => {
	const { help, find } = await enter();
	FakeSocket.last.say(agentHere);
	FakeSocket.last.say({ ...agentHere, full: false, participants: [], left: ["p_a"] });
	expect(help.shadowRoot?.textContent).toContain("Robin has left the call.");
	FakeSocket.last.say({ t: "waiting", position: 1 });
	expect(help.stage).toBe("waiting");
	expect(find("announcer")?.textContent).toContain("Robin has left the call.");
});

test("hanging up thanks, releases the devices and forgets the call", async () => {
	const { help, find } = await enter();
	FakeSocket.last.say(agentHere);
	const track = help.client?.media.of("camera").track;
	window.dispatchEvent(new Event("pagehide"));
	expect(recall()).toBeDefined();
	find("hang-up")?.click();
	expect(help.stage).toBe("ended");
	expect(track?.readyState).toBe("ended");
	expect(recall()).toBeUndefined();
	find("close")?.click();
	expect(help.stage).toBe("closed");
});

test("denied devices are explained, and the call works without them", async () => {
	installDevices(() => "NotAllowedError");
	const { help, find } = place();
	find("ask")?.click();
	find("agree")?.click();
	await settle();
	expect(help.stage).toBe("problem");
	expect(help.shadowRoot?.textContent).toContain("Allow it next to the page’s address".replace("’", "'"));
	find("go-on")?.click();
	await settle();
	FakeSocket.last.welcome();
	await settle();
	expect(FakeSocket.last.said("join")[0]?.tracks.every(({ muted }) => muted)).toBe(true);
});

test("closing after one device was denied leaves none open", async () => {
	const { opened } = installDevices((kinds) => (kinds.includes("video") ? "NotAllowedError" : undefined));
	const { help, find } = place();
	find("ask")?.click();
	find("agree")?.click();
	await settle();
	expect(help.stage).toBe("problem");
	expect(opened.map(({ readyState }) => readyState)).toEqual(["live"]);
	find("close")?.click();
	expect(opened.map(({ readyState }) => readyState)).toEqual(["ended"]);
});

test("who cancels while a token is fetched joins nothing, and no device stays open", async () => {
	const { opened } = installDevices();
	let answer: (token: string) => void = () => {};
	const { help, find } = place(vi.fn(() => new Promise<string>((resolve) => (answer = resolve))));
	find("ask")?.click();
	find("agree")?.click();
	await settle();
	find("cancel")?.click();
	expect(help.stage).toBe("closed");
	answer("token");
	await settle();
	expect(FakeSocket.all).toEqual([]);
	expect(opened.map(({ readyState }) => readyState)).toEqual(["ended", "ended"]);
});

test("an element that is taken off the page leaves the call", async () => {
	const { help } = await enter();
	const client = help.client;
	help.remove();
	await settle();
	expect(client?.state).toBe("ended");
	expect(recall()).toBeUndefined();
});

test("a back end without tokens is explained, and can be tried again", async () => {
	const { help, find } = place(vi.fn(() => Promise.reject(new Error("503"))));
	find("ask")?.click();
	find("agree")?.click();
	await settle();
	expect(help.stage).toBe("problem");
	find("try-again")?.click();
	expect(help.stage).toBe("consent");
});

test("the next page goes on with the same token, and ends the last page's session", async () => {
	const first = await enter("voice");
	window.dispatchEvent(new Event("pagehide"));
	const proposed = first.tokenProvider.mock.calls[0]?.[0].room;
	expect(recall()).toMatchObject({ token: "token", room: proposed, microphone: true, camera: false });
	expect(recall()?.replaces).toMatchObject({ session: "s_1", secret: "secret" });

	const second = place();
	expect(second.help.stage).toBe("connecting");
	await settle();
	expect(second.tokenProvider).not.toHaveBeenCalled();
	const socket = FakeSocket.last;
	expect(socket.said("hello").length).toBe(0);
	socket.welcome();
	await settle();
	socket.say({ t: "joined", room: "help-1", locked: false });
	socket.say({ t: "answer", n: 1, sdp: "answer" });
	await settle();
	expect(second.help.client?.media.of("microphone").on).toBe(true);
	expect(FakeSocket.last).not.toBe(socket);
	FakeSocket.last.welcome({ resumed: true });
	expect(FakeSocket.last.said("leave").length).toBe(1);
});

test("who was away for too long is not dragged back into a call", () => {
	sessionStorage.setItem("tillside-call", JSON.stringify({ token: "token", seenAt: Date.now() - 200_000 }));
	expect(place().help.stage).toBe("closed");
});

test("Esc makes a call small and never hangs up", async () => {
	const { help, find } = await enter();
	FakeSocket.last.say(agentHere);
	const press = new KeyboardEvent("keydown", { key: "Escape", bubbles: true, cancelable: true });
	find("hang-up")?.dispatchEvent(press);
	expect(find("panel")?.classList.contains("small")).toBe(true);
	expect(help.stage).toBe("call");
});

test("chat shows both sides, as text", async () => {
	const { find } = await enter("chat");
	FakeSocket.last.say(agentHere);
	find("toggle-chat")?.click();
	const input = find("chat-input") as HTMLInputElement;
	input.value = " Is it heavy? ";
	find("chat-send")?.click();
	expect(FakeSocket.last.said("chat")).toEqual([{ t: "chat", text: "Is it heavy?" }]);
	FakeSocket.last.say({ t: "chat", from: "p_a", text: "<img src=x onerror=alert(1)>", private: false });
	expect(find("chat-log")?.textContent).toContain("<img src=x");
	expect(find("chat-log")?.querySelector("img")).toBeNull();
});

test("a strict content security policy has nothing to object to", async () => {
	const { help } = await enter();
	FakeSocket.last.say(agentHere);
	for (const element of help.shadowRoot?.querySelectorAll("*") ?? []) {
		expect(element.tagName).not.toMatch(/^(STYLE|SCRIPT)$/);
		for (const { name } of element.attributes) expect(name).not.toMatch(/^(style|on.*)$/);
	}
});

test("every control has a name for those who do not see it", async () => {
	const { help } = await enter();
	FakeSocket.last.say(agentHere);
	for (const control of help.shadowRoot?.querySelectorAll("button, input") ?? []) {
		const name = control.getAttribute("aria-label") ?? control.textContent ?? "";
		expect(name.trim() || control.closest("label")?.textContent, control.outerHTML).toBeTruthy();
	}
});
