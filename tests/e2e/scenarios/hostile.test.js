// A page that attacks the agent: hundreds of ways to run a script, to load something, to read what was typed. None may
// do anything in the console, neither through the relay nor past it (SEC-26, SEC-27).

import assert from 'node:assert/strict';
import { after, describe } from 'node:test';
import { chosen, launch, missing, until } from '../harness/browser.js';
import { openCanary } from '../harness/canary.js';
import { feedByHand, hostileGroups, hostilePage, provoke, watchForHarm } from '../harness/hostile.js';
import { startNode } from '../harness/node.js';
import { participate } from '../harness/participant.js';
import { agentArrives, find, shopperAsks, take } from '../harness/people.js';
import { before, it, keeper } from '../harness/scenario.js';
import { showsText } from '../harness/sharing.js';
import { openStore } from '../harness/store.js';
import { openShare } from '../harness/wire.js';

/** Fewer would not be the list that was asked for. */
const VECTORS_MIN = 300;

/** Of all vectors, so many must do their harm where no wall is, or the list proves nothing. */
const LIVE_MIN = 100;

/** Pages that a reader of ours may refuse as a whole; with more, too little was tried. */
const REFUSED_MAX = 60;

for (const kind of chosen(['chromium', 'firefox'])) {
  describe(`a hostile page before an agent in ${kind}`, { skip: missing(kind) }, () => {
    const keep = keeper({ after });
    let node;
    let browser;
    let canary;

    before(async () => {
      node = keep(await startNode());
      browser = keep(await launch(kind));
      canary = keep(await openCanary());
    });

    it('sec_26 runs nothing and asks for nothing when it is fed straight into the view', async (t) => {
      const own = browser.during(t);
      const groups = hostileGroups(canary.origin);
      assert.ok(groups.flat().length >= VECTORS_MIN);
      const shopper = await shopperAsks(own, node.origin, { talk: 'chat' });
      const agent = await agentArrives(own, node.origin, { prepare: [feedByHand, watchForHarm] });
      const dialogs = countDialogs(agent.page);
      await take(agent, shopper);
      await showShare(agent.page);
      let refused = 0;
      const tell = async (group) => {
        const marker = `marker ${group[0].name}`;
        const isShown = await feed(agent.page, hostilePage(group, marker), marker);
        assert.deepEqual(await harmBy(agent.page, canary, dialogs), [], group.map(({ name }) => name).join('\n'));
        return isShown;
      };
      for (const group of groups) {
        if (await tell(group)) continue;
        for (const vector of group) if (!(await tell([vector]))) refused += 1;
      }
      assert.ok(refused <= REFUSED_MAX, `${refused} vectors were refused as a whole`);
    });

    it('sec_27 runs nothing and asks for nothing when it comes through the relay', async (t) => {
      const keepHere = keeper(t);
      const own = browser.during(t);
      const store = keepHere(await openStore({ help: node.origin }));
      const sharer = await participate(own, { node, store, role: 'shopper', room: `hostile-${kind}` });
      const agent = await agentArrives(own, node.origin, { prepare: watchForHarm });
      const dialogs = countDialogs(agent.page);
      await take(agent, sharer);
      await sharer.say({ t: 'share', action: 'consent' });
      const stream = keepHere(await openShare(node.origin, await sharer.ticket()));
      await find(agent.page, 'page-window');
      let refused = 0;
      const tell = async (group) => {
        const marker = `marker ${group[0].name}`;
        const isShown = await relay(stream, agent.page, hostilePage(group, marker), marker);
        assert.deepEqual(await harmBy(agent.page, canary, dialogs), [], group.map(({ name }) => name).join('\n'));
        return isShown;
      };
      for (const group of hostileGroups(canary.origin)) if (!(await tell(group))) refused += 1;
      assert.ok(refused <= REFUSED_MAX, `${refused} pages were refused`);
    });
  });
}

describe('the vectors', { skip: missing('chromium') }, () => {
  const keep = keeper({ after });
  let browser;
  let canary;

  before(async () => {
    browser = keep(await launch('chromium'));
    canary = keep(await openCanary());
  });

  it('do their harm where there is no wall', async () => {
    const open = () => browser.open(canary.openPage, { prepare: watchForHarm });
    let page = await open();
    for (const group of hostileGroups(canary.origin)) {
      // Some of the others crash a browser that nobody protects, and it would tell nothing more.
      if (!group.every(({ name }) => /^(handlers|addresses|styles):/.test(name))) continue;
      try {
        await page.goto(canary.openPage);
        await page.evaluate(buildNaively, group.flatMap(({ nodes = [] }) => nodes));
      } catch {
        // Some lead away from the page, or close it: that too is harm, and the canary has seen it.
        page = await open();
      }
    }
    const live = new Set(canary.requests.map((path) => /^\/v(\d+)/.exec(path)?.[1]));
    assert.ok(live.size >= LIVE_MIN, `only ${live.size} vectors are live`);
  });
});

