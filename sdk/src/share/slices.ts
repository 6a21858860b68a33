/** Long work in short tasks, so that the shopper's page stays quick. */

/** How long one task may take, in milliseconds; a frame of the page has room for it (long tasks begin at 50). */
const SLICE_MS = 8;
/** Steps between two looks at the clock. */
const STEPS_PER_LOOK = 16;

/** Runs `step` until it gives false, in slices; gives false when `isOver` says that nobody waits any more. */
export async function inSlices(step: () => boolean, isOver: () => boolean): Promise<boolean> {
	for (;;) {
		const end = performance.now() + SLICE_MS;
		do {
			for (let count = 0; count < STEPS_PER_LOOK; count++) if (!step()) return true;
		} while (performance.now() < end);
		await nextTask();
		if (isOver()) return false;
	}
}

/** Many short works in a row, each of which would fit into a slice alone. */
export class Turns {
	#end = performance.now() + SLICE_MS;

	/** Lets the browser work if this slice is over; gives false when `isOver` says that nobody waits any more. */
	async next(isOver: () => boolean): Promise<boolean> {
		if (performance.now() < this.#end) return true;
		await nextTask();
		this.#end = performance.now() + SLICE_MS;
		return !isOver();
	}
}

/** Resolves in a task of its own, after what the browser has to do first. */
export function nextTask(): Promise<void> {
	const { scheduler } = globalThis as { scheduler?: { yield?: () => Promise<void> } };
	if (scheduler?.yield !== undefined) return scheduler.yield();
	return new Promise((resolve) => {
		const { port1, port2 } = new MessageChannel();
		port1.onmessage = () => {
			port1.close();
			resolve();
		};
		port2.postMessage(undefined);
	});
}
