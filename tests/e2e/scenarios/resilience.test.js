// What a call survives: a reloaded page, a lost signaling connection.

import assert from 'node:assert/strict';
import { after, describe } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { launch, missing, until } from '../harness/browser.js';
import { layCable } from '../harness/cable.js';
import { startNode } from '../harness/node.js';
import { agentArrives, allMeet, call, click, find, goHome, hearsAndSees, shopperAsks, shows, take, write } from '../harness/people.js';
import { exchanges, media } from '../harness/probe.js';
import { before, it, keeper } from '../harness/scenario.js';

/** How long signaling is cut. The node keeps media for 30 s without it. */
const CUT_MS = 10_000;
/** Between two looks at a receiver. Software encoders on a busy machine leave out a second of pictures now and then. */
const LOOK_MS = 2_500;

for (const kind of ['chromium', 'firefox']) {
  describe(`a call in ${kind} survives`, { skip: missing(kind) }, () => {
    const keep = keeper({ after });
    let node;
    let browser;

    before(async () => {
      node = keep(await startNode());
      browser = keep(await launch(kind));
    });

    it('signaling that is cut for ten seconds, with no gap in the media', async (t) => {
      const cable = keeper(t)(await layCable(node.origin));
      const own = browser.during(t);
      const shopper = await shopperAsks(own, cable.origin);
      const agent = await agentArrives(own, cable.origin);
      await take(agent, shopper);
      await allMeet([shopper, agent]);
      const received = ({ page }) => media(page).then(({ video: [{ frames }], audio: [{ packets }] }) => ({ frames, packets }));
      await until('the call runs steadily', async () => {
        const now = await Promise.all([shopper, agent].map(received));
        return now.every(({ frames }) => frames > 90);
      });

      cable.pull();
      const plugInAt = Date.now() + CUT_MS;
      let before = await Promise.all([shopper, agent].map(received));
      while (Date.now() < plugInAt) {
        await delay(LOOK_MS);
        const now = await Promise.all([shopper, agent].map(received));
        for (const [index, { frames, packets }] of now.entries()) {
          assert.ok(frames > before[index].frames, `pictures go on: ${frames} after ${before[index].frames}`);
          assert.ok(packets > before[index].packets, `sound goes on: ${packets} after ${before[index].packets}`);
        }
        before = now;
      }
      assert.ok(cable.refused > 0, 'the pages tried to reconnect meanwhile');
      cable.plug();
      for (const { page, name } of [shopper, agent]) {
        await until(`${name} is connected again`, () =>
          page.evaluate(() => window.__probe.sockets.length > 1 && window.__probe.sockets.at(-1).readyState === WebSocket.OPEN),
        );
      }

      await until('the shopper writes', async () => {
        await write(shopper, 'still here');
        const log = await find(shopper.page, 'chat-log');
        return (await log.evaluate((element) => element.textContent)).includes('still here');
      });
      await until('the answer to a lost connection is a line of chat', async () => {
        if (!(await shows(agent.page, 'chat-log'))) await click(agent.page, 'toggle-chat');
        const log = await find(agent.page, 'chat-log');
        return (await log.evaluate((element) => element.textContent)).includes('still here');
      });
      for (const { page } of [shopper, agent]) {
        const { offers, errors } = await exchanges(page);
        assert.equal(offers, 1, 'the session was resumed, not joined anew');
        assert.deepEqual(errors, []);
      }
    });

    it("a reload of the shopper's page: the call goes on by itself", async (t) => {
      const own = browser.during(t);
      const [shopper, agent] = await call(node.origin, own, own);
      await allMeet([shopper, agent]);
      await shopper.page.reload({ waitUntil: 'load' });
      await allMeet([shopper, agent]);
      assert.equal((await exchanges(agent.page)).offers, 1, 'the agent noticed nothing');
    });

    it("a reload of the agent's page: the agent takes the call again", async (t) => {
      const own = browser.during(t);
      const [shopper, agent] = await call(node.origin, own, own);
      await allMeet([shopper, agent]);
      await agent.page.reload({ waitUntil: 'load' });
      await take(agent, shopper);
      await allMeet([shopper, agent]);
    });

    it('an agent who leaves and another who comes', async (t) => {
      const own = browser.during(t);
      const [shopper, first] = await call(node.origin, own, own);
      await allMeet([shopper, first]);
      await goHome(first);
      const second = await agentArrives(own, node.origin);
      await take(second, shopper);
      await hearsAndSees(second, 1);
      await hearsAndSees(shopper, 1);
    });
  });
}
