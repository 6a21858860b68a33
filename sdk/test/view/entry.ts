/** The view without a console around it, for tests in real browsers: what a page is fed to, and what it makes of it. */
import { Assets } from "../../src/view/assets";
import { Replay } from "../../src/view/replay";
import { aimAt } from "../../src/view/target";

const assets = new Assets();
const replay = new Replay(document.body, assets);
const wanted: string[] = [];
assets.on("wanted", (name) => wanted.push(name));

const view = {
	assets,
	replay,
	wanted,
	broken: 0,
	aimAt: (x: number, y: number) => aimAt(replay, { x, y }),
	/** Plays messages, each a JSON array of events, and waits until they are on screen. */
	play: async (...messages: string[]): Promise<void> => {
		for (const message of messages) {
			replay.handleMessage(message);
			await replay.settled();
		}
	},
};
replay.on("broken", () => view.broken++);
declare global {
	interface Window {
		view: typeof view;
	}
}
window.view = view;
