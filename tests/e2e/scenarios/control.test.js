// Who acts in the shopper's page: nobody without the shopper's word, nobody on what is hidden, and nobody a frame longer
// than the shopper wants. The relay refuses, and so does the page itself (SEC-28).

import assert from 'node:assert/strict';
import { after, describe } from 'node:test';
import { missing, pairs, until } from '../harness/browser.js';
import { sameTree } from '../harness/likeness.js';
import { click, find } from '../harness/people.js';
import { before, it, keeper } from '../harness/scenario.js';
import { goTo, openRawViewer, openSharedPage } from '../harness/sharing.js';
import { Hand } from '../harness/verbs.js';

const CENTRE = { x: 0.5, y: 0.5 };

for (const [shopperKind, agentKind] of pairs()) {
  describe(`control of a page in ${shopperKind} from ${agentKind}`, { skip: missing(shopperKind, agentKind) }, () => {
    const keep = keeper({ after });
    let store;
    let shopper;
    let agent;
    let other;
    let socket;
    let hand;

    before(async () => {
      const shop = await openSharedPage(keep, [shopperKind, agentKind], { at: 'pages/forms' });
      ({ store, shopper, agent } = shop);
      ({ other, socket } = await openRawViewer(keep, shop));
      hand = new Hand(socket);
    });

    /** Sends a verb and waits for what became of it. */
    const outcome = async (verb) => {
      hand.say(verb);
      return until(`there is an outcome of ${JSON.stringify(verb.act)}`, () => hand.outcome(verb.seq));
    };
    const said = () => shopper.page.evaluate(() => document.querySelector('#said').textContent);
    const share = async () => (await other.told('share')).at(-1).share;

    /** The raw agent asks and the shopper agrees. */
    const grant = async (rung) => {
      await other.say({ t: 'control', action: 'request', share: await share(), rung });
      await click(shopper.page, 'control-accept');
      await other.hears('control', ({ phase, rung: given }) => phase === 'granted' && given === rung, `that ${rung} is granted`);
    };

    it('sec_28 is refused by the relay without a grant', async () => {
      for (const act of [{ point: CENTRE }, { highlight: {} }, { draw: { points: [[0, 0], [1, 1]] } }, { click: CENTRE }, { focus: {} }, { type: { text: 'x' } }, { scroll: { dx: 0, dy: 9 } }, { press: { key: 'enter' } }, { select: { option: 1 } }]) {
        assert.equal(await outcome(hand.verb('search', act)), 'no_grant', JSON.stringify(act));
      }
      assert.equal(await said(), '');
    });

    it('sec_28 is refused by the page, too, whatever a node lets through', async () => {
      const before = await said();
      const outcomes = await shopper.page.evaluate(actPastTheRelay, [hand.verb('apply', { click: CENTRE }), hand.verb('search', { type: { text: 'forged' } })], 'nobody');
      assert.deepEqual(outcomes, ['no_grant', 'no_grant']);
      assert.equal(await said(), before);
      assert.equal(await shopper.page.$eval('#search', ({ value }) => value), '');
    });

    it('sec_28 goes no further than what was granted', async () => {
      await grant('point');
      assert.equal(await outcome(hand.verb('search', { point: CENTRE })), 'done');
      assert.equal(await outcome(hand.verb('apply', { click: CENTRE })), 'beyond_grant');
      await grant('type');
      assert.equal(await outcome(hand.verb('apply', { click: CENTRE })), 'done');
      assert.match(await said(), /click:apply/);
      assert.equal(await outcome(hand.verb('search', { back: {} })), 'beyond_grant');
    });

    it('sec_28 is refused when it is late, replayed, forged or malformed, and on what is hidden', async () => {
      const before = await said();
      const good = hand.verb('apply', { click: CENTRE });
      assert.equal(await outcome(good), 'done');
      hand.say(good);
      assert.equal(await outcome(hand.verb('apply', { click: CENTRE }, { epoch: hand.epoch - 1 })), 'wrong_epoch');
      assert.equal(await outcome(hand.verb('apply', { click: CENTRE }, { epoch: hand.epoch + 1 })), 'wrong_epoch');
      assert.equal(await outcome(hand.verb('apply', { click: CENTRE }, { fingerprint: 1 })), 'moved');
      assert.equal(await outcome(hand.verb('apply', { click: CENTRE }, { node: 4_000_000 })), 'moved');
      assert.equal(await outcome(hand.verb('apply', { click: { x: 7, y: 0 } })), 'malformed');
      assert.equal(await outcome(hand.verb('apply', { run: 'x' })), 'malformed');
      for (const secret of ['pass', 'secretary']) {
        for (const act of [{ click: CENTRE }, { focus: {} }, { type: { text: 'x' } }]) {
          assert.match(await outcome(hand.verb(secret, act)), /hidden|forbidden/, `${secret} ${JSON.stringify(act)}`);
        }
      }
      assert.equal(socket.heard('outcome').filter(({ seq, result }) => seq === good.seq && result === 'unordered').length, 1, 'a replay');
      assert.equal((await said()).slice(before.length), 'click:apply ', 'it was done once');
    });

    it('sec_28 is refused by the page when a node forges, replays or confuses', async () => {
      const viewer = (await other.told('control')).at(-1).viewer;
      const before = await said();
      const [fresh, elsewhere, secret] = [hand.verb('apply', { click: CENTRE }), hand.verb('apply', { click: CENTRE }, { fingerprint: 1 }), hand.verb('pass', { type: { text: 'x' } })];
      const outcomes = await shopper.page.evaluate(actPastTheRelay, [fresh, fresh, elsewhere, secret, hand.verb('search', { type: { text: 'y' } })], viewer, 'somebody else');
      assert.deepEqual(outcomes.slice(0, 1), ['done']);
      assert.ok(!outcomes.slice(1).includes('done'), outcomes.join());
      assert.equal((await said()).slice(before.length), 'click:apply ');
      assert.equal(await shopper.page.$eval('#pass', ({ value }) => value), '');
    });

    it('asks the shopper before anything is ordered', async () => {
      const orders = async () => ((await said()).match(/click:order/g) ?? []).length;
      for (const [answer, result, count] of [['confirm-no', 'declined', 0], ['confirm-yes', 'done', 1]]) {
        const verb = hand.verb('order', { click: CENTRE });
        hand.say(verb);
        await find(shopper.page, answer);
        assert.equal(await orders(), 0, 'nothing is ordered before the shopper says so');
        await click(shopper.page, answer);
        // The shopper's own click keeps agents away for a moment, but not from what was just allowed.
        assert.equal(await until('the question is answered', () => hand.outcome(verb.seq)), result);
        assert.equal(await orders(), count);
      }
    });

    it('ends within a frame when the shopper presses Esc', async () => {
      await until('the shopper has been quiet for a while', async () => (await outcome(hand.verb('search', { type: { text: '.' } }))) === 'done');
      await shopper.page.evaluate(stampEscape);
      const verbs = Array.from({ length: 20 }, () => hand.verb('search', { type: { text: 'z' } }));
      for (const verb of verbs.slice(0, 5)) hand.say(verb);
      await until('the agent types', () => shopper.page.$eval('#search', ({ value }) => value.includes('z')));
      const escaped = shopper.page.keyboard.press('Escape');
      for (const verb of verbs.slice(5)) hand.say(verb);
      await escaped;
      await other.hears('control', ({ phase, why }) => phase === 'ended' && why === 'revoked', 'that control is over');
      const { escape, frame, typed } = await until('a frame has passed', () => shopper.page.evaluate(() => window.__stamps.frame && window.__stamps));
      const late = typed.filter((time) => time > escape);
      console.log(`Esc: next frame after ${Math.round((frame - escape) * 10) / 10} ms, ${late.length} letters after it`);
      assert.deepEqual(typed.filter((time) => time > frame), [], 'letters a frame after Esc');
      assert.equal(await outcome(hand.verb('apply', { click: CENTRE })), 'no_grant');
    });

    for (const framework of ['react', 'vue']) {
      it(`types, chooses and clicks for real in ${framework}`, async () => {
        await goTo(shopper, store.page(`pages/${framework}-form`));
        await sameTree(shopper, agent, `with ${framework}`);
        const state = () => shopper.page.$eval('#state', ({ textContent }) => textContent);
        // What was given for one page of the shop holds on the next one.
        if (framework === 'react') await takeControl(agent, shopper);
        await find(agent.page, 'control-granted');
        await typeInView(agent, '#text', 'brass lamp', state);
        await until(`${framework} has what was typed`, async () => (await state()).includes('text=brass lamp '));
        await clickInView(agent, '#gift');
        await until(`${framework} has the box checked`, async () => (await state()).includes('gift=true'));
        await clickInView(agent, '#order');
        await click(shopper.page, 'confirm-yes');
        await until(`${framework} has the order`, async () => (await state()).includes('orders=1'));
        await sameTree(shopper, agent, `after acting in ${framework}`);
        assert.deepEqual(await shopper.page.evaluate(() => window.__probe.errors), []);
      });
    }
  });
}

