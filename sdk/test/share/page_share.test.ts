import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { PageShare, type PageShareOptions } from "../../src/share/page_share";
import { ENGLISH } from "../../src/widget/strings";

/** The node's side of one `/v1/share`. */
class FakeSocket {
	static last: FakeSocket;
	onopen = () => {};
	onmessage = (_: { data: string }) => {};
	onclose = () => {};
	bufferedAmount = 0;
	readonly records: string[] = [];
	constructor(readonly url: string) {
		FakeSocket.last = this;
	}
	send(frame: string | ArrayBuffer): void {
		if (typeof frame !== "string") this.records.push(new TextDecoder().decode(frame));
	}
	close(): void {}
	say(message: object): void {
		this.onmessage({ data: JSON.stringify(message) });
	}
	get snapshots(): number {
		return this.records.filter((record) => record.includes('"type":2')).length;
	}
}

let page: PageShare;

beforeEach(() => {
	vi.stubGlobal("WebSocket", FakeSocket);
	document.body.innerHTML = "<h1>Lamps</h1>";
	const options: Partial<PageShareOptions> = {
		url: "wss://node.example/v1/share",
		share: "h_1",
		ticket: "ticket",
		strings: ENGLISH.sharing,
	};
	page = new PageShare(options as PageShareOptions);
	FakeSocket.last.onopen();
	FakeSocket.last.say({ t: "welcome", share: "h_1", as: "sharer", name_of_sharer: "Sam", images: true });
});
afterEach(() => {
	page.stop();
	vi.unstubAllGlobals();
});

const askForPage = () => FakeSocket.last.say({ t: "snapshot", reason: "no_snapshot" });
const sent = (count: number) => vi.waitFor(() => expect(FakeSocket.last.snapshots).toBe(count), { interval: 1 });

test("a pause before the page was sent holds it back, and it is sent when the shopper goes on", async () => {
	askForPage();
	page.isPaused = true;
	// The node wants the page anew after every pause. It may say so before this page hears that it goes on, or after.
	askForPage();
	page.isPaused = false;
	await sent(1);
});

test("a page that was sent, paused and goes on is sent when the node asks for it again", async () => {
	askForPage();
	await sent(1);
	page.isPaused = true;
	page.isPaused = false;
	askForPage();
	await sent(2);
});

test("a page that was sent goes on after a pause that the node has taken back before it was heard of", async () => {
	askForPage();
	await sent(1);
	page.isPaused = true;
	page.isPaused = false;
	await sent(2);
});

test("a paused page is not sent, whatever the node asks for", async () => {
	page.isPaused = true;
	askForPage();
	await new Promise((done) => setTimeout(done, 50));
	expect(FakeSocket.last.records).toEqual([]);
});
