// Starts real browsers and opens pages in them. Puppeteer drives both: Chromium over CDP, Firefox over WebDriver BiDi.
//
// Owns the launch flags and the probe that every page carries. Knows nothing of Tillside's pages.

import { existsSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import puppeteer from 'puppeteer-core';
import { installProbe } from './probe.js';
import { closeWithin, keeper, NoAnswer, within } from './scenario.js';

const EXECUTABLES = {
  chromium: [process.env.CHROMIUM, '/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'],
  firefox: [process.env.FIREFOX, '/usr/bin/firefox-esr', '/usr/bin/firefox'],
};

const CHROMIUM_ARGS = [
  '--no-sandbox', // test machines run as root
  '--use-fake-device-for-media-stream=device-count=2',
  '--use-fake-ui-for-media-stream',
  '--auto-select-tab-capture-source-by-title=Harrow', // what a shopper shares: a tab of the demo shop
  '--autoplay-policy=no-user-gesture-required',
  // Pages in the background must go on playing: a test has several in one browser.
  '--disable-background-timer-throttling',
  '--disable-backgrounding-occluded-windows',
  '--disable-renderer-backgrounding',
  // No requests of the browser's own.
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--no-first-run',
];

const FIREFOX_PREFS = {
  'media.navigator.streams.fake': true,
  'media.navigator.permission.disabled': true,
  'media.peerconnection.ice.obfuscate_host_addresses': false,
  'media.autoplay.default': 0,
  'media.getdisplaymedia.enabled': true,
  'dom.min_background_timeout_value': 4,
  'app.update.enabled': false,
  'datareporting.policy.dataSubmissionEnabled': false,
};

/** A browser may take so long to start where many other programs run. */
const START_MS = 90_000;

/** A browser that has not quit by then is ended. */
const QUIT_MS = 5_000;

/** The path of a browser on this machine, or undefined. */
export function executable(kind) {
  return EXECUTABLES[kind].find((path) => path && existsSync(path));
}

/**
 * Of several browsers or pairs of them the first, where time is short; all of them with E2E=all. What is left out runs
 * the same node with the same SDK in the other engine.
 */
export function chosen(list) {
  return process.env.E2E === 'all' ? list : list.slice(0, 1);
}

/** The pairs of shopper's and agent's browser that scenarios of shared pages run in. */
export function pairs() {
  return chosen([
    ['firefox', 'chromium'],
    ['chromium', 'firefox'],
  ]);
}

/** Why scenarios with these browsers cannot run here; false when they can. Shown by the runner beside the skip. */
export function missing(...kinds) {
  const absent = [...new Set(kinds)].filter((kind) => !executable(kind));
  return absent.length > 0 && `not installed: ${absent.join(', ')} (make test installs them with apt when run as root)`;
}

/** Starts a browser: `chromium` or `firefox`. */
export async function launch(kind) {
  const browser = await puppeteer.launch({
    browser: kind === 'firefox' ? 'firefox' : 'chrome',
    executablePath: executable(kind),
    headless: true,
    args: kind === 'firefox' ? [] : CHROMIUM_ARGS,
    extraPrefsFirefox: kind === 'firefox' ? FIREFOX_PREFS : undefined,
    timeout: START_MS,
    protocolTimeout: 60_000,
  });
  return new Browser(kind, browser);
}

/** A running browser. */
class Browser {
  #browser;

  constructor(kind, browser) {
    this.kind = kind;
    this.#browser = browser;
  }

  /**
   * Opens `url` in a context of its own: no shared storage, as if on another computer. `prepare`, one function or a list
   * of them, runs in the page before its own scripts. The page closes with the browser, or earlier: see [`during`].
   */
  async open(url, { width = 1280, height = 800, prepare, keep } = {}) {
    const context = await this.#browser.createBrowserContext();
    keep?.({ close: async () => context.closed || (await context.close()) });
    // A window each: in Firefox, a tab behind another is hidden, and a hidden page asks for no pictures.
    const page = await context.newPage({ type: 'window' });
    await page.setViewport({ width, height });
    return visit(page, url, prepare);
  }

  /** This browser as a test has it: every page opened through it closes when `scope` ends, see [`keeper`]. */
  during(scope) {
    const keep = keeper(scope);
    return { kind: this.kind, open: (url, options) => this.open(url, { ...options, keep }) };
  }

  async close() {
    await closeWithin(this.#browser, QUIT_MS);
    this.#browser.process()?.kill('SIGKILL');
  }
}

/** Opens `url` in a tab beside `page`, in the same window and in front of it. */
export async function openBeside(page, url) {
  const tab = await page.browserContext().newPage({ type: 'tab' });
  await tab.setViewport(page.viewport());
  return visit(tab, url);
}

async function visit(page, url, prepare) {
  await page.evaluateOnNewDocument(installProbe);
  for (const step of [prepare].flat().filter(Boolean)) await page.evaluateOnNewDocument(step);
  await page.goto(url, { waitUntil: 'load' });
  return page;
}

/**
 * Waits until `condition` gives something true, and returns it. Every wait of the scenarios goes through here, so that
 * none depends on how fast the machine is: `withinMs` only says when to give up, also on a condition that never answers.
 */
export async function until(what, condition, withinMs = 20_000) {
  const deadline = Date.now() + withinMs;
  let last;
  do {
    try {
      last = await within(deadline - Date.now(), condition());
      if (last) return last;
    } catch (error) {
      // What was seen before says more than that there was no time left for another look.
      if (!(error instanceof NoAnswer && last)) last = error;
    }
    await delay(100);
  } while (Date.now() < deadline);
  throw new Error(`waited ${withinMs} ms in vain until ${what}; last: ${last?.stack ?? JSON.stringify(last)}`);
}
