// An agent sees the shopper's page: the same tree and the same picture, wherever the shopper goes, in both browsers;
// further agents see it at once; whoever is slow harms nobody.

import assert from 'node:assert/strict';
import { after, describe } from 'node:test';
import { missing, pairs, until } from '../harness/browser.js';
import { samePicture, sameTree } from '../harness/likeness.js';
import { participate } from '../harness/participant.js';
import { agentArrives, room, take } from '../harness/people.js';
import { exchanges } from '../harness/probe.js';
import { before, it, keeper } from '../harness/scenario.js';
import { goTo, openSharedPage, shown, snapshotsAsked } from '../harness/sharing.js';
import { openShare } from '../harness/wire.js';

/** Late viewers should see the page within 300 ms; on a loaded machine in a debug build they get this long. */
const LATE_MS_MAX = 3_000;

/** No task of the page may be longer, apart from what the page does itself. */
const LONG_TASK_MS = 50;

for (const [shopperKind, agentKind] of pairs()) {
  describe(`the page of a shopper in ${shopperKind}, seen in ${agentKind}`, { skip: missing(shopperKind, agentKind) }, () => {
    const keep = keeper({ after });
    let shop;
    let node;
    let store;
    let shopper;
    let agent;

    before(async () => {
      shop = await openSharedPage(keep, [shopperKind, agentKind], { at: 'pages/routes', prepare: watchTasks });
      ({ node, store, shopper, agent } = shop);
    });

    const press = (selector) => shopper.page.evaluate((found) => document.querySelector(found).click(), selector);

    it('follows routes that change without a load, and back', async () => {
      await sameTree(shopper, agent, 'at first');
      for (const room of ['lamps', 'chairs']) {
        await press(`[data-to="${room}"]`);
        await sameTree(shopper, agent, `in ${room}`);
      }
      await shopper.page.goBack();
      await sameTree(shopper, agent, 'one step back');
      await samePicture(shopper, agent, 'one step back');
    });

    it('follows content that scripts add, move, restyle and draw', async () => {
      await goTo(shopper, store.page('pages/dynamic'));
      for (const act of ['more', 'swap', 'restyle', 'drawing', 'shadow', 'more']) {
        await press(`#${act}`);
        await sameTree(shopper, agent, `after ${act}`);
      }
      await press('summary');
      await sameTree(shopper, agent, 'with its details open');
      await samePicture(shopper, agent, 'restyled and drawn');
    });

    it('follows forms: what may be seen is seen', async () => {
      await goTo(shopper, store.page('pages/forms'));
      await shopper.page.type('#search', 'oak table');
      await shopper.page.type('#amount', '2');
      for (const box of ['#wrap', '#big']) await press(box);
      await shopper.page.select('#colour', 'g');
      await sameTree(shopper, agent, 'with the form filled');
      // Each browser draws lists and boxes its own way.
      await samePicture(shopper, agent, 'with the form filled', 0.06);
    });

    it('follows scrolling of the page and of areas in it', async () => {
      await goTo(shopper, store.page('pages/scroll'));
      await sameTree(shopper, agent, 'before it is scrolled');
      await shopper.page.evaluate(() => {
        document.querySelector('#inner').scrollTop = 500;
        scrollTo(0, 400);
      });
      await until('the view is scrolled as the page is', () => samePicture(shopper, agent, 'scrolled').then(() => true));
    });

    it('follows shadow roots, tables and right-to-left checkouts', async () => {
      for (const name of ['pl-open-shadow', 'de-table', 'ar-rtl']) {
        await goTo(shopper, store.page(`checkouts/${name}`));
        await sameTree(shopper, agent, name);
        await samePicture(shopper, agent, name);
      }
    });

    it('looks the same with many style sheets', async () => {
      await goTo(shopper, store.page('pages/sheets'));
      await sameTree(shopper, agent, 'with many sheets');
      await until('the sheets have arrived', () => samePicture(shopper, agent, 'with many sheets').then(() => true));
    });

    it('follows a page that changes in every frame', async () => {
      await goTo(shopper, store.page('pages/busy'));
      await press('#start');
      await until('the page has calmed down', () => shopper.page.evaluate(() => document.body.dataset.status === 'ready'));
      await sameTree(shopper, agent, 'after 720 changes');
    });

    it('follows a page of 5,000 nodes, and does not hold the page up', async () => {
      await goTo(shopper, store.page('pages/large?nodes=5000'));
      await sameTree(shopper, agent, 'with 5,000 nodes');
      await samePicture(shopper, agent, 'with 5,000 nodes');
      const asked = await snapshotsAsked(shopper);
      assert.ok(asked >= 1, 'the node asked for the page');
      const tasks = await shopper.page.evaluate(() => window.__tasks);
      // Firefox tells nothing of long tasks.
      if (tasks) reportTasks(tasks);
    });

    it('is seen by a second and a third agent without any work in the shopper’s tab', async (t) => {
      const agentBrowser = shop.agentBrowser.during(t);
      const asked = await snapshotsAsked(shopper);
      const second = await agentArrives(agentBrowser, node.origin);
      await take(second, shopper);
      await shown(second);
      await sameTree(shopper, second, 'to a second agent');
      const third = await participate(agentBrowser, { node, store, role: 'agent', room: await room(shopper) });
      const ticket = await third.ticket();
      const began = performance.now();
      const socket = keeper(t)(await openShare(node.origin, ticket));
      await until('a late viewer has the page', () => socket.binaries.length > 0 && socket.events.some(({ type }) => type === 2));
      const late = performance.now() - began;
      console.log(`late viewer: page of 5,000 nodes after ${Math.round(late)} ms`);
      assert.ok(late < LATE_MS_MAX, `${late} ms`);
      assert.equal(await snapshotsAsked(shopper), asked, 'nobody asked the shopper’s tab');
    });

    it('is seen by an agent who reads slowly, later, and by the others at once', async (t) => {
      const keepHere = keeper(t);
      const slow = await participate(shop.agentBrowser.during(t), { node, store, role: 'agent', room: await room(shopper) });
      let socket = keepHere(await openShare(node.origin, await slow.ticket()));
      await until('it has the page', () => socket.binaries.length > 0);
      const asked = await snapshotsAsked(shopper);
      socket.stopReading();
      for (let round = 0; round < 3; round += 1) {
        await shopper.page.evaluate((number) => {
          for (const heading of document.querySelectorAll('h2')) heading.textContent = `${'Sold out '.repeat(40)}${number}`;
        }, round);
        await sameTree(shopper, agent, `in round ${round} of many changes`);
      }
      await shopper.page.evaluate(() => (document.querySelector('h1').textContent = 'The last word'));
      await sameTree(shopper, agent, 'after all changes');
      socket.readOn();
      await until('the slow agent has caught up', async () => {
        // Who reads nothing for ten seconds is let go, and comes back as a console does.
        if (socket.isClosed) socket = keepHere(await openShare(node.origin, await slow.ticket()));
        return socket.everything.includes('The last word');
      });
      assert.equal(await snapshotsAsked(shopper), asked, 'nobody asked the shopper’s tab');
    });

    it('needed one stream for all these pages', async () => {
      const streams = await agent.page.evaluate(() => window.__probe.sockets.filter(({ url }) => url.endsWith('/v1/share')).length);
      assert.equal(streams, 1);
    });

    it('does so under a strict policy, and without an error', async () => {
      const { errors, violations } = await shopper.page.evaluate(() => ({ errors: window.__probe.errors, violations: window.__probe.violations }));
      assert.deepEqual({ errors, violations }, { errors: [], violations: [] });
      assert.deepEqual((await exchanges(agent.page)).errors, []);
    });
  });
}

/** Runs in the shopper's page before its scripts. */
function watchTasks() {
  if (!PerformanceObserver.supportedEntryTypes.includes('longtask')) return;
  window.__tasks = [];
  new PerformanceObserver((list) => window.__tasks.push(...list.getEntries().map(({ startTime, duration }) => ({ startTime, duration })))).observe({ type: 'longtask', buffered: true });
}

/** Says how long the page was held up. Other programs of this machine do it too, so it is a figure and no judgement. */
function reportTasks(tasks) {
  const long = tasks.map(({ duration }) => duration).filter((duration) => duration > LONG_TASK_MS);
  console.log(`page of 5,000 nodes: ${long.length} tasks over ${LONG_TASK_MS} ms ${long.map(Math.round)}`);
}
