/** Calls listeners by event name. `Events` maps each name to what its listeners get. */
export class Emitter<Events extends object> {
	readonly #listeners = new Map<keyof Events, Set<(event: never) => void>>();

	/** Calls `listener` on every event of that name, until the returned function is called. */
	on<Name extends keyof Events>(name: Name, listener: (event: Events[Name]) => void): () => void {
		const listeners = this.#listeners.get(name) ?? new Set();
		this.#listeners.set(name, listeners.add(listener));
		return () => listeners.delete(listener);
	}

	/** A listener that throws is reported like any uncaught error; the others still hear of the event. */
	protected emit<Name extends keyof Events>(name: Name, event: Events[Name]): void {
		for (const listener of [...(this.#listeners.get(name) ?? [])]) {
			try {
				(listener as (event: Events[Name]) => void)(event);
			} catch (thrown) {
				queueMicrotask(() => {
					throw thrown;
				});
			}
		}
	}
}
