import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { openFrame, openStage, STAGE_URL } from "../src/view/frames";

/** A frame that loads what it is given when the test says so. */
class FakeFrame extends EventTarget {
	isConnected = false;
	contentDocument: { URL: string } | null = null;
	readonly asked: string[] = [];
	setAttribute(name: string, value: string): void {
		this.asked.push(`${name}=${value}`);
	}
	loads(url: string | undefined): void {
		this.isConnected = true;
		this.contentDocument = url === undefined ? null : { URL: url };
		this.dispatchEvent(new Event("load"));
	}
}

const STAGE = `https://node.example${STAGE_URL}`;
const MINUTE = 60_000;

beforeEach(() => {
	vi.useFakeTimers();
	vi.stubGlobal("document", { baseURI: "https://node.example/console/" });
});
afterEach(() => {
	vi.useRealTimers();
	vi.unstubAllGlobals();
});

/** Opens a frame, and tells what has come of it so far. */
function open(opening: (frame: HTMLIFrameElement) => Promise<Document | undefined>) {
	const frame = new FakeFrame();
	const settled = vi.fn();
	void opening(frame as unknown as HTMLIFrameElement).then(settled);
	return { frame, settled };
}

test("a stage is waited for, however long a busy machine takes", async () => {
	const { frame, settled } = open((frame) => openStage(frame, () => false));
	await vi.advanceTimersByTimeAsync(MINUTE);
	frame.loads("about:blank");
	await vi.advanceTimersByTimeAsync(MINUTE);
	expect(settled).not.toHaveBeenCalled();
	frame.loads(STAGE);
	await vi.advanceTimersByTimeAsync(0);
	expect(settled).toHaveBeenCalledExactlyOnceWith({ URL: STAGE });
	expect(frame.asked).toEqual([`src=${STAGE_URL}`]);
});

test("a stage that the network failed is asked for again", async () => {
	const { frame, settled } = open((frame) => openStage(frame, () => false));
	frame.loads(undefined);
	await vi.advanceTimersByTimeAsync(2_000);
	expect(frame.asked).toHaveLength(2);
	frame.loads(STAGE);
	await vi.advanceTimersByTimeAsync(0);
	expect(settled).toHaveBeenCalledExactlyOnceWith({ URL: STAGE });
});

test("a view that ended waits no longer", async () => {
	let ended = false;
	const { frame, settled } = open((frame) => openStage(frame, () => ended));
	ended = true;
	await vi.advanceTimersByTimeAsync(2_000);
	expect(settled).toHaveBeenCalledExactlyOnceWith(undefined);
	await vi.advanceTimersByTimeAsync(MINUTE);
	expect(frame.asked).toHaveLength(1);
});

test("a frame that left its page gives nothing", async () => {
	const { frame, settled } = open((frame) => openFrame(frame, true));
	frame.loads("about:blank");
	await vi.advanceTimersByTimeAsync(MINUTE);
	expect(settled).not.toHaveBeenCalled();
	frame.isConnected = false;
	await vi.advanceTimersByTimeAsync(2_000);
	expect(settled).toHaveBeenCalledExactlyOnceWith(undefined);
});
