import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Slot } from "../src/client/transport";
import { Viewport } from "../src/client/viewport";
import type { SlotView } from "../src/protocol";
import { FakeStream, FakeTrack } from "./fakes";

let intersect: (entries: Partial<IntersectionObserverEntry>[]) => void;

beforeEach(() => {
	vi.useFakeTimers();
	vi.stubGlobal("MediaStream", FakeStream);
	vi.stubGlobal("devicePixelRatio", 2);
	const observer = { observe() {}, unobserve() {}, disconnect() {} };
	vi.stubGlobal("ResizeObserver", function ResizeObserver() {
		return observer;
	});
	vi.stubGlobal("IntersectionObserver", function IntersectionObserver(callback: typeof intersect) {
		intersect = callback;
		return observer;
	});
});

afterEach(() => {
	vi.useRealTimers();
	vi.unstubAllGlobals();
});

const slots = ["3", "4", "5"].map(
	(mid) => ({ mid, kind: "video", track: new FakeTrack("video", mid) }) as unknown as Slot,
);

function video(clientHeight: number): HTMLVideoElement {
	const made = document.createElement("video");
	Object.defineProperty(made, "clientHeight", { value: clientHeight });
	let source: MediaProvider | null = null;
	Object.defineProperty(made, "srcObject", { get: () => source, set: (next) => (source = next) });
	return made;
}

function start() {
	const said: SlotView[][] = [];
	const viewport = new Viewport((wishes) => said.push(wishes));
	viewport.handleSlots(slots);
	return { viewport, said };
}

const shown = (element: HTMLVideoElement) => (element.srcObject as unknown as FakeStream | null)?.tracks[0]?.id;

test("asks for as many lines as the screen has, once things have settled", () => {
	const { viewport, said } = start();
	viewport.watch("a:1", video(180), 0);
	viewport.watch("b:1", video(90), 1);
	vi.advanceTimersByTime(100);
	expect(said).toEqual([
		[
			{ mid: "3", publication: "a:1", height: 360, priority: 0 },
			{ mid: "4", publication: "b:1", height: 180, priority: 1 },
		],
	]);
});

test("an element shows a publication only where the node says that it plays", () => {
	const { viewport } = start();
	const element = video(100);
	viewport.watch("a:1", element, 0);
	expect(shown(element)).toBeUndefined();
	viewport.handleBind([{ mid: "5", publication: "a:1" }]);
	expect(shown(element)).toBe("5");
	viewport.handleBind([{ mid: "5", publication: "b:1" }]);
	expect(shown(element)).toBeUndefined();
});

test("a publication keeps the slot that it plays in", () => {
	const { viewport } = start();
	viewport.handleBind([{ mid: "5", publication: "b:1" }]);
	viewport.watch("a:1", video(100), 0);
	viewport.watch("b:1", video(100), 1);
	expect(viewport.wishes().map(({ mid, publication }) => [mid, publication])).toEqual([
		["3", "a:1"],
		["5", "b:1"],
	]);
});

test("with more pictures than slots the important ones are asked for", () => {
	const { viewport } = start();
	for (const [publication, priority] of [
		["d", 3],
		["a", 0],
		["c", 2],
		["b", 1],
	] as const) {
		viewport.watch(publication, video(100), priority);
	}
	expect(viewport.wishes().map(({ publication }) => publication)).toEqual(["a", "b", "c"]);
});

test("what nobody can see is not sent", () => {
	const { viewport, said } = start();
	const element = video(100);
	viewport.watch("a:1", element, 0);
	intersect([{ target: element, isIntersecting: false }]);
	vi.advanceTimersByTime(100);
	expect(said.at(-1)).toMatchObject([{ publication: "a:1", height: 0 }]);
});

test("an element that is no longer watched lets go of its slot", () => {
	const { viewport, said } = start();
	const element = video(100);
	const unwatch = viewport.watch("a:1", element, 0);
	viewport.handleBind([{ mid: "3", publication: "a:1" }]);
	unwatch();
	expect(shown(element)).toBeUndefined();
	vi.advanceTimersByTime(100);
	expect(said.at(-1)).toEqual([]);
});
