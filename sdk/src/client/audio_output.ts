/** Plays the audio slots. Their tracks never change, so each is attached once; owns the elements and the speaker. */
import type { Slot } from "./transport";

export class AudioOutput {
	readonly #players: HTMLAudioElement[] = [];
	readonly #onBlocked: () => void;
	#speakerId = "";

	/** @param onBlocked the browser waits for a click on the page before it plays sound */
	constructor(onBlocked: () => void) {
		this.#onBlocked = onBlocked;
	}

	/** Plays these slots and no others. */
	play(slots: Slot[]): void {
		this.stop();
		for (const slot of slots) {
			if (slot.kind !== "audio") continue;
			const player = new Audio();
			player.srcObject = new MediaStream([slot.track]);
			this.#players.push(player);
			void this.#route(player);
		}
		this.resume();
	}

	/** Plays again; from within a click, this ends the browser's blocking. */
	resume(): void {
		for (const player of this.#players) {
			player.play().catch((cause: unknown) => {
				if (cause instanceof DOMException && cause.name === "NotAllowedError") this.#onBlocked();
			});
		}
	}

	/** Plays on this device from now on, where the browser lets pages choose (Chromium, Firefox). */
	async useSpeaker(deviceId: string): Promise<void> {
		this.#speakerId = deviceId;
		await Promise.all(this.#players.map((player) => this.#route(player)));
	}

	stop(): void {
		for (const player of this.#players.splice(0)) {
			player.pause();
			player.srcObject = null;
		}
	}

	async #route(player: HTMLAudioElement): Promise<void> {
		if (this.#speakerId === "" || player.setSinkId === undefined) return;
		// A speaker that is gone leaves the sound where it was.
		await player.setSinkId(this.#speakerId).catch(() => {});
	}
}
