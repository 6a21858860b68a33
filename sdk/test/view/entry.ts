/** The view without a console around it, for tests in real browsers: what a page is fed to, and what it makes of it. */
import { Assets } from "../../src/view/assets";
import { Replay } from "../../src/view/replay";

const assets = new Assets();
const replay = new Replay(document.body, assets);

const view = {
	assets,
	replay,
	broken: 0,
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