/** Runs in an open page: builds nodes as a careless replayer would, then parses them once more from their own text. */
async function buildNaively(nodes) {
  const build = (wire) => {
    if (wire.type === 3) return document.createTextNode(wire.textContent);
    if (wire.type === 5) return document.createComment(wire.textContent);
    if (wire.type !== 2) return document.createTextNode('');
    const inside = document.createDocumentFragment();
    inside.append(...(wire.childNodes ?? []).map(build));
    let element;
    try {
      element = wire.isSVG ? document.createElementNS('http://www.w3.org/2000/svg', wire.tagName) : document.createElement(wire.tagName);
    } catch {
      return inside;
    }
    for (const [name, value] of Object.entries(wire.attributes)) {
      try {
        element.setAttribute(name, value);
      } catch {
        // No browser takes such a name.
      }
    }
    if (wire.attributes._cssText) element.textContent = wire.attributes._cssText;
    element.append(inside);
    return element;
  };
  document.body.append(...nodes.map(build));
  const again = document.createElement('div');
  again.innerHTML = document.body.innerHTML;
  document.body.append(again);
  for (const element of document.querySelectorAll('a, area, button, input')) element.click?.();
  await new Promise((done) => setTimeout(done, 20));
}

/** The console learns of a live share of the shopper in its call. */
async function showShare(page) {
  await page.evaluate(() => {
    const sharer = [...window.tillside.client.participants.keys()][0];
    const state = { t: 'share', seq: 0, share: 'hand-fed', sharer, phase: 'live', ticket: 'hand-fed', viewers: [] };
    const socket = window.__probe.sockets.findLast(({ url, readyState }) => url.endsWith('/v1/ws') && readyState === WebSocket.OPEN);
    socket.dispatchEvent(new MessageEvent('message', { data: JSON.stringify(state) }));
  });
  await until('the view is open', () => page.evaluate(() => window.__fed?.isOpen === true));
}

/** Plays a page into the view. @returns whether it was played to its end: else the view went blank, or asked for a fresh start */
async function feed(page, messages, marker) {
  const before = await page.evaluate((all) => {
    const { sockets, feed: play } = window.__fed;
    const pages = document.querySelector('.page-holder iframe').contentDocument.querySelectorAll('iframe').length;
    play([{ type: 5, data: { tag: 'tillside.state', payload: { state: 'live', why: '', epoch: 1 } }, timestamp: 1 }]);
    for (const events of JSON.parse(all)) play(events);
    return { sockets, pages };
  }, JSON.stringify(messages));
  const end = await until('the page was played or refused', async () => {
    if (await page.evaluate(showsText, marker)) return 'played';
    return page.evaluate(({ sockets, pages }) => {
      const isBlank = pages > 0 && document.querySelector('.page-holder iframe').contentDocument.querySelector('iframe') === null;
      return (isBlank || window.__fed.sockets > sockets) && window.__fed.isOpen && 'refused';
    }, before);
  });
  return end === 'played';
}

/** Sends a page through the node. @returns whether the agent saw it to its end: else the relay refused it and asked anew */
async function relay(stream, page, messages, marker) {
  const asked = stream.heard('snapshot').length;
  for (const events of messages) stream.record(events);
  return until('the page was shown or refused', async () => {
    if (await page.evaluate(showsText, marker)) return 'shown';
    return stream.heard('snapshot').length > asked && 'refused';
  }).then((end) => end === 'shown');
}

/** Signs of harm so far: a list that should be empty. */
async function harmBy(page, canary, dialogs) {
  const { ran, asked, touched, title } = await page.evaluate(provoke);
  const signs = [...ran.map((number) => `script ${number} ran`), ...asked, ...touched, ...dialogs, ...canary.requests.map((path) => `asked for ${path}`)];
  if (!/Tillside|console/i.test(title)) signs.push(`the console's title is ${title}`);
  return signs;
}

function countDialogs(page) {
  const dialogs = [];
  page.on('dialog', (dialog) => {
    dialogs.push(`dialog ${dialog.message()}`);
    void dialog.dismiss();
  });
  return dialogs;
}
