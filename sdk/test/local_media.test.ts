import { afterEach, expect, test, vi } from "vitest";
import { LocalMedia } from "../src/client/local_media";
import { FakeStream, type FakeTrack, installDevices, settle } from "./fakes";

afterEach(() => vi.unstubAllGlobals());

test("a muted microphone keeps its device, so that unmuting asks for nothing", async () => {
	const { opened, getUserMedia } = installDevices();
	const media = new LocalMedia();
	await media.set("microphone", true);
	await media.set("microphone", false);
	expect(opened[0]).toMatchObject({ enabled: false, readyState: "live" });
	expect(media.of("microphone")).toMatchObject({ on: false, track: opened[0] });
	await media.set("microphone", true);
	expect(opened[0]?.enabled).toBe(true);
	expect(getUserMedia).toHaveBeenCalledTimes(1);
});

test("a camera that is off is released, so that its light goes out", async () => {
	const { opened } = installDevices();
	const media = new LocalMedia();
	await media.set("camera", true);
	await media.set("camera", false);
	expect(opened[0]?.readyState).toBe("ended");
	expect(media.of("camera").track).toBeUndefined();
	await media.set("camera", true);
	expect(opened.length).toBe(2);
});

test("two quick clicks open a device once", async () => {
	const { getUserMedia } = installDevices();
	const media = new LocalMedia();
	await Promise.all([media.set("camera", true), media.set("camera", true)]);
	expect(getUserMedia).toHaveBeenCalledTimes(1);
});

test("microphone and camera are asked for together", async () => {
	const { getUserMedia } = installDevices();
	const media = new LocalMedia();
	await media.startBoth();
	expect(getUserMedia).toHaveBeenCalledTimes(1);
	expect([media.of("microphone").on, media.of("camera").on]).toEqual([true, true]);
});

test("without a camera the microphone still opens, and the camera says why not", async () => {
	installDevices((kinds) => (kinds.includes("video") ? "NotFoundError" : undefined));
	const media = new LocalMedia();
	await expect(media.startBoth()).rejects.toMatchObject({ code: "no_device" });
	expect([media.of("microphone").on, media.of("camera").on]).toEqual([true, false]);
});

test.each([
	["NotAllowedError", "permission_denied"],
	["NotFoundError", "no_device"],
	["OverconstrainedError", "no_device"],
	["NotReadableError", "device_in_use"],
	["AbortError", "device_in_use"],
	["SecurityError", "permission_denied"],
	["TypeError", "device_failed"],
])("%s is told as %s, with a way out", async (name, code) => {
	installDevices(() => name);
	await expect(new LocalMedia().set("camera", true)).rejects.toMatchObject({
		code,
		message: expect.stringMatching(/\./),
	});
});

test("a page without https is told so", async () => {
	Object.defineProperty(navigator, "mediaDevices", { configurable: true, value: undefined });
	await expect(new LocalMedia().set("camera", true)).rejects.toMatchObject({ code: "insecure_context" });
});

test("after a failure the device can be tried again", async () => {
	let isBusy = true;
	installDevices(() => (isBusy ? "NotReadableError" : undefined));
	const media = new LocalMedia();
	await expect(media.set("camera", true)).rejects.toThrow();
	isBusy = false;
	await media.set("camera", true);
	expect(media.of("camera").on).toBe(true);
});

const end = (track: FakeTrack | undefined) => track?.dispatchEvent(new Event("ended"));

test("the browser's own button ends a shared screen", async () => {
	const { opened } = installDevices();
	const media = new LocalMedia();
	await media.set("screen", true);
	expect(opened[0]?.contentHint).toBe("detail");
	end(opened[0]);
	await settle();
	expect(media.of("screen")).toMatchObject({ on: false, track: undefined });
});

test("an unplugged microphone is replaced by another", async () => {
	const { opened } = installDevices();
	const media = new LocalMedia();
	await media.set("microphone", true);
	end(opened[0]);
	await settle();
	expect(media.of("microphone")).toMatchObject({ on: true, track: opened[1] });
});

test("an unplugged camera without another one is reported", async () => {
	let isThere = true;
	const { opened } = installDevices(() => (isThere ? undefined : "NotFoundError"));
	const media = new LocalMedia();
	const failures: string[] = [];
	media.on("failed", ({ code }) => failures.push(code));
	await media.set("camera", true);
	isThere = false;
	end(opened[0]);
	await settle();
	expect(failures).toEqual(["no_device"]);
	expect(media.of("camera").on).toBe(false);
});

test("another device takes over without a pause in what is on", async () => {
	vi.stubGlobal("MediaStream", FakeStream);
	const { opened, getUserMedia } = installDevices();
	const media = new LocalMedia();
	await media.set("microphone", true);
	await media.set("microphone", false);
	await media.use("microphone", "headset");
	expect(getUserMedia.mock.calls[1]?.[0].audio).toMatchObject({ deviceId: { ideal: "headset" } });
	expect(opened[0]?.readyState).toBe("ended");
	expect(media.of("microphone")).toMatchObject({ on: false, track: opened[1] });
	expect(opened[1]?.enabled, "a muted person stays muted").toBe(false);
});

test("a device for later is only remembered", async () => {
	const { getUserMedia } = installDevices();
	const media = new LocalMedia();
	await media.use("camera", "desk");
	expect(getUserMedia).not.toHaveBeenCalled();
	await media.set("camera", true);
	expect(getUserMedia.mock.calls[0]?.[0].video).toMatchObject({ deviceId: { ideal: "desk" } });
});

test("a moderator's mute is told apart and can be undone", async () => {
	installDevices();
	const media = new LocalMedia();
	await media.set("microphone", true);
	media.muteByModerator("microphone");
	await settle();
	expect(media.of("microphone")).toMatchObject({ on: false, mutedByModerator: true });
	await media.set("microphone", true);
	expect(media.of("microphone")).toMatchObject({ on: true, mutedByModerator: false });
});

test("a device that opens after the end is closed at once", async () => {
	const { opened } = installDevices();
	const media = new LocalMedia();
	const opening = media.startBoth();
	media.stop();
	await opening;
	expect(opened.map(({ readyState }) => readyState)).toEqual(["ended", "ended"]);
	expect(media.of("camera")).toMatchObject({ on: false, track: undefined });
});
