// People meet: the shopper in the demo shop and agents in the console, in every pair of browsers.

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { launch, missing, until } from '../harness/browser.js';
import { startNode } from '../harness/node.js';
import { agentArrives, allMeet, call, goHome, shopperAsks, take } from '../harness/people.js';
import { exchanges, media } from '../harness/probe.js';

describe('a shopper and an agent', { skip: missing('chromium', 'firefox') }, () => {
  let node;
  const browsers = {};

  before(async () => {
    node = await startNode();
    browsers.chromium = await launch('chromium');
    browsers.firefox = await launch('firefox');
  });
  after(async () => {
    await Promise.all(Object.values(browsers).map((browser) => browser.close()));
    await node?.stop();
  });

  for (const [shopperKind, agentKind] of [
    ['chromium', 'chromium'],
    ['firefox', 'chromium'],
    ['chromium', 'firefox'],
    ['firefox', 'firefox'],
  ]) {
    it(`hear and see each other: shopper in ${shopperKind}, agent in ${agentKind}`, async () => {
      const gcm = () => node.metric('tillside_srtp_profile_total', 'gcm');
      const before = await gcm();
      const people = await call(node.origin, browsers[shopperKind], browsers[agentKind]);
      await allMeet(people);
      for (const { page } of people) {
        const { offers, answers, errors } = await exchanges(page);
        assert.deepEqual({ offers, answers }, { offers: 1, answers: 1 }, 'a join is one SDP exchange');
        assert.deepEqual(errors, []);
        await until('the browser does not take its way up for blocked', async () => {
          const { sendable } = await media(page);
          // Chromium begins at 300 kbit/s, and only falls from there if the node's feedback does not reach it.
          return sendable === undefined || sendable > 400_000;
        });
        const { srtp } = await media(page);
        assert.ok(srtp.every((cipher) => cipher.includes('GCM')), `ciphers ${srtp}`);
      }
      await until('the node counts two GCM associations', async () => (await gcm()) === before + 2);
      await goHome(...people);
    });
  }

  it('are joined by a second and a third agent, and nobody negotiates again', async () => {
    const shopper = await shopperAsks(browsers.chromium, node.origin);
    const people = [shopper];
    for (const kind of ['chromium', 'firefox', 'chromium']) {
      const agent = await agentArrives(browsers[kind], node.origin);
      await take(agent, shopper);
      people.push(agent);
      await allMeet(people);
    }
    for (const { page, name } of people) {
      const { offers, answers } = await exchanges(page);
      assert.deepEqual({ offers, answers }, { offers: 1, answers: 1 }, `${name} negotiated once`);
    }
    await goHome(...people);
  });
});
