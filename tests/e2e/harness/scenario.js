// What scenarios are made of: tests that end, and things that close whatever becomes of the test that opened them.
//
// Node's runner lets a test wait for ever, and skips what stands after the line that fails. Here every test and set-up
// has a limit, and `keeper` closes at the end what was opened on the way.

import { before as setUp, it as test } from 'node:test';

/** A test or a set-up may take so long on a loaded machine; what it still waits for then never comes. */
const TEST_MS = 240_000;

/** Closing a thing may take so long. What takes longer hangs, and ends with the process. */
const CLOSE_MS = 10_000;

/** A test. `run` gets its context, which [`keeper`] takes. */
export function it(what, run) {
  return test(what, { timeout: TEST_MS }, run);
}

/** What all tests of a suite stand on. */
export function before(run) {
  return setUp(run, { timeout: TEST_MS });
}

/**
 * Gives a function that takes a thing with `close()`, returns it, and closes it when `scope` ends, passed or failed, the
 * last first. `scope` is the context of a test, or `{ after }` of the runner within a suite.
 */
export function keeper(scope) {
  const kept = [];
  scope.after(async () => {
    for (const thing of kept.toReversed()) await closeWithin(thing, CLOSE_MS);
  });
  return (thing) => {
    kept.push(thing);
    return thing;
  };
}

/** Closes a thing, or gives up. A thing that does not close says nothing of what was tested, so this never fails. */
export async function closeWithin(thing, limitMs) {
  try {
    await within(limitMs, thing.close());
  } catch (error) {
    console.log(`could not close a ${thing.constructor.name}: ${error.message}`);
  }
}

/** A limit has passed. */
export class NoAnswer extends Error {}

/** What `promise` gives, or [`NoAnswer`] once `limitMs` have passed. */
export async function within(limitMs, promise) {
  let timer;
  const limit = new Promise((_, fail) => {
    timer = setTimeout(() => fail(new NoAnswer(`no answer within ${limitMs} ms`)), limitMs);
  });
  try {
    return await Promise.race([promise, limit]);
  } finally {
    clearTimeout(timer);
  }
}
