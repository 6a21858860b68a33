// Records the shopping sessions of tests/fixtures/sessions anew: run it when a fixture page changes.
//
// Writes one line per session to recorded.jsonl.xz, in the form that `tillside_cobrowse::score` reads: events as an SDK
// that masks nothing sends them, what each field is, and what was typed into it.

import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { launch } from './harness/browser.js';
import { startNode } from './harness/node.js';
import { drain, recorded, recordUnmasked } from './harness/recorder.js';
import { CHECKOUTS, openStore } from './harness/store.js';
import { canaryFor, element, fill, next } from './harness/typing.js';
import { sessions } from '../fixtures/sessions/shopping.js';

const OUTPUT = fileURLToPath(new URL('../fixtures/sessions/recorded.jsonl.xz', import.meta.url));

/** Fields that are hidden, but are no payment fields and no plain ones either: kept out of the score. */
const APART = ['password', 'one-time-code'];

/** Too short to be looked for anywhere but in their own field. */
const SHORT = ['cc-csc', 'cc-exp', 'cc-exp-month', 'cc-exp-year'];

class Visit {
  #page;
  #node;
  #store;
  #events = [];
  #labels = {};
  #secrets = [];

  constructor(page, node, store) {
    this.#page = page;
    this.#node = node;
    this.#store = store;
  }

  shop(path) {
    return this.#go(`${this.#node.origin}${path}`);
  }

  open(name) {
    return this.#go(this.#store.page(name));
  }

  async checkout(name) {
    this.labels = CHECKOUTS[name];
    await this.open(`checkouts/${name}`);
  }

  async fill(at, text) {
    await fill(this.#page, at, text);
    await this.#collect();
  }

  async fillAll(labels) {
    for (const given of labels) {
      const label = Array.isArray(given) ? { at: given[0], is: given[1] } : given;
      await next(this.#page, label.at);
      await this.fill(label.at, canaryFor(label));
      await this.#note(label);
    }
  }

  async paste(at, label) {
    await (await element(this.#page, at)).focus();
    await this.#page.evaluate((text) => document.execCommand('insertText', false, text), canaryFor(label));
    await this.#collect();
    await this.#note(label);
  }

  async press(at) {
    await this.#collect();
    await (await element(this.#page, at)).evaluate((found) => found.click());
    await this.#settle();
  }

  async clear(at, keys) {
    await (await element(this.#page, at)).focus();
    for (let key = 0; key < keys; key += 1) await this.#page.keyboard.press('Backspace');
    await this.#collect();
  }

  async scroll(y) {
    await this.#page.evaluate((top) => scrollTo(0, top), y);
    await this.#settle();
  }

  /** The session as one line. */
  line(name) {
    return JSON.stringify({ source: 'shopping', page: name, split: 'own', events: this.#events, labels: this.#labels, secrets: this.#secrets });
  }

  async #go(address) {
    await this.#collect();
    await this.#page.goto(address, { waitUntil: 'load' });
    // Ids begin anew with every page.
    [this.#labels, this.#secrets] = [{}, []];
    await this.#settle();
  }

  /** Two frames later the recorder has written down what just happened. */
  async #settle() {
    await this.#page.waitForFunction(() => document.readyState === 'complete' && window.__records);
    await this.#page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
    await this.#collect();
  }

  async #collect() {
    if (this.#page.url().startsWith('http')) this.#events.push(...(await drain(this.#page)));
  }

  async #note(label) {
    const node = await recorded(await element(this.#page, label.at));
    this.#labels[node] = APART.includes(label.is) ? 'ambiguous' : label.is;
    if (label.is === 'other') return;
    const whole = label.part && { whole: canaryFor({ is: label.is }) };
    const scope = SHORT.includes(label.is) || label.part ? 'own' : 'anywhere';
    this.#secrets.push({ node, value: canaryFor(label), kind: label.is, scope, ...whole });
  }
}

const node = await startNode();
const store = await openStore();
const browser = await launch('chromium');
const lines = [];
for (const { name, run } of sessions) {
  const page = await browser.open('about:blank', { prepare: undefined });
  await recordUnmasked(page);
  const visit = new Visit(page, node, store);
  await run(visit);
  lines.push(visit.line(name));
  console.log(name, lines.at(-1).length);
  await page.browserContext().close();
}
await browser.close();
await store.close();
await node.close();
const { stdout } = spawnSync('xz', ['-9e', '-c'], { input: `${lines.join('\n')}\n`, maxBuffer: 1 << 28 });
writeFileSync(OUTPUT, stdout);
console.log(`${OUTPUT}: ${stdout.length} bytes`);
