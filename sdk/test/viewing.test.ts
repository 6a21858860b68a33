import { expect, test } from "vitest";
import { Viewing } from "../src/client/viewing";
import type { ShareState } from "../src/protocol";

const share = (more: Partial<ShareState>): ShareState => ({
	share: "h_1",
	sharer: "p_1",
	phase: "live",
	viewers: [],
	...more,
});

test("keeps a ticket that is told once, until the share ends", () => {
	const viewing = new Viewing(() => true);
	viewing.handleShare(share({ ticket: "t" }));
	viewing.handleShare(share({ phase: "paused", why: "hidden" }));
	viewing.handleShare(share({}));
	expect(viewing.current?.ticket).toBe("t");
	viewing.handleShare(share({ phase: "ended", why: "shopper" }));
	expect(viewing.current?.ticket).toBeUndefined();
});

test("a share that is there comes before one that ended, whoever shares it", () => {
	const viewing = new Viewing(() => true);
	expect(viewing.current).toBeUndefined();
	viewing.handleShare(share({}));
	viewing.handleShare(share({ sharer: "p_2" }));
	expect(viewing.current?.sharer).toBe("p_2");
	viewing.handleShare(share({ share: "h_2", sharer: "p_3", phase: "ended", why: "declined" }));
	expect(viewing.current?.share).toBe("h_1");
});

test("a new share of a shopper takes the place of the old one, and of control over it", () => {
	const viewing = new Viewing(() => true);
	viewing.handleShare(share({}));
	viewing.handleControl({ share: "h_1", viewer: "p_a", phase: "granted", rung: "click", ends_in_ms: 1_000 });
	viewing.handleShare(share({ share: "h_2", phase: "requested" }));
	expect([...viewing.shares.keys()]).toEqual(["h_2"]);
	expect(viewing.controlOf("h_1")).toBeUndefined();
});

test("control that ends or is denied is gone, and told", () => {
	const viewing = new Viewing(() => true);
	const heard: string[] = [];
	viewing.on("control", ({ phase }) => heard.push(phase));
	for (const phase of ["requested", "denied", "requested", "granted", "ended"] as const) {
		viewing.handleControl({ share: "h_1", viewer: "p_a", phase, rung: "type" });
		expect(viewing.controlOf("h_1") !== undefined).toBe(phase === "requested" || phase === "granted");
	}
	expect(heard).toEqual(["requested", "denied", "requested", "granted", "ended"]);
});

test("says what an agent asks", () => {
	const said: object[] = [];
	const viewing = new Viewing((message) => said.push(message) > 0);
	viewing.ask("p_1");
	viewing.withdraw("h_1");
	viewing.askForControl("h_1", "navigate");
	viewing.release("h_1");
	expect(said).toEqual([
		{ t: "share", action: "request", sharer: "p_1" },
		{ t: "share", action: "withdraw", share: "h_1" },
		{ t: "control", action: "request", share: "h_1", rung: "navigate" },
		{ t: "control", action: "release", share: "h_1" },
	]);
});