/** The agent picks the hand, asks, and the shopper agrees. */
async function takeControl(agent, shopper) {
  await click(agent.page, 'ask-control');
  await click(agent.page, 'ask-type');
  await click(shopper.page, 'control-accept');
  await find(agent.page, 'control-granted');
  await click(agent.page, 'tool-act');
}

/** Types where the agent sees a field; again, as a person would, after being told that the shopper is busy just then. */
async function typeInView(agent, selector, text, state) {
  const wasRefused = () => agent.page.evaluate(() => document.querySelector('[data-testid="page-refused"]') !== null);
  const isTyped = async () => (await state()).includes(`text=${text} `);
  for (let attempt = 0; attempt < 3; attempt++) {
    await until('nothing is refused any more', async () => !(await wasRefused()));
    // A page that has just come may come once more, and then no field is chosen any more.
    await until('the letters have a field to go to', async () => {
      await clickInView(agent, selector);
      return agent.page.evaluate(() => document.querySelector('.page-field') !== null && document.activeElement?.dataset.testid === 'page-keys');
    });
    await agent.page.keyboard.type(text);
    await until('it is typed or refused', async () => (await isTyped()) || (await wasRefused()));
    if (await isTyped()) return;
    console.log(await agent.page.$eval('[data-testid="page-refused"]', (line) => line.textContent));
  }
}

