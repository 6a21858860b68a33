// What people do about a shared page: an agent asks to see it, the shopper agrees, an agent asks to act in it.

import { launch, until } from './browser.js';
import { startNode } from './node.js';
import { participate } from './participant.js';
import { agentArrives, click, find, room, shopperAsks, stage, take } from './people.js';
import { openStore } from './store.js';
import { openShare } from './wire.js';

/** In a console so large the view of a shopper's page is not made smaller, so that pictures of both can be compared. */
const CONSOLE = { width: 1600, height: 1120 };

/**
 * What a shared page takes: a node, a store with its widget, and a browser on each side. `keep` closes them; `settings`
 * and `cobrowse` are those of [`startNode`].
 */
export async function openShop(keep, [shopperKind, agentKind], { settings, cobrowse } = {}) {
  const node = keep(await startNode(settings, cobrowse));
  const store = keep(await openStore({ help: node.origin }));
  const shopperBrowser = keep(await launch(shopperKind));
  const agentBrowser = keep(await launch(agentKind));
  return { node, store, shopperBrowser, agentBrowser };
}

/** A shopper on a page of `store` and an agent who sees it. */
export async function sharedPage({ node, store, at, shopperBrowser, agentBrowser, talk = 'chat', prepare }) {
  const shopper = await shopperAsks(shopperBrowser, node.origin, { talk, at: store.page(at), prepare });
  const agent = await agentArrives(agentBrowser, node.origin, CONSOLE);
  await take(agent, shopper);
  await click(agent.page, 'ask-page');
  await click(shopper.page, 'share-accept');
  await find(agent.page, 'page-window');
  await shown(agent);
  return [shopper, agent];
}

/** What most suites stand on: a shop as of [`openShop`], and one of its pages, `at`, shared as of [`sharedPage`]. */
export async function openSharedPage(keep, kinds, { at, prepare, ...options }) {
  const shop = await openShop(keep, kinds, options);
  const [shopper, agent] = await sharedPage({ ...shop, at, prepare });
  return { ...shop, shopper, agent };
}

/** One more agent, `other`, who has no console: the test reads and writes at its `socket`. */
export async function openRawViewer(keep, shop) {
  const other = await participate(shop.agentBrowser, { ...shop, role: 'agent', room: await room(shop.shopper) });
  const socket = keep(await openShare(shop.node.origin, await other.ticket()));
  await until('the raw viewer has the page', () => socket.events.some(({ type }) => type === 2));
  return { other, socket };
}

/** Waits until the agent has a page on screen. */
export function shown(agent) {
  return until(`${agent.name} sees the page`, () => agent.page.evaluate(() => {
    const stage = document.querySelector('.page-holder iframe')?.contentDocument;
    return (stage?.querySelector('iframe')?.contentDocument?.body?.childElementCount ?? 0) > 0;
  }));
}

/** Runs in the agent's page: whether the shared page shows `text`. */
export function showsText(text) {
  const search = (root) => [...root.querySelectorAll('iframe')].some(({ contentDocument: inner }) => inner && (inner.body?.textContent.includes(text) || search(inner)));
  return search(document);
}

/** The shopper goes to another page of the store; the call goes on there. */
export async function changePage(shopper, address) {
  await shopper.page.goto(address, { waitUntil: 'load' });
  await until('the call goes on after the page has changed', async () => (await stage(shopper.page)) === 'call');
}

/** The shopper goes to another page of the store; the call and the share go on there. */
export async function goTo(shopper, address) {
  await changePage(shopper, address);
  await until('the page is shared again', () => shopper.page.evaluate(() => window.__probe.sockets.some(({ url, readyState }) => url.endsWith('/v1/share') && readyState === WebSocket.OPEN)));
}

/** How often the node has asked this page for a snapshot. */
export function snapshotsAsked(shopper) {
  return shopper.page.evaluate(() => window.__probe.asked.snapshot ?? 0);
}
