// What people do on Tillside's pages: a shopper asks for help in the demo shop, an agent takes the call in the console.
// Clicks what a person would click; waits for what a person would see.

import { setTimeout as delay } from 'node:timers/promises';
import { until } from './browser.js';
import { media, pictures } from './probe.js';

let visitors = 0;

/** A name that no other scenario has. */
function newName(role) {
  visitors += 1;
  return `${role} ${visitors}`;
}

/** Clicks the thing with this test id, wherever it is in the page. */
export async function click(page, testId) {
  const button = await find(page, testId);
  await button.click();
}

/** Waits for the thing with this test id. */
export function find(page, testId) {
  return until(`${testId} is on the page`, () => page.$(`>>> [data-testid="${testId}"]`));
}

/** Whether the thing with this test id is on the page now. */
export async function shows(page, testId) {
  return (await page.$(`>>> [data-testid="${testId}"]`)) !== null;
}

/** A shopper opens the demo shop, or the page `at`, asks for help by video and waits. */
export async function shopperAsks(browser, origin, { talk = 'video', at = `${origin}/demo/`, prepare } = {}) {
  const page = await browser.open(at, { prepare });
  const name = newName('Shopper');
  await click(page, 'ask');
  await click(page, `talk-${talk}`);
  await (await find(page, 'name')).type(name);
  await click(page, 'agree');
  const ready = ['waiting', 'call'];
  await until('the shopper waits or talks', async () => {
    const now = await stage(page);
    if (ready.includes(now)) return true;
    throw new Error(`the widget's stage is ${now}`);
  });
  return { page, name, browser };
}

/** The stage of the shopper's widget. */
export function stage(page) {
  return page.evaluate(() => document.querySelector('tillside-help')?.getAttribute('stage'));
}

/** An agent opens the console; `options` are those of [`open`](browser.js). */
export async function agentArrives(browser, origin, options = {}) {
  const name = newName('Agent');
  const page = await browser.open(`${origin}/console/?name=${encodeURIComponent(name)}`, options);
  await find(page, 'queue');
  return { page, name, browser };
}

/** The agent takes the call of `shopper`, or joins the one that runs. */
export async function take(agent, shopper) {
  await until(`${agent.name} takes ${shopper.name}`, () =>
    agent.page.evaluate((name) => {
      const buttons = [...document.querySelectorAll('[data-testid="take"], [data-testid="join"]')];
      const button = buttons.find((candidate) => candidate.closest('li').textContent.includes(name));
      button?.click();
      return button !== undefined;
    }, shopper.name),
  );
  await find(agent.page, 'call');
}

/** A shopper and an agent in a call. `options` are the shopper's. */
export async function call(origin, shopperBrowser, agentBrowser, options = {}) {
  const shopper = await shopperAsks(shopperBrowser, origin, options);
  const agent = await agentArrives(agentBrowser, origin);
  await take(agent, shopper);
  return [shopper, agent];
}

/** Waits until each of `people` hears and sees all others: energy and decoded frames rise, pictures move. */
export async function allMeet(people) {
  await Promise.all(people.map((person) => hearsAndSees(person, people.length - 1)));
}

/** Waits until `person` hears `voices` others and sees as many, beside itself. */
export async function hearsAndSees(person, others, { voices = others } = {}) {
  const { page, name } = person;
  const first = await media(page);
  const firstPictures = await pictures(page);
  await until(`${name} hears ${voices} and sees ${others}`, async () => {
    const now = await media(page);
    const grew = (kind, field) =>
      now[kind].filter((slot) => slot[field] > (first[kind].find(({ mid }) => mid === slot.mid)?.[field] ?? 0)).length;
    const moving = (await pictures(page)).filter(
      ({ print, brightness }, index) => brightness > 5 && print !== firstPictures[index]?.print,
    );
    const seen = { voices: grew('audio', 'energy'), frames: grew('video', 'frames'), moving: moving.length };
    if (seen.voices >= voices && seen.frames >= others && seen.moving >= others) return seen;
    throw new Error(JSON.stringify({ ...seen, media: now }));
  });
}

/** Waits until a measurement of the page no longer changes: what it measures has stopped. */
export async function stops(what, measure) {
  let last;
  await until(`${what} stops`, async () => {
    const before = last;
    last = JSON.stringify(await measure());
    if (last !== before) await delay(500);
    return last === before;
  });
}

/** Writes a line of chat and sends it. */
export async function write(person, text) {
  const isOpen = (await (await person.page.$('>>> [data-testid="chat-input"]'))?.isVisible()) ?? false;
  if (!isOpen) await click(person.page, 'toggle-chat');
  const input = await find(person.page, 'chat-input');
  await until('the chat is open', () => input.isVisible());
  await input.type(text);
  await click(person.page, 'chat-send');
}

/** The room of a shopper's call. */
export function room(shopper) {
  return shopper.page.evaluate(() => document.querySelector('tillside-help').client.room);
}

/** People leave: their pages close. At the end of a test pages close by themselves, see `during` of browsers. */
export async function goHome(...people) {
  await Promise.all(people.map(({ page }) => page.browserContext().close()));
}
