/**
 * Takes pictures of every state of the pages, wide and phone-sized, light and dark: `npm run look -- FOLDER [FILTER]`.
 * For people who change how things look; not a test.
 */
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { chromium } from "playwright-core";
import { fakeNode, servePages } from "./fake_node.mjs";
import { recordPage } from "./record.mjs";

const [folder = "look", filter = ""] = process.argv.slice(2);
const executablePath = process.env.CHROMIUM ?? "/usr/bin/chromium";

const agent = (muted = false) => ({
	id: "p_agent",
	name: "Robin Vale",
	role: "agent",
	publications: [
		{ id: "p_agent:0", source: "microphone", muted: false },
		{ id: "p_agent:1", source: "camera", muted },
	],
});
const person = (id, name, role, { camera = true, screen = false, mic = true } = {}) => ({
	id,
	name,
	role,
	publications: [
		{ id: `${id}:0`, source: "microphone", muted: !mic },
		{ id: `${id}:1`, source: "camera", muted: !camera },
		{ id: `${id}:2`, source: "screen", muted: !screen },
	],
});
const state = (...participants) => ({ t: "state", full: true, participants, left: [], locked: false });
const bind = (...publications) => ({
	t: "bind",
	slots: publications.map((publication, index) => ({ mid: String(6 + index), publication })),
});
const ago = (room, shopper, for_s, agents = []) => ({ room, shopper, for_s, agents });
const desk = (...rooms) => ({ t: "desk", rooms });
const QUEUE = desk(
	ago("help-1", "Sam Okafor", 132),
	ago("help-2", "Ines", 41),
	ago("help-3", "", 6),
	ago("help-4", "Maud Lindqvist", 301, ["Jonah"]),
);

const ask = async (page, talk = "video") => {
	await page.getByTestId("ask").click();
	await page.getByTestId(`talk-${talk}`).check();
	await page.getByTestId("agree").click();
};
const take = (page) => page.getByTestId("take").first().click();
const settle = (page, ms = 900) => page.waitForTimeout(ms);

const share = (phase, more) => ({
	t: "share",
	share: "h_1",
	sharer: "p_shopper",
	phase,
	ticket: "ticket",
	viewers: ["p_agent"],
	...more,
});
/** Has the page shared and seen by the agent. */
async function startShare(page, node) {
	await ask(page, "chat");
	await page.getByTestId("toggle-page").waitFor();
	node.say(share("live", {}));
	await page.getByTestId("share-badge").waitFor();
	for (let tries = 0; tries < 50 && node.stream.records.length === 0; tries++) await settle(page, 100);
	process.stdout.write(`${node.stream.records.length} events, ${node.stream.assets} assets\n`);
}
async function giveControl(page, node, rung) {
	node.say({
		t: "control",
		share: "h_1",
		viewer: "p_agent",
		phase: "granted",
		rung,
		ends_in_ms: 300_000,
	});
	await page.getByTestId("control-revoke").waitFor();
}
/** The number of the first element of that tag in the last snapshot. */
function idOf(node, tag) {
	const find = (one) => (one.tagName === tag ? one : (one.childNodes ?? []).map(find).find(Boolean));
	return find(node.stream.records.findLast(({ type }) => type === 2).data.node)?.id;
}
function act(node, seq, id, tag, what, guard) {
	const text = new TextEncoder().encode(`${tag}\n\n\n\n`);
	const fingerprint = text.reduce((hash, byte) => Math.imul(hash ^ byte, 0x01000193), 0x811c9dc5) >>> 0;
	const verb = { seq, epoch: 1, node: id, fingerprint, act: what };
	node.stream.say({ t: "act", viewer: "p_agent", name: "Robin Vale", verb, guard });
}

