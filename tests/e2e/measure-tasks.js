// Prints what holds a shop's page up while its shopper asks for help and shares the page: every task of its main thread
// that takes long, when it ran and what it did. Figures, no judgement: run it by hand, on a quiet machine.
//
//   node measure-tasks.js [nodes of the page] [chat, voice or video]
//
// Chromium's trace tells a task's CPU time beside its duration, so other programs of the machine can be told apart.

import { launch } from './harness/browser.js';
import { startNode } from './harness/node.js';
import { goHome } from './harness/people.js';
import { sharedPage } from './harness/sharing.js';
import { openStore } from './harness/store.js';

/** Tasks are listed from so much CPU time on, in milliseconds; browsers call 50 of duration long. */
const LISTED_MS = 16;
/** So many parts of a task are named. */
const PARTS = 6;
/** What happens after the agent has the page: changes of assets and styles, for one. */
const AFTERWARDS_MS = 3_000;

const CATEGORIES = ['devtools.timeline', 'disabled-by-default-devtools.timeline', 'disabled-by-default-v8.cpu_profiler', 'blink.user_timing'];

const nodes = Number(process.argv[2] ?? 5_000);
const talk = process.argv[3] ?? 'chat';
const node = await startNode();
const store = await openStore({ help: node.origin });
const [shopperBrowser, agentBrowser] = [await launch('chromium'), await launch('chromium')];
const watch = await shopperBrowser.open('about:blank');
await watch.tracing.start({ categories: CATEGORIES });
const [shopper, agent] = await sharedPage({ node, store, at: `pages/large?nodes=${nodes}`, shopperBrowser, agentBrowser, talk });
await new Promise((done) => setTimeout(done, AFTERWARDS_MS));
const { traceEvents } = JSON.parse(new TextDecoder().decode(await watch.tracing.stop()));
report(traceEvents);
await goHome(shopper, agent);
await Promise.all([shopperBrowser.close(), agentBrowser.close()]);
await store.close();
await node.close();

function report(events) {
  const { pid, tid, ts: began } = events.find(({ name, args }) => name === 'navigationStart' && args.data?.documentLoaderURL?.includes('/pages/large'));
  const own = events.filter((event) => event.pid === pid && event.tid === tid && event.ph === 'X').sort((one, other) => one.ts - other.ts || other.dur - one.dur);
  const tasks = own.filter(({ name, tdur = 0 }) => /RunTask$/.test(name) && tdur > LISTED_MS * 1_000);
  const samples = profile(events, pid);
  console.log(`page of ${nodes} nodes, ${talk}: tasks of more than ${LISTED_MS} ms CPU time`);
  for (const { ts, dur, tdur = 0 } of tasks) {
    console.log(`at ${ms(ts - began)} ms: ${ms(dur)} ms, CPU ${ms(tdur)} ms`);
    for (const [what, time] of largest(selfTimes(own, ts, ts + dur))) console.log(`    ${ms(time)} ms CPU  ${what}`);
    for (const [what, time] of largest(sampled(samples, ts, ts + dur))) console.log(`        ${ms(time)} ms sampled in ${what}`);
  }
}

/** CPU time by kind of work, without the work that stands inside of it. */
function selfTimes(events, from, to) {
  const times = new Map();
  const open = [];
  for (const event of events) {
    if (event.ts < from || event.ts >= to || event.tdur === undefined) continue;
    while (open.length > 0 && open.at(-1).ts + open.at(-1).dur <= event.ts) open.pop();
    const what = describe(event);
    times.set(what, (times.get(what) ?? 0) + event.tdur);
    const around = open.at(-1);
    if (around) times.set(describe(around), times.get(describe(around)) - event.tdur);
    open.push(event);
  }
  return times;
}

function describe({ name, args = {} }) {
  const { url, functionName, lineNumber, type } = args.data ?? {};
  return [name, type, functionName, url && `${url.replace(/^.*\//, '')}:${lineNumber ?? ''}`].filter(Boolean).join(' ');
}

/** The CPU profile of a process: `[{ts, dur, what}]`. */
function profile(events, pid) {
  const chunks = events.filter(({ name, pid: own }) => name === 'ProfileChunk' && own === pid);
  const starts = new Map(events.filter(({ name, pid: own }) => name === 'Profile' && own === pid).map(({ id, args }) => [id, args.data.startTime]));
  const names = new Map();
  const clocks = new Map(starts);
  const samples = [];
  for (const { id, args } of chunks) {
    const { cpuProfile = {}, timeDeltas = [] } = args.data;
    for (const { id: key, callFrame } of cpuProfile.nodes ?? []) names.set(`${id} ${key}`, placeOf(callFrame));
    for (const [index, key] of (cpuProfile.samples ?? []).entries()) {
      const ts = (clocks.get(id) ?? 0) + timeDeltas[index];
      clocks.set(id, ts);
      samples.push({ ts, dur: timeDeltas[index], what: names.get(`${id} ${key}`) });
    }
  }
  return samples;
}

function placeOf({ functionName, url = '', lineNumber = 0, columnNumber = 0 }) {
  return `${functionName || '(anonymous)'} ${url.replace(/^.*\//, '')}:${lineNumber + 1}:${columnNumber + 1}`;
}

function sampled(samples, from, to) {
  const times = new Map();
  for (const { ts, dur, what } of samples) if (ts >= from && ts < to) times.set(what, (times.get(what) ?? 0) + dur);
  return times;
}

function largest(times) {
  return [...times].sort(([, one], [, other]) => other - one).slice(0, PARTS).filter(([, time]) => time > 1_000);
}

function ms(microseconds) {
  return Math.round(microseconds / 100) / 10;
}
