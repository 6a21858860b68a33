// Proves the instruments before they measure a node: two peer connections inside one page, no node at all.

import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { after, describe } from 'node:test';
import { launch, missing, until } from '../harness/browser.js';
import { exchanges, media, pictures } from '../harness/probe.js';
import { before, it, keeper } from '../harness/scenario.js';

for (const kind of ['chromium', 'firefox']) {
  describe(`the instruments in ${kind}`, { skip: missing(kind) }, () => {
    const keep = keeper({ after });
    let page;
    const blank = createServer((_, response) => response.end('<!doctype html><video autoplay></video>'));

    before(async () => {
      await new Promise((done) => blank.listen(0, '127.0.0.1', done));
      keep(blank);
      const browser = keep(await launch(kind));
      page = await browser.open(`http://127.0.0.1:${blank.address().port}/`);
    });

    it('sees frames, sound and moving pixels of a call inside the page', async () => {
      await page.evaluate(callYourself);
      const first = await until('media arrives', async () => {
        const now = await media(page);
        return now.video[0]?.frames > 0 && now.audio[0]?.energy > 0 && now;
      });
      await until('frames and energy rise', async () => {
        const now = await media(page);
        return now.video[0].frames > first.video[0].frames + 10 && now.audio[0].energy > first.audio[0].energy;
      });
      const [before] = await until('a picture shows', async () => {
        const seen = await pictures(page);
        return seen[0]?.brightness > 5 && seen;
      });
      await until('the picture moves', async () => (await pictures(page))[0].print !== before.print);
      assert.deepEqual((({ offers, answers }) => ({ offers, answers }))(await exchanges(page)), { offers: 2, answers: 2 });
    });

    it('sees when nothing moves', async () => {
      await page.evaluate(() => window.__probe.connections.forEach((connection) => connection.close()));
      assert.deepEqual((await media(page)).video, []);
    });
  });
}

async function callYourself() {
  const [caller, callee] = [new RTCPeerConnection(), new RTCPeerConnection()];
  callee.ontrack = ({ streams }) => (document.querySelector('video').srcObject = streams[0]);
  const stream = await navigator.mediaDevices.getUserMedia({ audio: true, video: true });
  stream.getTracks().forEach((track) => caller.addTrack(track, stream));
  const describe = async (connection, description) => {
    await connection.setLocalDescription(description);
    while (connection.iceGatheringState !== 'complete') {
      await new Promise((changed) => connection.addEventListener('icegatheringstatechange', changed, { once: true }));
    }
    return connection.localDescription;
  };
  await callee.setRemoteDescription(await describe(caller, await caller.createOffer()));
  await caller.setRemoteDescription(await describe(callee, await callee.createAnswer()));
}
