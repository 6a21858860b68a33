// Frames of the shop's own are part of what is shared, and what people type there is as private as anywhere. Frames from
// elsewhere are boxes.

import assert from 'node:assert/strict';
import { after, describe } from 'node:test';
import { missing, pairs, until } from '../harness/browser.js';
import { everythingShown, leaksIn, leaksInEvents } from '../harness/leaks.js';
import { samePicture, sameTree } from '../harness/likeness.js';
import { click } from '../harness/people.js';
import { before, it, keeper } from '../harness/scenario.js';
import { goTo, openRawViewer, openSharedPage } from '../harness/sharing.js';
import { CHECKOUTS } from '../harness/store.js';
import { element, fillCheckout } from '../harness/typing.js';
import { Hand } from '../harness/verbs.js';

const CENTRE = { x: 0.5, y: 0.5 };

for (const [shopperKind, agentKind] of pairs()) {
  describe(`frames in ${shopperKind}, seen in ${agentKind}`, { skip: missing(shopperKind, agentKind) }, () => {
    const keep = keeper({ after });
    let store;
    let shopper;
    let agent;
    let other;
    let socket;

    before(async () => {
      const shop = await openSharedPage(keep, [shopperKind, agentKind], { at: 'pages/frames' });
      ({ store, shopper, agent } = shop);
      ({ other, socket } = await openRawViewer(keep, shop));
    });

    const press = (selector) => shopper.page.evaluate((found) => document.querySelector(found).click(), selector);
    const field = (at) => element(shopper.page, at);

    it('are shown with all that changes in them, frames within frames too', async () => {
      await sameTree(shopper, agent, 'with its frames');
      await samePicture(shopper, agent, 'with its frames');
      await (await field('#note |> #wish')).type('A brass lamp');
      await (await field('#note |> #wrap')).evaluate((box) => box.click());
      await (await field('#note |> #list')).evaluate((list) => list.insertAdjacentHTML('beforeend', '<li>Second <em>item</em></li>'));
      await (await field('#note |> #nested |> h2')).evaluate((heading) => (heading.textContent = 'Smaller print'));
      await sameTree(shopper, agent, 'after changes in its frames');
      await (await field('#note |> #nested |> #end')).evaluate((end) => end.scrollIntoView());
      await until('the view is scrolled as the frame is', () => samePicture(shopper, agent, 'scrolled in a frame').then(() => true));
    });

    it('are followed when they come, go elsewhere, are written anew, and leave', async () => {
      for (const act of ['add', 'turn', 'write', 'remove', 'add']) {
        await press(`#${act}`);
        await until(`the frame is there after ${act}`, async () => act === 'remove' || (await field('#place iframe |> body > *')));
        await sameTree(shopper, agent, `after ${act}`);
      }
    });

    it('from elsewhere are boxes', async () => {
      assert.ok(await field('#elsewhere |> h2'), 'the frame holds a page');
      const shown = await agent.page.evaluate(framesShown);
      assert.equal(shown.elsewhere, '');
      assert.match(shown.note, /Your wish/);
    });

    it('sec_24 keep to themselves what is typed there, in editors too', async () => {
      await (await field('#note |> #secret')).type('Zinnober-Kranich-41');
      await press('#edit');
      await shopper.page.evaluate(() => document.querySelector('#place iframe').contentDocument.body.append('Wendeltreppe'));
      await (await field('#note |> #list')).evaluate((list) => list.append('all is typed'));
      await until('the agent sees the last change', async () => (await agent.page.evaluate(framesShown)).note?.includes('all is typed'));
      await until('the editor is hidden', async () => !(await agent.page.evaluate(framesShown)).added?.includes('Small print'));
      assert.deepEqual(leaksIn((await agent.page.evaluate(everythingShown)).join('\n')), [], 'on screen');
      assert.deepEqual(leaksInEvents(socket.events), [], 'on the wire');
    });

    it('sec_28 take what agents do, and Esc pressed in a frame ends that', async () => {
      const hand = new Hand(socket);
      const said = () => shopper.page.evaluate(() => document.querySelector('#note').contentDocument.querySelector('#said').textContent);
      const outcome = async (verb) => {
        hand.say(verb);
        return until(`there is an outcome of ${JSON.stringify(verb.act)}`, () => hand.outcome(verb.seq));
      };
      const { share } = (await other.told('share')).at(-1);
      await other.say({ t: 'control', action: 'request', share, rung: 'type' });
      await click(shopper.page, 'control-accept');
      await other.hears('control', ({ phase }) => phase === 'granted', 'that typing is granted');
      await until('the shopper has been quiet for a while', async () => (await outcome(hand.verb('apply', { click: CENTRE }))) === 'done');
      assert.match(await said(), /click:apply/);
      assert.equal(await outcome(hand.verb('wish', { type: { text: 'Two lamps', replace: true } })), 'done');
      assert.equal(await (await field('#note |> #wish')).evaluate(({ value }) => value), 'Two lamps');
      for (const [id, act] of [['secret', { type: { text: 'x' } }], ['elsewhere', { click: CENTRE }], ['note', { click: CENTRE }]]) {
        assert.match(await outcome(hand.verb(id, act)), /hidden|forbidden/, id);
      }
      await (await field('#note |> #wish')).focus();
      await shopper.page.keyboard.press('Escape');
      await other.hears('control', ({ phase, why }) => phase === 'ended' && why === 'revoked', 'that control is over');
    });

    it('sec_24 with card forms show nothing of the card', async () => {
      const before = socket.events.length;
      await goTo(shopper, store.page('checkouts/ja-frame'));
      await sameTree(shopper, agent, 'a card form in a frame');
      await fillCheckout(shopper.page, CHECKOUTS['ja-frame']);
      await shopper.page.evaluate(() => document.body.append('all is typed'));
      await until('the agent sees the last change', () => agent.page.evaluate(everythingShown).then((texts) => texts.some((text) => text.includes('all is typed'))));
      assert.deepEqual(leaksIn((await agent.page.evaluate(everythingShown)).join('\n')), [], 'on screen');
      assert.ok(socket.events.length > before, 'the other viewer got it, too');
      assert.deepEqual(leaksInEvents(socket.events), [], 'on the wire');
      const shown = await agent.page.evaluate(framesShown);
      assert.match(shown.pay, /カード番号/, 'the form itself is shown');
    });

    it('do all this without an error', async () => {
      assert.deepEqual(await shopper.page.evaluate(() => [...window.__probe.errors, ...window.__probe.violations]), []);
      assert.deepEqual(await agent.page.evaluate(() => window.__probe.errors), []);
    });
  });
}

/** Runs in a console: the words in each frame of the shown page, by the frame's id. */
function framesShown() {
  const stage = document.querySelector('.page-holder iframe').contentDocument;
  const page = [...stage.querySelectorAll('iframe')].findLast(({ style }) => style.visibility !== 'hidden').contentDocument;
  return Object.fromEntries([...page.querySelectorAll('iframe')].map(({ id, contentDocument: inner }) => [id, inner?.body?.textContent ?? '']));
}