/** Each: the page, what the node says, and what a person does. */
const seen = (phase, more = {}) => ({ t: "share", share: "s_1", sharer: "p_1", phase, viewers: ["p_agent"], ...more });
const change = (source, data) => ({ type: 3, data: { source, ...data }, timestamp: 1 });
/** A call of a shopper whose page is shared, or will be. */
const shared = (name, act) => ({
	[`console-share-${name}`]: {
		path: "/console/",
		script: {
			greeted: [QUEUE],
			joined: [state(person("p_1", "Sam Okafor", "shopper")), bind("p_1:1")],
		},
		act: async (page, node) => {
			await take(page);
			await page.getByTestId("call").waitFor();
			await act(page, node);
			await settle(page, 1500);
		},
	},
});
/** Shares a page of the demo shop. */
const goLive = async (page, node, path) => {
	const shop = await page.context().newPage();
	await shop.setViewportSize({ width: 1180, height: 740 });
	await shop.goto(new URL(path, page.url()).href);
	node.share.events = (await shop.evaluate(recordPage)).events;
	await shop.close();
	node.say(seen("live", { ticket: "ticket" }));
	await page.getByTestId("page-address").waitFor();
	await settle(page);
};
const grant = async (page, node, rung) => {
	node.say({ t: "control", share: "s_1", viewer: "p_agent", phase: "granted", rung, ends_in_ms: 290_000 });
	await page.getByTestId("control-granted").waitFor();
};

