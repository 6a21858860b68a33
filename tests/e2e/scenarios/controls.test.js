// What people do during a call: mute, darken, change devices, share a screen, hang up and call again.

import assert from 'node:assert/strict';
import { after, describe } from 'node:test';
import { launch, missing, until } from '../harness/browser.js';
import { startNode } from '../harness/node.js';
import { agentArrives, allMeet, call, click, find, goHome, hearsAndSees, shows, stage, stops, take } from '../harness/people.js';
import { exchanges, media } from '../harness/probe.js';
import { before, it, keeper } from '../harness/scenario.js';

for (const kind of ['chromium', 'firefox']) {
  describe(`during a call in ${kind}`, { skip: missing(kind) }, () => {
    const keep = keeper({ after });
    let node;
    let browser;
    let shopper;
    let agent;

    before(async () => {
      node = keep(await startNode());
      browser = keep(await launch(kind));
      [shopper, agent] = await call(node.origin, browser, browser, { prepare: kind === 'firefox' && drawScreen });
      await allMeet([shopper, agent]);
    });

    const heard = async () => (await media(agent.page)).audio.map(({ energy }) => energy);
    const seen = async () => (await media(agent.page)).video.map(({ frames }) => frames);

    it('muting silences, and unmuting brings the voice back', async () => {
      await click(shopper.page, 'toggle-microphone');
      await stops('the voice', heard);
      await hearsAndSees(agent, 1, { voices: 0 });
      await click(shopper.page, 'toggle-microphone');
      await hearsAndSees(agent, 1);
    });

    it('turning the camera off darkens, and turning it on brings the picture back', async () => {
      await click(shopper.page, 'toggle-camera');
      await stops('the picture', seen);
      await hearsAndSees(agent, 0, { voices: 1 });
      await click(shopper.page, 'toggle-camera');
      await hearsAndSees(agent, 1);
    });

    it('another camera and microphone take over without a new exchange', async () => {
      await click(agent.page, 'open-devices');
      for (const picker of ['pick-camera', 'pick-microphone']) {
        const select = await find(agent.page, picker);
        await until(`${picker} has a choice`, () => select.evaluate((list) => list.options.length > 0));
        await select.evaluate((list) => {
          list.value = list.options[list.options.length - 1].value;
          list.dispatchEvent(new Event('change', { bubbles: true }));
        });
      }
      await click(agent.page, 'devices-close');
      await hearsAndSees(shopper, 1);
      assert.equal((await exchanges(agent.page)).offers, 1);
    });

    it('a shared screen is seen beside the face, and is gone when sharing ends', async () => {
      const frames = await seen();
      await click(shopper.page, 'toggle-screen');
      await find(agent.page, 'remote-screen');
      await until('two pictures are decoded', async () => (await seen()).filter((count) => count > 0).length > 1);
      await hearsAndSees(agent, 1);
      assert.ok(frames.length < (await seen()).length, 'the screen has a slot of its own');
      await click(shopper.page, 'toggle-screen');
      await until('the screen is gone', async () => !(await shows(agent.page, 'remote-screen')));
      await hearsAndSees(agent, 1);
    });

    it('nobody negotiated again, whatever they did', async () => {
      for (const { page, name } of [shopper, agent]) {
        const { offers, errors } = await exchanges(page);
        assert.equal(offers, 1, name);
        assert.deepEqual(errors, []);
      }
    });

    it('a shopper who hangs up can ask again and is helped again', async () => {
      await click(shopper.page, 'hang-up');
      await until('the call is over', async () => (await stage(shopper.page)) === 'ended');
      await goHome(agent);
      await click(shopper.page, 'ask-again');
      await click(shopper.page, 'agree');
      agent = await agentArrives(browser, node.origin);
      // The name was not asked for again, so the only one who waits is taken.
      await take(agent, { name: '' });
      await allMeet([shopper, agent]);
    });
  });
}

/** Headless Firefox has no screen to share: a drawing takes its place. */
function drawScreen() {
  navigator.mediaDevices.getDisplayMedia = async () => {
    const canvas = document.createElement('canvas');
    [canvas.width, canvas.height] = [640, 360];
    const context = canvas.getContext('2d');
    let turn = 0;
    setInterval(() => {
      context.fillStyle = `hsl(${(turn += 7)} 80% 60%)`;
      context.fillRect(0, 0, 640, 360);
    }, 50);
    return canvas.captureStream(15);
  };
}
