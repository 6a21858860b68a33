/**
 * Notices that media has died although everything claims to be connected. Watches packets, not states: a path that a
 * network change cut can stay “connected” for half a minute. Pure: time and counts come in, verdicts go out.
 */

/** Speech with DTX still sends a packet every 400 ms; seven missed in a row are no pause. */
const SILENCE_MS_MAX = 3_000;
/** Between two restarts, doubled up to this while nothing helps: a publisher may be gone, not our path. */
const RESTART_WAIT_MS_MAX = 60_000;
/** An ICE restart takes two round trips and a DTLS-free resume of SRTP; less would interrupt it. */
const RESTART_WAIT_MS = 5_000;

export class Watchdog {
	#packets = 0;
	#heardAt: number | undefined;
	#restartWaitMs = RESTART_WAIT_MS;
	#restartNotBefore = 0;

	/**
	 * Says whether packets have been missing for too long.
	 *
	 * @param now in milliseconds
	 * @param packets received in all slots since the connection began; undefined while no slot has to receive anything
	 */
	observe(now: number, packets: number | undefined): boolean {
		if (packets === undefined || packets !== this.#packets || this.#heardAt === undefined) {
			if (packets !== undefined && packets > this.#packets) this.#restartWaitMs = RESTART_WAIT_MS;
			this.#packets = packets ?? this.#packets;
			this.#heardAt = now;
			return false;
		}
		return now - this.#heardAt >= SILENCE_MS_MAX;
	}

	/** Claims the right to restart; false while the last restart may still help. */
	mayRestart(now: number): boolean {
		if (now < this.#restartNotBefore) return false;
		this.#restartNotBefore = now + this.#restartWaitMs;
		this.#restartWaitMs = Math.min(this.#restartWaitMs * 2, RESTART_WAIT_MS_MAX);
		return true;
	}
}
