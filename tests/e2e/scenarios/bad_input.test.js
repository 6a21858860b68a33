// A page that sends rubbish: the share says that it has lost the page and why, asks for it anew, and goes on. The call in
// the same room notices nothing (SEC-31).

import assert from 'node:assert/strict';
import { after, describe } from 'node:test';
import { deflateRawSync } from 'node:zlib';
import { chosen, missing, until } from '../harness/browser.js';
import { hostilePage } from '../harness/hostile.js';
import { hearsAndSees } from '../harness/people.js';
import { before, it, keeper } from '../harness/scenario.js';
import { openShop, sharedPage, showsText } from '../harness/sharing.js';
import { openShare } from '../harness/wire.js';

const MEBIBYTE = 1 << 20;
const [WHOLE, DEFLATED, MORE] = [0x80, 0x81, 0x82];

const text = (value) => Buffer.from(JSON.stringify(value));
const framed = (flags, bytes) => Buffer.concat([Buffer.from([flags]), bytes]);
const add = (parentId, node) => text([{ type: 3, timestamp: 1, data: { source: 0, texts: [], attributes: [], removes: [], adds: [{ parentId, nextId: null, node }] } }]);
const element = (id, ...childNodes) => ({ type: 2, tagName: 'p', attributes: {}, childNodes, id });
const page = (...inside) => text([{ type: 2, timestamp: 1, data: { initialOffset: { left: 0, top: 0 }, node: { type: 0, id: 1, childNodes: [{ ...element(2, ...inside), tagName: 'html' }] } } }]);

/** A record in chunks that each fit into a frame. */
function chunked(record) {
  const size = MEBIBYTE - 1;
  const count = Math.ceil(record.length / size);
  return Array.from({ length: count }, (_, index) => framed(index < count - 1 ? MORE : WHOLE, record.subarray(index * size, (index + 1) * size)));
}

/** The box that a good page has, see harness/hostile.js. */
const BOX = 7;

const RUBBISH = {
  malformed: [text([{ type: 2, data: 'no tree' }]), Buffer.from('{"type":2,')],
  packed: [text('x\u009c«V*©,HU²R')],
  oversized: chunked(Buffer.alloc(6 * MEBIBYTE, ' ')),
  'oversized ': [framed(DEFLATED, deflateRawSync(Buffer.alloc(4 * MEBIBYTE, ' ')))],
  too_deep: [page(Array.from({ length: 300 }).reduce((inner, _, index) => element(1_000 + index, inner), element(999)))],
  too_many_nodes: chunked(page(...Array.from({ length: 60_000 }, (_, index) => element(1_000 + index)))),
  duplicate_id: [add(BOX, element(BOX))],
  unknown_parent: [add(987_654, element(900))],
  // In one frame: sent one by one, they would not be too fast for a machine that is slow enough.
  too_fast: [text(Array.from({ length: 4_000 }, () => ({ type: 3, timestamp: 1, data: { source: 3, id: BOX, x: 0, y: 0 } })))],
};

for (const kind of chosen(['chromium', 'firefox'])) {
  describe(`a share that gets rubbish, of a shopper in ${kind}`, { skip: missing(kind, 'chromium') }, () => {
    const keep = keeper({ after });
    let shopper;
    let agent;
    let stream;

    before(async () => {
      const shop = await openShop(keep, [kind, 'chromium']);
      [shopper, agent] = await sharedPage({ ...shop, at: 'pages/forms', talk: 'video' });
      // From here on the test is the page: the newest socket with the ticket takes the older one's place.
      const ticket = await shopper.page.evaluate(() => window.__probe.told.findLast((message) => message.ticket).ticket);
      stream = keep(await openShare(shop.node.origin, ticket));
      await hearsAndSees(agent, 1);
    });

    for (const [reason, frames] of Object.entries(RUBBISH)) {
      it(`sec_31 turns blank on ${reason.trim()} input (${frames.length} frames) and heals`, async () => {
        await showsGoodPage(`before ${reason}`);
        const asked = stream.heard('snapshot').length;
        for (const frame of frames) stream.raw(frame);
        const ask = await until('the node asks for the page anew', () => stream.heard('snapshot')[asked]);
        assert.equal(ask.reason, reason.trim());
        await until('the agent sees nothing', async () => !(await agent.page.evaluate(showsText, `before ${reason}`)));
        await hearsAndSees(agent, 1);
        await showsGoodPage(`after ${reason}`);
      });
    }

    it('the call was not disturbed', async () => {
      await Promise.all([hearsAndSees(agent, 1), hearsAndSees(shopper, 1)]);
      for (const person of [shopper, agent]) assert.deepEqual(await person.page.evaluate(() => window.__probe.errors), []);
    });

    /** Sends a page and waits until the agent sees it; what was sent too fast before is waited out. */
    function showsGoodPage(marker) {
      return until(`the agent sees the page ${marker}`, async () => {
        for (const events of hostilePage([], marker)) stream.record(events);
        return until('it is there', () => agent.page.evaluate(showsText, marker), 2_000);
      });
    }
  });
}