/** Clicks an element of the shown page where the agent sees it. */
async function clickInView(agent, selector) {
  const place = await agent.page.evaluate((wanted) => {
    const stage = document.querySelector('.page-holder iframe');
    const shown = [...stage.contentDocument.querySelectorAll('iframe')].findLast(({ style }) => style.visibility !== 'hidden');
    const box = shown.contentDocument.querySelector(wanted).getBoundingClientRect();
    const outer = stage.getBoundingClientRect();
    const scale = outer.width / stage.clientWidth;
    return { x: outer.left + (box.left + box.width / 2) * scale, y: outer.top + (box.top + box.height / 2) * scale };
  }, selector);
  await agent.page.mouse.click(place.x, place.y);
}

/**
 * Runs in the shopper's page: acts as a node would send them, without one having checked them; the last of several
 * viewers sends the last verb. @returns what the page says became of each
 */
async function actPastTheRelay(verbs, ...viewers) {
  const socket = window.__probe.sockets.findLast(({ url, readyState }) => url.endsWith('/v1/share') && readyState === WebSocket.OPEN);
  const outcomes = [];
  const send = socket.send;
  socket.send = (frame) => {
    const message = typeof frame === 'string' ? JSON.parse(frame) : {};
    if (message.t === 'outcome') outcomes.push(message.result);
    else send.call(socket, frame);
  };
  for (const [index, verb] of verbs.entries()) {
    const viewer = index === verbs.length - 1 ? viewers.at(-1) : viewers[0];
    socket.dispatchEvent(new MessageEvent('message', { data: JSON.stringify({ t: 'act', viewer, name: 'Mallory', verb }) }));
    const deadline = performance.now() + 5_000;
    while (outcomes.length <= index && performance.now() < deadline) await new Promise((done) => setTimeout(done, 5));
  }
  socket.send = send;
  return outcomes;
}

/** Runs in the shopper's page: writes down when Esc came, when the frame after it was drawn, and every letter. */
function stampEscape() {
  window.__stamps = { escape: undefined, frame: undefined, typed: [] };
  document.querySelector('#search').addEventListener('input', () => window.__stamps.typed.push(performance.now()));
  // Before the SDK's own listener stops the event: it was there first, so this one listens where keys come up.
  addEventListener('keyup', (event) => event.key === 'Escape' && stamp(), { capture: true });
  const stamp = () => {
    window.__stamps.escape ??= performance.now();
    requestAnimationFrame(() => (window.__stamps.frame ??= performance.now()));
  };
}
