// A shopper with several tabs of one store: the tab in front is the one that agents see, in one call and one share.

import assert from 'node:assert/strict';
import { after, describe } from 'node:test';
import { missing, openBeside, pairs, until } from '../harness/browser.js';
import { sameTree } from '../harness/likeness.js';
import { stage } from '../harness/people.js';
import { before, it, keeper } from '../harness/scenario.js';
import { goTo, openSharedPage } from '../harness/sharing.js';

for (const [shopperKind, agentKind] of pairs()) {
  describe(`several tabs of a shopper in ${shopperKind}, seen in ${agentKind}`, { skip: missing(shopperKind, agentKind) }, () => {
    const keep = keeper({ after });
    let store;
    let shopper;
    let agent;
    let other;
    let share;

    before(async () => {
      ({ store, shopper, agent } = await openSharedPage(keep, [shopperKind, agentKind], { at: 'pages/forms' }));
      share = await shares();
    });

    /** Ids of all shares that the shopper's page was told of. */
    const shares = () => shopper.page.evaluate(() => [...new Set(window.__probe.told.map(({ share }) => share))]);
    const goneToBack = (page) => until('the other tab is hidden', () => page.evaluate(() => document.hidden));

    it('a tab that opens in front is shown', async () => {
      other = { page: await openBeside(shopper.page, store.page('pages/dynamic')), name: 'Other tab' };
      await goneToBack(shopper.page);
      await sameTree(other, agent, 'in the new tab');
      await other.page.click('#more');
      await sameTree(other, agent, 'in the new tab after a change');
    });

    it('the tab that comes to the front again is shown', async () => {
      for (const [front, back] of [[shopper, other], [other, shopper], [shopper, other]]) {
        await front.page.bringToFront();
        await goneToBack(back.page);
        await sameTree(front, agent, `of ${front.name}`);
      }
    });

    it('a tab in the back may go elsewhere, and does not show itself', async () => {
      await other.page.goto(store.page('pages/scroll'), { waitUntil: 'load' });
      await shopper.page.type('#search', 'brass');
      await sameTree(shopper, agent, 'while the other tab loads');
    });

    it('a tab in front that closes gives way to the one with the call', async () => {
      await other.page.bringToFront();
      await sameTree(other, agent, 'before it closes');
      await other.page.close();
      await shopper.page.bringToFront();
      await sameTree(shopper, agent, 'after the other tab has closed');
    });

    it('it was one share and one call all the time', async () => {
      assert.deepEqual(await shares(), share);
      assert.equal(await stage(shopper.page), 'call');
      await goTo(shopper, store.page('pages/routes'));
      await sameTree(shopper, agent, 'on the next page');
      for (const { page, name } of [shopper, agent]) assert.deepEqual(await page.evaluate(() => window.__probe.errors), [], name);
    });
  });
}
