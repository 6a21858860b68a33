import { expect, test } from "vitest";
import { waitMs } from "../src/client/backoff";

test.each([
	[0, 1, 0, 0],
	[1, 1, 0, 300],
	[1, 0.5, 0, 150],
	[2, 1, 0, 1200],
	[4, 1, 0, 4800],
	[5, 1, 0, 7000],
	[500, 1, 0, 7000],
	[3, 0, 0, 0],
	// The node's own word counts, and is only ever lengthened.
	[0, 0, 2000, 2000],
	[9, 1, 2000, 3000],
])("attempt %i with luck %f and %i ms named waits %i ms", (attempt, luck, named, expected) => {
	expect(waitMs(attempt, luck, named)).toBe(expected);
});
