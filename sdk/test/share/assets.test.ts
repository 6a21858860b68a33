import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { sniff } from "../../src/share/asset_file";
import { Assets, type AssetTarget } from "../../src/share/assets";

const PNG = new Uint8Array([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 1, 2, 3]);

let fetched: { address: string; options: RequestInit }[];
beforeEach(() => {
	sessionStorage.clear();
	fetched = [];
	vi.stubGlobal("fetch", async (address: string, options: RequestInit) => {
		fetched.push({ address, options });
		if (address.includes("missing")) return new Response("", { status: 404 });
		return new Response(address.includes("text") ? "hello" : PNG);
	});
});
afterEach(() => vi.unstubAllGlobals());

function assets(share = "h_1") {
	const target = { takesAssets: vi.fn(() => true), send: vi.fn(), failed: vi.fn() } satisfies AssetTarget;
	const made = new Assets(share, target);
	made.open(true);
	return { made, target };
}

describe("assets", () => {
	test("an address has one random name, and its file goes once", async () => {
		const { made, target } = assets();
		const name = made.rename("/a.png?user=kasimir", "https://shop.example/x/");
		expect(name).toMatch(/^asset:[0-9a-f]{64}$/);
		expect(made.rename("https://shop.example/a.png?user=kasimir#part")).toBe(name);
		expect(made.rename("/b.png")).not.toBe(name);
		await vi.waitFor(() => expect(target.send).toHaveBeenCalledTimes(2));
		const [bytes, file] = target.send.mock.calls[0] as unknown as [Uint8Array, Uint8Array];
		expect([...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("")).toBe(name.slice(6));
		expect(file).toEqual(PNG);
		made.rename("/b.png");
		expect(fetched).toHaveLength(2);
	});

	test("another server's file is asked for without the shopper's cookies", async () => {
		const { made, target } = assets();
		made.rename("https://cdn.example/a.png");
		await vi.waitFor(() => expect(target.send).toHaveBeenCalled());
		expect(fetched[0]?.options).toMatchObject({ credentials: "omit", mode: "cors", cache: "force-cache" });
	});

	test.each(["", "javascript:alert(1)", "file:///etc/passwd", "http://["])("“%s” gets no name", (address) => {
		expect(assets().made.rename(address)).toBe("");
	});

	test("what cannot be had, or is no picture, is told, and not asked for again", async () => {
		const { made, target } = assets();
		made.rename("https://shop.example/text.png");
		await vi.waitFor(() => expect(target.failed).toHaveBeenCalledWith("https://shop.example/text.png"));
		expect(made.rename("https://shop.example/text.png")).toBe("");
		expect(target.send).not.toHaveBeenCalled();
	});

	test("a picture inside its address is read without a request", async () => {
		const { made, target } = assets();
		made.rename(`data:image/png;base64,${btoa(String.fromCharCode(...PNG))}`);
		await vi.waitFor(() => expect(target.send).toHaveBeenCalled());
		expect(fetched).toEqual([]);
	});

	test("files wait for a socket that has room", async () => {
		const { made, target } = assets();
		target.takesAssets.mockReturnValue(false);
		made.rename("/a.png");
		await vi.waitFor(() => expect(fetched.length).toBeGreaterThan(0));
		expect(target.send).not.toHaveBeenCalled();
		target.takesAssets.mockReturnValue(true);
		await vi.waitFor(() => expect(target.send).toHaveBeenCalledOnce());
	});

	test("the next page of the same share uses the same names, another share does not", async () => {
		const { made, target } = assets();
		const name = made.rename("/a.png");
		await vi.waitFor(() => expect(target.send).toHaveBeenCalled());
		made.keep();
		made.stop();
		const next = assets();
		expect(next.made.rename("/a.png")).toBe(name);
		expect(assets("h_2").made.rename("/a.png")).not.toBe(name);
		await new Promise((resolve) => setTimeout(resolve, 20));
		expect(next.target.send).not.toHaveBeenCalled();
	});
});

test.each([
	["image", [...PNG]],
	["image", [0xff, 0xd8, 0xff, 0xe0]],
	["image", [..."GIF89a"].map((letter) => letter.charCodeAt(0))],
	["image", [..."RIFFxxxxWEBP"].map((letter) => letter.charCodeAt(0))],
	["image", [0, 0, 0, 0x1c, ..."ftypavif"].map((part) => (typeof part === "string" ? part.charCodeAt(0) : part))],
	["font", [..."wOF2"].map((letter) => letter.charCodeAt(0))],
	["svg", [...'<?xml version="1.0"?>\n<svg xmlns="x">'].map((letter) => letter.charCodeAt(0))],
	[undefined, [..."<html><svg>"].map((letter) => letter.charCodeAt(0))],
	[undefined, []],
])("content says %s", (kind, bytes) => {
	expect(sniff(new Uint8Array(bytes))).toBe(kind);
});