const LOOKS = {
	"shop-home": { path: "/demo/" },
	"shop-category": { path: "/demo/table.html" },
	"shop-product": { path: "/demo/products/stovetop-pot.html" },
	"shop-search": { path: "/demo/search.html?q=oak" },
	"shop-cart": { path: "/demo/cart.html", cart: true },
	"shop-checkout": {
		path: "/demo/checkout.html",
		cart: true,
		act: (page) => page.getByRole("button", { name: /Place order/ }).click(),
	},
	"widget-consent": { path: "/demo/", act: (page) => page.getByTestId("ask").click() },
	"widget-waiting": {
		path: "/demo/",
		script: { joined: [{ t: "waiting", position: 2 }] },
		act: async (page) => {
			await ask(page);
			await page.getByTestId("position").waitFor();
		},
	},
	"widget-call": {
		path: "/demo/products/copper-kettle.html",
		script: { joined: [state(agent()), bind("p_agent:1")] },
		act: async (page, node) => {
			await ask(page);
			await page.getByTestId("remote-video").waitFor();
			await settle(page, 2500);
			node.say({ t: "speakers", participants: ["p_agent"] });
		},
	},
	"widget-chat": {
		path: "/demo/products/copper-kettle.html",
		script: { joined: [state(agent(true))] },
		act: async (page, node) => {
			await ask(page, "chat");
			await page.getByTestId("toggle-chat").click();
			await page.getByTestId("chat-input").fill("Does the kettle work on induction?");
			await page.getByTestId("chat-send").click();
			node.say({
				t: "chat",
				from: "p_agent",
				text: "It does. The base has a steel core, so every hob is fine.",
				private: false,
			});
		},
	},
	"widget-small": {
		path: "/demo/",
		script: { joined: [state(agent()), bind("p_agent:1")] },
		act: async (page) => {
			await ask(page);
			await page.getByTestId("minimise").click();
		},
	},
	"widget-screen": {
		path: "/demo/",
		script: {
			joined: [
				state(person("p_agent", "Robin Vale", "agent", { screen: true }), person("p_sup", "Ada", "supervisor")),
				bind("p_agent:2", "p_agent:1", "p_sup:1"),
			],
		},
		act: async (page) => {
			await ask(page);
			await settle(page, 2500);
		},
	},
	"share-ask": {
		path: "/demo/products/copper-kettle.html",
		script: { joined: [state(agent()), bind("p_agent:1")] },
		act: async (page, node) => {
			await ask(page, "chat");
			await page.getByTestId("toggle-page").waitFor();
			node.say(share("requested", { by: "p_agent", viewers: [] }));
		},
	},
	"share-badge": {
		path: "/demo/products/copper-kettle.html",
		script: { joined: [state(agent()), bind("p_agent:1")] },
		act: startShare,
	},
	"share-paused": {
		path: "/demo/products/copper-kettle.html",
		script: { joined: [state(agent()), bind("p_agent:1")] },
		act: async (page, node) => {
			await startShare(page, node);
			node.say(share("paused", { why: "shopper", viewers: [] }));
		},
	},
	"control-ask": {
		path: "/demo/products/copper-kettle.html",
		script: { joined: [state(agent()), bind("p_agent:1")] },
		act: async (page, node) => {
			await startShare(page, node);
			node.say({ t: "control", share: "h_1", viewer: "p_agent", phase: "requested", rung: "type" });
		},
	},
	"control-given": {
		path: "/demo/products/copper-kettle.html",
		script: { joined: [state(agent()), bind("p_agent:1")] },
		act: async (page, node) => {
			await startShare(page, node);
			await giveControl(page, node, "navigate");
			act(node, 1, idOf(node, "h1"), "h1", { highlight: {} });
			act(node, 2, idOf(node, "h1"), "h1", { point: { x: 0.4, y: 0.9 } });
			act(node, 3, idOf(node, "img"), "img", {
				draw: {
					points: [
						[0.2, 0.3],
						[0.4, 0.25],
						[0.6, 0.4],
						[0.5, 0.7],
						[0.25, 0.65],
						[0.2, 0.3],
					],
				},
			});
			await settle(page, 300);
		},
	},
	"control-confirm": {
		path: "/demo/cart.html",
		cart: true,
		script: { joined: [state(agent()), bind("p_agent:1")] },
		act: async (page, node) => {
			await startShare(page, node);
			await giveControl(page, node, "navigate");
			act(node, 1, idOf(node, "h1"), "h1", { click: { x: 0.5, y: 0.5 } }, "commits");
			await page.getByTestId("confirm-act").waitFor();
		},
	},
	"widget-ended": {
		path: "/demo/",
		script: { joined: [state(agent()), bind("p_agent:1")] },
		act: async (page) => {
			await ask(page);
			await page.getByTestId("hang-up").click();
		},
	},
	"widget-problem": { path: "/demo/", denied: true, act: (page) => ask(page) },
	"console-loading": { path: "/console/" },
	"console-empty": { path: "/console/", script: { greeted: [desk()] } },
	"console-queue": { path: "/console/", script: { greeted: [QUEUE] } },
	"console-call": {
		path: "/console/",
		script: {
			greeted: [QUEUE],
			joined: [
				state(person("p_1", "Sam Okafor", "shopper")),
				bind("p_1:1"),
				{ t: "quality", participant: "p_1", score: 4, cause: "none" },
				{ t: "speakers", participants: ["p_1"] },
			],
		},
		act: async (page) => {
			await take(page);
			await settle(page, 2500);
		},
	},
	"console-four": {
		path: "/console/",
		script: {
			greeted: [QUEUE],
			joined: [
				state(
					person("p_1", "Sam Okafor", "shopper"),
					person("p_2", "Ada", "supervisor"),
					person("p_3", "Jonah Reyes", "agent", { camera: false, mic: false }),
				),
				bind("p_1:1", "p_2:1"),
			],
		},
		act: async (page) => {
			await take(page);
			await page.getByTestId("toggle-people").click();
			await settle(page, 2500);
		},
	},
	"console-screen": {
		path: "/console/",
		script: {
			greeted: [QUEUE],
			joined: [state(person("p_1", "Sam Okafor", "shopper", { screen: true })), bind("p_1:2", "p_1:1")],
		},
		act: async (page) => {
			await take(page);
			await page.getByTestId("toggle-connection").click();
			await settle(page, 3000);
		},
	},
	...shared("asked", async (page, node) => node.say(seen("requested", { by: "p_agent" }))),
	...shared("paused", async (page, node) => node.say(seen("paused", { why: "page" }))),
	...shared("offer", async () => {}),
	...shared("page", async (page, node) => {
		await goLive(page, node, "/demo/products/copper-kettle.html");
		await node.share.play(change(1, { positions: [{ x: 640, y: 420, id: 1, timeOffset: 0 }] }));
	}),
	...shared("checkout", async (page, node) => {
		await goLive(page, node, "/demo/checkout.html");
		await grant(page, node, "click");
		node.share.play(
			change(3, { id: 1, x: 0, y: 560 }),
			change(1, { positions: [{ x: 640, y: 320, id: 1, timeOffset: 0 }] }),
			change(2, { type: 2, id: 1, x: 640, y: 320 }),
		);
		await settle(page, 300);
		const box = await page.getByTestId("page-overlay").boundingBox();
		await page.mouse.click(box.x + box.width * 0.2, box.y + box.height * 0.62);
	}),
	...shared("ladder", async (page, node) => {
		await goLive(page, node, "/demo/products/copper-kettle.html");
		await page.getByTestId("ask-control").click();
	}),
	...shared("draw", async (page, node) => {
		await goLive(page, node, "/demo/products/copper-kettle.html");
		await grant(page, node, "point");
		await page.getByTestId("tool-draw").click();
		const box = await page.getByTestId("page-overlay").boundingBox();
		await page.mouse.move(box.x + box.width * 0.5, box.y + box.height * 0.4);
		await page.mouse.down();
		for (let step = 0; step < 30; step++)
			await page.mouse.move(
				box.x + box.width * (0.5 + 0.15 * Math.sin(step / 4.5)),
				box.y + box.height * (0.5 - 0.1 * Math.cos(step / 4.5)),
			);
		await page.mouse.up();
	}),
	"console-chat": {
		path: "/console/",
		script: { greeted: [QUEUE], joined: [state(person("p_1", "Sam Okafor", "shopper", { camera: false }))] },
		act: async (page, node) => {
			await take(page);
			await page.getByTestId("toggle-chat").click();
			node.say({ t: "chat", from: "p_1", text: "Is the copper one heavier than the steel one?", private: false });
			await page.getByTestId("chat-input").fill("No, they weigh the same: 920 g.");
			await page.getByTestId("chat-send").click();
		},
	},
	"console-devices": {
		path: "/console/",
		script: { greeted: [QUEUE] },
		act: (page) => page.getByTestId("open-devices").click(),
	},
	"console-keys": {
		path: "/console/",
		script: { greeted: [QUEUE] },
		act: async (page) => {
			await page.getByTestId("idle").waitFor();
			await page.keyboard.press("?");
		},
	},
	"console-ended": {
		path: "/console/",
		script: { greeted: [QUEUE], joined: [state(person("p_1", "Sam Okafor", "shopper"))] },
		act: async (page) => {
			await take(page);
			await page.getByTestId("hang-up").click();
		},
	},
};

