// The agents' view alone, fed with pages that nobody masked or cleaned: it is a wall of its own.

import assert from 'node:assert/strict';
import { after, describe } from 'node:test';
import { vectors } from '../../fixtures/vectors.js';
import { numbered } from '../../fixtures/vectors/payload.js';
import { chosen, launch, missing, until } from '../harness/browser.js';
import { openCanary } from '../harness/canary.js';
import { drain, recordUnmasked } from '../harness/recorder.js';
import { before, it, keeper } from '../harness/scenario.js';
import { openStore } from '../harness/store.js';
import { openView, play } from '../harness/view.js';

/** Pages that are shown as they are, and what is clicked in them. */
const PAGES = {
  'checkouts/en-plain': [],
  'checkouts/it-react': [],
  'checkouts/pl-open-shadow': [],
  'checkouts/ja-frame': [],
  'pages/dynamic': ['#more', '#swap', '#restyle', '#shadow', '#drawing', '#more'],
  'pages/sheets': [],
  'pages/forms': [],
};

/** Vectors on one page at a time. */
const BATCH = 50;

/** An empty page with a box, a picture and a style element; see the vectors. */
const IDS = { html: 3, head: 4, style: 5, body: 7, box: 8, image: 9 };
const BARE = [
  { type: 4, data: { href: 'https://shop.example/', width: 800, height: 600 }, timestamp: 0 },
  {
    type: 2,
    timestamp: 0,
    data: {
      initialOffset: { left: 0, top: 0 },
      node: {
        type: 0,
        id: 1,
        childNodes: [
          { type: 1, id: 2, name: 'html', publicId: '', systemId: '' },
          {
            type: 2,
            id: IDS.html,
            tagName: 'html',
            attributes: {},
            childNodes: [
              { type: 2, id: IDS.head, tagName: 'head', attributes: {}, childNodes: [{ type: 2, id: IDS.style, tagName: 'style', attributes: {}, childNodes: [{ type: 3, id: 6, isStyle: true, textContent: 'p{color:red}' }] }] },
              { type: 2, id: IDS.body, tagName: 'body', attributes: {}, childNodes: [{ type: 2, id: IDS.box, tagName: 'div', attributes: {}, childNodes: [] }, { type: 2, id: IDS.image, tagName: 'img', attributes: {}, childNodes: [] }] },
            ],
          },
        ],
      },
    },
  },
];

for (const kind of chosen(['chromium', 'firefox'])) {
  describe(`the view in ${kind}`, { skip: missing(kind) }, () => {
    const keep = keeper({ after });
    let view;
    let canary;
    let browser;
    let store;

    before(async () => {
      view = keep(await openView());
      canary = keep(await openCanary());
      store = keep(await openStore());
      browser = keep(await launch(kind));
    });

    it('sec_26 sec_27: no vector runs or asks for anything, as a page, as an addition, or as a change', async (t) => {
      const page = await browser.during(t).open(view.origin, { width: 1000, height: 700 });
      const dialogs = [];
      page.on('dialog', (dialog) => {
        dialogs.push(dialog.message());
        void dialog.dismiss();
      });
      const all = vectors(canary.origin);
      assert.ok(all.length >= 300, `${all.length} vectors`);
      let id = 1_000;
      const next = () => (id += 1);
      let built = 0;
      for (let start = 0; start < all.length; start += BATCH) {
        const messages = all.slice(start, start + BATCH).flatMap((vector) => messagesOf(vector, next));
        // Each on its own: one that cannot be read must not take the others along.
        await play(page, BARE, ...messages);
        built += await page.evaluate(touchEverything);
      }
      assert.ok(built > all.length / 2, `the view shows what it can of them: ${built} elements`);
      // Whatever was started has time to get through; the canary answers at once.
      await page.evaluate(() => new Promise((done) => setTimeout(done, 1_000)));
      assert.deepEqual(canary.requests, []);
      assert.deepEqual(dialogs, []);
      assert.equal(await page.evaluate(() => window.__ran), undefined);
      assert.equal(await page.evaluate(() => window.view.replay.document?.defaultView?.__ran), undefined);
      assert.equal(new URL(page.url()).origin, view.origin);
    });

    it('lays a page without a doctype out as browsers do', async (t) => {
      const page = await browser.during(t).open(view.origin, { width: 1000, height: 700 });
      const [meta, snapshot] = structuredClone(BARE);
      snapshot.data.node.childNodes.shift();
      await play(page, [meta, snapshot]);
      const shown = () => page.evaluate(() => [window.view.replay.document?.compatMode, window.view.replay.figures.nodes]);
      assert.deepEqual(await shown(), ['BackCompat', 8]);
      await play(page, BARE);
      assert.deepEqual(await shown(), ['CSS1Compat', 9]);
    });

    for (const [name, clicks] of Object.entries(PAGES)) {
      it(`shows ${name} as the shopper has it`, async (t) => {
        const shopper = await browser.during(t).open(`${store.origin}/`, { width: 1000, height: 700 });
        await recordUnmasked(shopper);
        await shopper.goto(store.page(name), { waitUntil: 'load' });
        const agent = await browser.during(t).open(view.origin, { width: 1000, height: 700 });
        for (const button of clicks) await (await shopper.waitForSelector(button)).click();
        await until('the view shows what the page shows', async () => {
          await play(agent, await drain(shopper));
          const shown = await agent.evaluate(`(${digest})(window.view.replay.document)`);
          const there = await shopper.evaluate(`(${digest})(document)`);
          assert.deepEqual(shown, there);
          return there.length > 5;
        });
      });
    }
  });
}

