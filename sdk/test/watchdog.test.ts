import { expect, test } from "vitest";
import { Watchdog } from "../src/client/watchdog";

test("three seconds without a packet are too long, two are not", () => {
	const dog = new Watchdog();
	expect(dog.observe(0, 10)).toBe(false);
	expect(dog.observe(1000, 20)).toBe(false);
	expect(dog.observe(3000, 20)).toBe(false);
	expect(dog.observe(4000, 20)).toBe(true);
	expect(dog.observe(5000, 21)).toBe(false);
});

test("nobody misses packets that nobody sends", () => {
	const dog = new Watchdog();
	dog.observe(0, 10);
	for (let now = 1000; now < 60_000; now += 1000) expect(dog.observe(now, undefined)).toBe(false);
	// And the time without a sender does not count once there is one.
	expect(dog.observe(60_000, 10)).toBe(false);
	expect(dog.observe(61_000, 10)).toBe(false);
	expect(dog.observe(62_000, 10)).toBe(true);
});

test("restarts come ever more rarely while they do not help, and at once when one did", () => {
	const dog = new Watchdog();
	expect(dog.mayRestart(0)).toBe(true);
	expect(dog.mayRestart(4999)).toBe(false);
	expect(dog.mayRestart(5000)).toBe(true);
	expect(dog.mayRestart(14_999)).toBe(false);
	expect(dog.mayRestart(15_000)).toBe(true);
	dog.observe(36_000, 1);
	dog.observe(36_001, 2);
	expect(dog.mayRestart(36_000)).toBe(true);
	expect(dog.mayRestart(41_000)).toBe(true);
});
