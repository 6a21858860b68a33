/**
 * The own microphone, camera and screen.
 *
 * Owns the captured tracks and whether each is on. They outlive a Transport, so that a call that has to be set up anew
 * goes on without asking for permission again. Knows nothing of who sends them.
 */
import type { Source } from "../protocol";
import { openBoth, openTrack } from "./devices";
import { Emitter } from "./emitter";
import { TillsideError } from "./error";

export interface LocalTrack {
	readonly source: Source;
	/** Whether others can hear or see it. */
	readonly on: boolean;
	/** What is captured. A muted microphone keeps its track; a camera or screen that is off has none. */
	readonly track: MediaStreamTrack | undefined;
	/** Whether a moderator switched it off. Its owner may switch it on again. */
	readonly mutedByModerator: boolean;
}

export interface LocalMediaEvents {
	changed: LocalTrack;
	/** A device went away and none could replace it. */
	failed: TillsideError;
}

export class LocalMedia extends Emitter<LocalMediaEvents> {
	readonly #tracks = new Map<Source, LocalTrack>();
	readonly #deviceIds = new Map<Source, string>();
	#isStopped = false;
	readonly #pending = new Map<Source, Promise<void>>();

	/** How a source is now. */
	of(source: Source): LocalTrack {
		return this.#tracks.get(source) ?? { source, on: false, track: undefined, mutedByModerator: false };
	}

	/**
	 * Switches a source on or off. Switching on opens the device where needed, which asks for permission.
	 *
	 * @throws TillsideError when the device does not open; the source is off then
	 */
	set(source: Source, on: boolean): Promise<void> {
		return this.#inTurn(source, () => (on ? this.#switchOn(source) : this.#switchOff(source, false)));
	}

	/**
	 * Switches microphone and camera on with one question to the person.
	 *
	 * @throws TillsideError when one of them does not open; the other may be on
	 */
	async startBoth(): Promise<void> {
		const opened = await openBoth();
		if (opened === undefined) {
			await this.set("microphone", true);
			return this.set("camera", true);
		}
		for (const source of ["microphone", "camera"] as const) {
			this.#watchEnd(source, opened[source]);
			this.#put({ source, on: true, track: opened[source], mutedByModerator: false });
		}
	}

	/** Takes a device from now on, at once if the source is on. */
	use(source: "microphone" | "camera", deviceId: string): Promise<void> {
		this.#deviceIds.set(source, deviceId);
		return this.#inTurn(source, async () => {
			const before = this.of(source);
			if (before.track === undefined) return;
			const track = await this.#open(source);
			track.enabled = before.on;
			before.track.stop();
			this.#put({ ...before, track });
		});
	}

	/** A moderator's mute: as if the owner had done it, but remembered. */
	muteByModerator(source: Source): void {
		void this.#inTurn(source, async () => this.#switchOff(source, true));
	}

	/** Stops every device for good, so that its light goes out; what is still opening is stopped once it is open. */
	stop(): void {
		if (this.#isStopped) return;
		for (const { source, track } of [...this.#tracks.values()]) {
			track?.stop();
			this.#put({ source, on: false, track: undefined, mutedByModerator: false });
		}
		this.#isStopped = true;
	}

	async #switchOn(source: Source): Promise<void> {
		const before = this.of(source);
		if (before.on) return;
		const track = before.track ?? (await this.#open(source));
		track.enabled = true;
		this.#put({ source, on: true, track, mutedByModerator: false });
	}

	#switchOff(source: Source, mutedByModerator: boolean): void {
		const before = this.of(source);
		if (!before.on) return;
		// A microphone stays open, or the first word after unmuting would be lost while the device starts.
		if (source === "microphone" && before.track !== undefined) {
			before.track.enabled = false;
			return this.#put({ ...before, on: false, mutedByModerator });
		}
		before.track?.stop();
		this.#put({ source, on: false, track: undefined, mutedByModerator });
	}

	async #open(source: Source): Promise<MediaStreamTrack> {
		const track = await openTrack(source, this.#deviceIds.get(source));
		this.#watchEnd(source, track);
		return track;
	}

	/** `ended` fires when the device or the browser ends a track, not when we do. */
	#watchEnd(source: Source, track: MediaStreamTrack): void {
		track.addEventListener("ended", () => this.#handleEnded(source, track));
	}

	/** An unplugged device is replaced by another; a screen that the browser's own button stopped is off. */
	#handleEnded(source: Source, track: MediaStreamTrack): void {
		void this.#inTurn(source, async () => {
			const before = this.of(source);
			if (before.track !== track) return;
			this.#put({ ...before, on: false, track: undefined });
			if (source === "screen" || !before.on) return;
			this.#deviceIds.delete(source);
			await this.#switchOn(source).catch((cause: unknown) => {
				if (cause instanceof TillsideError) this.emit("failed", cause);
			});
		});
	}

	#put(track: LocalTrack): void {
		if (this.#isStopped) return track.track?.stop();
		this.#tracks.set(track.source, track);
		this.emit("changed", track);
	}

	/** One change of a source at a time: two quick clicks must not open a device twice. */
	#inTurn(source: Source, change: () => Promise<void> | void): Promise<void> {
		const done = (this.#pending.get(source) ?? Promise.resolve()).catch(() => {}).then(change);
		this.#pending.set(source, done);
		return done;
	}
}
