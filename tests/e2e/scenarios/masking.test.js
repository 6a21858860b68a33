// Nobody but the shopper sees what the shopper types into payment fields: with our SDK in the page, and with a page that
// masks nothing, where the relay stands alone. What is looked at is all that a viewer's socket and screen ever got.

import assert from 'node:assert/strict';
import { readdirSync, readlinkSync } from 'node:fs';
import { after, describe } from 'node:test';
import { chosen, missing, until } from '../harness/browser.js';
import { everythingShown, leaksIn, leaksInEvents } from '../harness/leaks.js';
import { participate } from '../harness/participant.js';
import { agentArrives, room, take } from '../harness/people.js';
import { drain, recordUnmasked } from '../harness/recorder.js';
import { before, it, keeper } from '../harness/scenario.js';
import { goTo, openShop, sharedPage, showsText } from '../harness/sharing.js';
import { CHECKOUTS, openStore } from '../harness/store.js';
import { fillCheckout } from '../harness/typing.js';
import { openShare } from '../harness/wire.js';

/** Logs and metrics are full of numbers of their own: so many digits in a row are none of these. */
const DIGITS_IN_LOGS = 8;

for (const kind of chosen(['chromium', 'firefox'])) {
  describe(`what is typed into checkouts in ${kind}`, { skip: missing(kind, 'chromium') }, () => {
    const keep = keeper({ after });
    let node;
    let store;
    let shop;

    before(async () => {
      shop = await openShop(keep, [kind, 'chromium'], { settings: ['log.level=trace'] });
      ({ node, store } = shop);
    });

    it('is hidden by the page itself', async (t) => {
      const keepHere = keeper(t);
      const [shopperBrowser, agentBrowser] = [shop.shopperBrowser.during(t), shop.agentBrowser.during(t)];
      const [shopper, agent] = await sharedPage({ node, store, at: 'pages/forms', shopperBrowser, agentBrowser, prepare: keepRecords });
      const observer = await participate(agentBrowser, { node, store, role: 'agent', room: await room(shopper) });
      const socket = keepHere(await openShare(node.origin, await observer.ticket()));
      const marks = {};
      // Where time is short, every third: what the page masks is tried on all channels in the SDK's own tests.
      const some = Object.entries(CHECKOUTS).filter((_, place) => process.env.E2E === 'all' || place % 3 === 0);
      for (const [name, labels] of some) {
        await goTo(shopper, store.page(`checkouts/${name}`));
        await fillCheckout(shopper.page, labels);
        await mark(shopper.page, name);
        await until(`the agent sees ${name} to its end`, () => agent.page.evaluate(showsText, endOf(name)));
        marks[name] = leaksIn((await agent.page.evaluate(everythingShown)).join('\n'));
        // Names are no secret to every page: where one is not taken for a payment field's, the relay decides.
        const sent = (await sentLeaks(shopper.page)).filter((leak) => leak !== 'cc-name');
        assert.deepEqual(sent, [], `what is typed into ${name} left the page`);
      }
      assert.deepEqual(Object.entries(marks).filter(([, leaks]) => leaks.length > 0), [], 'on screen');
      assert.deepEqual(leaksInEvents(socket.events), [], 'on the wire');
    });

    it('is hidden by the relay when the page masks nothing', async (t) => {
      const keepHere = keeper(t);
      const [shopperBrowser, agentBrowser] = [shop.shopperBrowser.during(t), shop.agentBrowser.during(t)];
      const sharer = await participate(shopperBrowser, { node, store, role: 'shopper', room: `unmasked-${kind}` });
      const agent = await agentArrives(agentBrowser, node.origin);
      await take(agent, sharer);
      await sharer.say({ t: 'share', action: 'consent' });
      const stream = keepHere(await openShare(node.origin, await sharer.ticket()));
      const observer = await participate(agentBrowser, { node, store, role: 'agent', room: `unmasked-${kind}` });
      const socket = keepHere(await openShare(node.origin, await observer.ticket()));
      const bare = keepHere(await openStore());
      const page = await shopperBrowser.open('about:blank');
      await recordUnmasked(page);
      const sent = [];
      for (const [name, labels] of Object.entries(CHECKOUTS)) {
        await page.goto(bare.page(`checkouts/${name}`), { waitUntil: 'load' });
        await until('the recorder runs', () => page.evaluate(() => window.__records?.length > 1));
        // Digit by digit: each label's records go out before the next is typed.
        for (const label of labels) {
          await fillCheckout(page, [label]);
          const records = await drain(page);
          sent.push(...records);
          stream.record(records);
        }
        await mark(page, name);
        await until('the mark is recorded', () => page.evaluate(() => window.__records.length > 0));
        stream.record(await drain(page));
        await until(`the agent sees ${name} to its end`, () => agent.page.evaluate(showsText, endOf(name)));
        assert.deepEqual(leaksIn((await agent.page.evaluate(everythingShown)).join('\n')), [], `${name} on screen`);
      }
      assert.ok(leaksInEvents(sent).includes('cc-number'), 'the rule finds what was sent');
      assert.ok(leaksInEvents(sent).includes('cc-csc'), 'the rule finds codes that were sent');
      assert.deepEqual(leaksInEvents(socket.events), [], 'on the wire');
      assert.deepEqual((await agent.page.evaluate(() => window.__probe.errors)), []);
    });

    it('is written nowhere by the node', async () => {
      const metrics = await (await fetch(`${node.admin}/metrics`)).text();
      assert.ok(node.output.length > 0);
      for (const line of [...node.output.split('\n'), ...metrics.split('\n')]) assert.deepEqual(leaksIn(line, DIGITS_IN_LOGS), [], line);
      assert.deepEqual(openFiles(node.pid), [], 'files that the node writes');
    });
  });
}

/** Puts a word into the page that comes after all that was typed. */
async function mark(page, name) {
  await page.evaluate((textContent) => document.body.append(Object.assign(document.createElement('p'), { textContent })), endOf(name));
}

function endOf(name) {
  return `end of ${name}`;
}

/** Runs in the shopper's page before its scripts: keeps what the page sends about itself, in clear. */
function keepRecords() {
  window.__records = [];
  const send = WebSocket.prototype.send;
  WebSocket.prototype.send = function (frame) {
    if (this.url.endsWith('/v1/share') && typeof frame !== 'string') window.__records.push(new Uint8Array(frame).slice());
    send.call(this, frame);
  };
}

/** Canaries in what the page sent about itself. */
async function sentLeaks(page) {
  const records = await page.evaluate(async () => {
    const texts = [];
    let whole = [];
    for (const record of window.__records.splice(0)) {
      if (record[0] === 0x40) continue;
      if (record[0] < 0x80) {
        texts.push(new TextDecoder().decode(record));
        continue;
      }
      whole.push(record.subarray(1));
      if (record[0] & 2) continue;
      const blob = new Blob(whole);
      whole = [];
      const stream = record[0] & 1 ? blob.stream().pipeThrough(new DecompressionStream('deflate-raw')) : blob.stream();
      texts.push(await new Response(stream).text());
    }
    return texts;
  });
  return leaksInEvents(records.flatMap((text) => JSON.parse(text)));
}

/** Regular files that a process has open for writing. */
function openFiles(pid) {
  const folder = `/proc/${pid}/fd`;
  return readdirSync(folder)
    .map((name) => {
      try {
        return readlinkSync(`${folder}/${name}`);
      } catch {
        return '';
      }
    })
    .filter((path) => path.startsWith('/') && !path.startsWith('/dev/') && !path.startsWith('/proc/'));
}