/** Runs in a page. What a person sees of a document: every box with its place, its colours and what it says. */
function digest(document) {
  const lines = [];
  const visit = (root) => {
    for (const element of root.querySelectorAll('*')) {
      if (element.matches('head, head *, script, noscript, template, style, link')) continue;
      const { x, y, width, height } = element.getBoundingClientRect();
      const { color, backgroundColor, fontSize, display } = element.ownerDocument.defaultView.getComputedStyle(element);
      if (display === 'none') continue;
      const box = [x, y, width, height].map((value) => Math.round(value)).join(' ');
      const words = [...element.childNodes].filter(({ nodeType }) => nodeType === 3).map(({ data }) => data.trim()).join('|');
      const held = ['INPUT', 'TEXTAREA', 'SELECT'].includes(element.tagName) ? `=${element.value} ${element.checked ?? ''}` : '';
      lines.push(`${element.tagName.toLowerCase()} ${box} ${color} ${backgroundColor} ${fontSize} ${words}${held}`);
      if (element.shadowRoot) visit(element.shadowRoot);
      if (element.tagName === 'IFRAME' && element.contentDocument?.documentElement) visit(element.contentDocument);
    }
  };
  visit(document);
  return lines;
}

/** The messages that bring a vector to the view. */
function messagesOf(vector, next) {
  const adds = flat((vector.nodes ?? []).map((node) => numbered(node, next)), IDS.body);
  const added = adds.length > 0 ? [{ type: 3, data: { source: 0, texts: [], attributes: [], removes: [], adds } }] : [];
  const changes = vector.events?.({ ...IDS, next }) ?? [];
  return [...added, ...changes].map((event) => [{ ...event, timestamp: 1 }]);
}

/** Runs in the page. What a person might do, or a browser by itself. Gives how many elements there are. */
function touchEverything() {
  const elements = [...(window.view.replay.document?.querySelectorAll('body *') ?? [])];
  for (const element of elements) {
    for (const type of ['click', 'error', 'load', 'focus', 'mouseover', 'toggle', 'animationstart']) element.dispatchEvent(new Event(type, { bubbles: true, cancelable: true }));
  }
  return elements.length;
}

/** A tree as additions of one node each, as the relay sends them. */
function flat(nodes, parentId) {
  return nodes.flatMap((node) => {
    const { childNodes = [], ...alone } = node;
    const bare = node.childNodes === undefined ? alone : { ...alone, childNodes: [] };
    return [{ parentId, nextId: null, node: bare }, ...flat(childNodes, node.id)];
  });
}
