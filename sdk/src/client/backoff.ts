/** Upper bounds of the waits between attempts to reach the node, in milliseconds; the last one repeats. */
const WAITS_MS = [0, 300, 1200, 2700, 4800, 7000] as const;
/** Added at random to a wait that the node has named, so that its clients do not all come back at once. */
const NAMED_WAIT_JITTER_MS = 1000;

/**
 * How long to wait before an attempt. Full jitter: anything from nothing to the bound, which spreads a herd best.
 *
 * @param attempt counts from 0 since the socket was lost
 * @param random a number from 0 to 1
 * @param namedMs the node's `bye.retry_after_ms`
 */
export function waitMs(attempt: number, random: number, namedMs = 0): number {
	if (namedMs > 0) return namedMs + random * NAMED_WAIT_JITTER_MS;
	return random * (WAITS_MS[Math.min(attempt, WAITS_MS.length - 1)] as number);
}
