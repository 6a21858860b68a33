// People meet: the shopper in the demo shop and agents in the console, in every pair of browsers.

import assert from 'node:assert/strict';
import { after, describe } from 'node:test';
import { launch, missing, until } from '../harness/browser.js';
import { startNode } from '../harness/node.js';
import { agentArrives, allMeet, call, shopperAsks, take } from '../harness/people.js';
import { exchanges, media } from '../harness/probe.js';
import { before, it, keeper } from '../harness/scenario.js';

describe('a shopper and an agent', { skip: missing('chromium', 'firefox') }, () => {
  const keep = keeper({ after });
  let node;
  const browsers = {};

  before(async () => {
    node = keep(await startNode());
    browsers.chromium = keep(await launch('chromium'));
    browsers.firefox = keep(await launch('firefox'));
  });

  for (const [shopperKind, agentKind] of [
    ['chromium', 'chromium'],
    ['firefox', 'chromium'],
    ['chromium', 'firefox'],
    ['firefox', 'firefox'],
  ]) {
    it(`hear and see each other: shopper in ${shopperKind}, agent in ${agentKind}`, async (t) => {
      const gcm = () => node.metric('tillside_srtp_profile_total', 'gcm');
      const before = await gcm();
      const people = await call(node.origin, browsers[shopperKind].during(t), browsers[agentKind].during(t));
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
    });
  }

  it('are joined by a second and a third agent, and nobody negotiates again', async (t) => {
    const shopper = await shopperAsks(browsers.chromium.during(t), node.origin);
    const people = [shopper];
    for (const kind of ['chromium', 'firefox', 'chromium']) {
      const agent = await agentArrives(browsers[kind].during(t), node.origin);
      await take(agent, shopper);
      people.push(agent);
      await allMeet(people);
    }
    for (const { page, name } of people) {
      const { offers, answers } = await exchanges(page);
      assert.deepEqual({ offers, answers }, { offers: 1, answers: 1 }, `${name} negotiated once`);
    }
  });
});
