// Pages that are not shown: by the shopper's wish, by a mark of the page, by the store's rules. Agents read why, and
// nothing of such a page reaches anybody.

import assert from 'node:assert/strict';
import { after, describe } from 'node:test';
import { missing, pairs, until } from '../harness/browser.js';
import { sameTree } from '../harness/likeness.js';
import { click, find } from '../harness/people.js';
import { before, it, keeper } from '../harness/scenario.js';
import { changePage, goTo, openRawViewer, openSharedPage } from '../harness/sharing.js';

/** A word that stands only where nobody but the shopper may see it. */
const UNSEEN = 'Zaubernuss';

const [BY_SHOPPER, NEVER_SHOWN, TOO_LARGE] = ['Paused by the customer', 'This page is never shown', 'This page is too large'];

/** The node takes 5 MiB of a page. */
const TOO_MANY_BYTES = 6 * 1024 * 1024;

/** A busy machine reads so much in short tasks for a while. */
const LARGE_MS = 90_000;

for (const [shopperKind, agentKind] of pairs()) {
  describe(`a page in ${shopperKind} that an agent in ${agentKind} may not see`, { skip: missing(shopperKind, agentKind) }, () => {
    const keep = keeper({ after });
    let store;
    let shopper;
    let agent;
    let socket;

    before(async () => {
      const cobrowse = ['pause_on = ["/pages/scroll", "/pages/account"]'];
      const shop = await openSharedPage(keep, [shopperKind, agentKind], { at: 'pages/dynamic', cobrowse });
      ({ store, shopper, agent } = shop);
      ({ socket } = await openRawViewer(keep, shop));
    });

    /** The agent reads why nothing is to be seen, and nothing is. */
    const reads = async (why, withinMs) => {
      await until(`the agent reads: ${why}`, () => agent.page.$eval('[data-testid="page-paused"]', ({ textContent }, text) => textContent.includes(text), why), withinMs);
      await until('nothing is shown', async () => !(await agent.page.evaluate(isAnyPageShown)));
    };
    const put = (text) => shopper.page.evaluate((textContent) => document.body.append(Object.assign(document.createElement('p'), { textContent })), text);
    const nobodySaw = () => assert.ok(!socket.everything.includes(UNSEEN), `${UNSEEN} reached a viewer`);
    const mark = (isMarked) => shopper.page.evaluate((isMarked) => document.body.toggleAttribute('data-tillside-pause', isMarked), isMarked);

    it('is paused by the shopper, and comes back as it is by then', async () => {
      await click(shopper.page, 'share-pause');
      await reads(BY_SHOPPER);
      await put(UNSEEN);
      await put('Wintergreen');
      await shopper.page.evaluate((text) => [...document.querySelectorAll('p')].find(({ textContent }) => textContent === text).remove(), UNSEEN);
      await click(shopper.page, 'share-resume');
      await sameTree(shopper, agent, 'after the pause');
      nobodySaw();
    });

    it('is marked by the store from its start', async () => {
      await changePage(shopper, store.page('pages/unseen'));
      await reads(NEVER_SHOWN);
      await goTo(shopper, store.page('pages/forms'));
      await sameTree(shopper, agent, 'after a marked page');
      nobodySaw();
    });

    it('is marked by the store for as long as a dialog is open', async () => {
      await mark(true);
      await put(UNSEEN);
      await reads(NEVER_SHOWN);
      await shopper.page.evaluate(() => document.body.lastElementChild.remove());
      await mark(false);
      await sameTree(shopper, agent, 'after the mark was taken away');
      nobodySaw();
    });

    it('is named by the rules of the node', async () => {
      await goTo(shopper, store.page('pages/scroll'));
      await reads(NEVER_SHOWN);
      assert.ok(!socket.everything.includes('Line 12'), 'what stands on the page');
      await goTo(shopper, store.page('pages/routes'));
      await sameTree(shopper, agent, 'after a page that is never shown');
    });

    it('becomes one that the rules name without a load, and another one again', async () => {
      await shopper.page.evaluate(() => history.pushState(null, '', '/pages/account/orders'));
      await reads(NEVER_SHOWN);
      await put(UNSEEN);
      await shopper.page.evaluate(() => document.body.lastElementChild.remove());
      await shopper.page.evaluate(() => history.back());
      await sameTree(shopper, agent, 'after a route that is never shown');
      nobodySaw();
    });

    it('is too large: both read so, and the next page is shown', async () => {
      await shopper.page.evaluate(growTo, TOO_MANY_BYTES);
      await reads(TOO_LARGE, LARGE_MS);
      const heard = async () => (await find(shopper.page, 'announcer')).evaluate(({ textContent }) => textContent);
      await until('the shopper hears it, too', async () => (await heard()).includes('too large'));
      await goTo(shopper, store.page('pages/forms'));
      await sameTree(shopper, agent, 'after a page that is too large');
    });

    it('does so without an error', async () => {
      for (const { page, name } of [shopper, agent]) assert.deepEqual(await page.evaluate(() => window.__probe.errors), [], name);
    });
  });
}

/** Runs in the shopper's page: makes it that large. Hidden, since some browsers take a minute to lay out so much. */
function growTo(bytes) {
  const textContent = 'Nobody reads all of this. '.repeat(40);
  const paragraphs = Array.from({ length: bytes / textContent.length }, () => Object.assign(document.createElement('p'), { textContent, hidden: true }));
  document.body.append(...paragraphs);
}

/** Runs in the console: whether anything of a page is in its frame or could be seen. */
function isAnyPageShown() {
  const sheet = document.querySelector('.page-sheet');
  return sheet !== null && (!sheet.hidden || sheet.querySelector('.page-holder iframe').contentDocument.querySelector('iframe') !== null);
}
