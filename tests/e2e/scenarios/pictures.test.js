// Pictures and fonts that only the shopper may have reach the agent through the node, and by no other way.

import assert from 'node:assert/strict';
import { after, describe } from 'node:test';
import { missing, pairs, until } from '../harness/browser.js';
import { sameTree } from '../harness/likeness.js';
import { before, it, keeper } from '../harness/scenario.js';
import { goTo, openSharedPage } from '../harness/sharing.js';

/** The colours of the fixtures' pictures, and how far a browser's colour management may be off. */
const [RED, GREEN, BLUE, SHADES] = [[190, 40, 60], [20, 140, 80], [60, 60, 200], 6];

/** `Boxes` in the fixtures' font: five squares of 20 pixels. */
const WIDTH_OF_WORD = 100;

for (const [shopperKind, agentKind] of pairs()) {
  describe(`pictures of a shopper in ${shopperKind}, seen in ${agentKind}`, { skip: missing(shopperKind, agentKind) }, () => {
    const keep = keeper({ after });
    let node;
    let store;
    let shopper;
    let agent;

    before(async () => {
      ({ node, store, shopper, agent } = await openSharedPage(keep, [shopperKind, agentKind], { at: 'pages/pictures' }));
    });

    /** What the node says it holds; it counts once a second, so only what has stood for two seconds is said of now. */
    const memoryTold = async () => {
      let [bytes, since] = [0, Date.now()];
      await until('the node tells of its memory', async () => {
        const told = await node.metric('tillside_cobrowse_asset_bytes');
        if (told !== bytes) [bytes, since] = [told, Date.now()];
        return bytes > 0 && Date.now() - since > 2_000;
      });
      return bytes;
    };
    const uploads = (result) => node.metric('tillside_cobrowse_assets_total', `result="${result}"`);
    const isColour = (seen, wanted) => seen?.every((shade, index) => Math.abs(shade - wanted[index]) <= SHADES) ?? false;
    const shows = (id, colour) => until(`#${id} has its colour`, async () => {
      const seen = await agent.page.evaluate(colourOf, id);
      if (!isColour(seen, colour)) throw new Error(`it is ${seen}`);
      return true;
    });

    it('pictures behind a login are seen, drawings as pictures too', async () => {
      await sameTree(shopper, agent, 'with pictures');
      await shows('lamp', RED);
      await shows('again', RED);
      await shows('leaf', GREEN);
    });

    it('pictures and fonts of style sheets are seen', async () => {
      await until('the background is there', () => agent.page.evaluate(background));
      await until('the word is as wide as in its font', async () => (await agent.page.evaluate(widthOfWord)) === WIDTH_OF_WORD);
    });

    it('a picture that comes later is seen', async () => {
      await shopper.page.click('#more');
      await shows('late', BLUE);
    });

    it('what the page itself may not have is a box', async () => {
      assert.equal(await agent.page.evaluate(colourOf, 'strange'), undefined);
    });

    it('equal files lie in memory once, and are sent once in a share', async () => {
      const bytes = await memoryTold();
      const sent = await uploads('ok');
      assert.equal(sent, 5, 'two lamps, a leaf, a font and a late lamp');
      await goTo(shopper, store.page('pages/forms'));
      await goTo(shopper, store.page('pages/pictures'));
      await shows('lamp', RED);
      await shows('leaf', GREEN);
      assert.equal(await uploads('ok'), sent);
      assert.equal(await memoryTold(), bytes);
    });

    it('the console asked nobody but the node', async () => {
      const browser = await agent.page.evaluate(() => navigator.userAgent);
      assert.deepEqual(store.visits.filter((visit) => visit.browser === browser), []);
      assert.ok(store.visits.some(({ path }) => path === '/private/lamp.png'), 'the shopper’s browser asked');
      const addresses = await agent.page.evaluate(addressesShown);
      assert.ok(addresses.length > 0);
      for (const address of addresses) assert.match(address, /^blob:/);
      assert.deepEqual(await agent.page.evaluate(() => window.__probe.violations), []);
    });
  });
}

/** Runs in the console: the colour of a picture of the shared page as it is decoded; undefined without one. */
function colourOf(id) {
  const shown = document.querySelector('.page-holder iframe')?.contentDocument?.querySelector('iframe')?.contentDocument;
  const image = shown?.getElementById(id);
  if (!image?.complete || !image.naturalWidth) return undefined;
  const context = Object.assign(document.createElement('canvas'), { width: 1, height: 1 }).getContext('2d');
  context.drawImage(image, 0, 0, 1, 1);
  const [red, green, blue, alpha] = context.getImageData(0, 0, 1, 1).data;
  return alpha === 255 ? [red, green, blue] : undefined;
}

/** Runs in the console. */
function background() {
  const shown = document.querySelector('.page-holder iframe').contentDocument.querySelector('iframe').contentDocument;
  return shown.defaultView.getComputedStyle(shown.getElementById('painted')).backgroundImage.startsWith('url("blob:');
}

/** Runs in the console. */
function widthOfWord() {
  const shown = document.querySelector('.page-holder iframe').contentDocument.querySelector('iframe').contentDocument;
  return Math.round(shown.getElementById('written').getBoundingClientRect().width);
}

/** Runs in the console: where the pictures of the shared page come from. */
function addressesShown() {
  const shown = document.querySelector('.page-holder iframe').contentDocument.querySelector('iframe').contentDocument;
  return [...shown.images].map(({ currentSrc, src }) => currentSrc || src).filter((address) => address !== '');
}