const SIZES = {
	wide: { width: 1280, height: 800 },
	phone: { width: 390, height: 844 },
};

await mkdir(folder, { recursive: true });
const { address, stop } = await servePages();
const browser = await chromium.launch({
	executablePath,
	args: ["--no-sandbox", "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"],
});
for (const [name, look] of Object.entries(LOOKS)) {
	for (const [size, viewport] of Object.entries(SIZES)) {
		for (const colorScheme of name.startsWith("shop") ? ["light"] : ["light", "dark"]) {
			const title = `${name}-${size}-${colorScheme}`;
			if (!title.includes(filter)) continue;
			const context = await browser.newContext({ viewport, colorScheme });
			const page = await context.newPage();
			page.on(
				"console",
				(message) => message.type() === "error" && process.stdout.write(`${title}: ${message.text()}\n`),
			);
			page.on("pageerror", (error) => process.stdout.write(`${title}: ${error}\n`));
			if (look.denied)
				await page.addInitScript(
					() =>
						(navigator.mediaDevices.getUserMedia = async () => Promise.reject(new DOMException("", "NotAllowedError"))),
				);
			if (look.cart)
				await page.addInitScript(() =>
					localStorage.setItem(
						"harrow-finch-cart",
						JSON.stringify([
							{ slug: "stovetop-pot", choice: "6 cups", quantity: 1 },
							{ slug: "morning-cup", choice: "Sea", quantity: 2 },
						]),
					),
				);
			const node = await fakeNode(page, look.script ?? {});
			await page.goto(address + look.path);
			try {
				await look.act?.(page, node);
			} catch (error) {
				process.stdout.write(`${title}: ${error.message.split("\n")[0]}\n`);
			}
			await settle(page);
			await page.screenshot({ path: join(folder, `${title}.png`) });
			await context.close();
		}
	}
}
await browser.close();
stop();
