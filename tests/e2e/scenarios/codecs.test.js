// Every codec that a browser offers passes the node, chosen by the publisher.

import assert from 'node:assert/strict';
import { after, describe } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { launch, missing, until } from '../harness/browser.js';
import { startNode } from '../harness/node.js';
import { allMeet, call, hearsAndSees } from '../harness/people.js';
import { media } from '../harness/probe.js';
import { before, it, keeper } from '../harness/scenario.js';

const VIDEO = { chromium: ['VP8', 'H264', 'VP9', 'AV1'], firefox: ['VP8', 'VP9', 'AV1'] };

describe('a publisher may choose', { skip: missing('chromium', 'firefox') }, () => {
  const keep = keeper({ after });
  let node;
  const browsers = {};

  before(async () => {
    node = keep(await startNode());
    for (const kind of ['chromium', 'firefox']) browsers[kind] = keep(await launch(kind));
  });

  /** A call for as long as the test `t` lasts; `prepare` is done in the shopper's page. */
  const callDuring = (t, shopperKind, agentKind, prepare) => call(node.origin, browsers[shopperKind].during(t), browsers[agentKind].during(t), { prepare });

  for (const [kind, codecs] of Object.entries(VIDEO)) {
    for (const codec of codecs) {
      it(`${codec} in ${kind}, seen in Chromium`, async (t) => {
        const people = await callDuring(t, kind, 'chromium', prefer('video', codec));
        await allMeet(people);
        const [, agent] = people;
        await until(`the agent decodes ${codec}`, async () => {
          const { video } = await media(agent.page);
          return video.some((slot) => slot.frames > 0 && slot.codec === codec);
        });
      });
    }
  }

  it('VP9 in Chromium, seen in Firefox', async (t) => {
    const people = await callDuring(t, 'chromium', 'firefox', prefer('video', 'VP9'));
    await allMeet(people);
    const { video } = await media(people[1].page);
    assert.equal(video.find(({ frames }) => frames > 0).codec, 'VP9');
  });

  it('redundant sound (RED) in Chromium: Chromium gets it, Firefox gets plain Opus', async (t) => {
    // Browsers' statistics call both Opus; what tells them apart is that redundancy sends everything twice.
    const bytesPerPacket = {};
    for (const kind of ['chromium', 'firefox']) {
      const people = await callDuring(t, 'chromium', kind, prefer('audio', 'red'));
      await allMeet(people);
      const heard = await until('a hundred packets of sound came', async () => {
        const [slot] = (await media(people[1].page)).audio.filter(({ energy }) => energy > 0);
        return slot.packets > 100 && slot;
      });
      bytesPerPacket[kind] = heard.bytes / heard.packets;
    }
    assert.ok(bytesPerPacket.chromium > 1.4 * bytesPerPacket.firefox, JSON.stringify(bytesPerPacket));
  });

  it('pauses in speech that are not sent (DTX)', async (t) => {
    const people = await callDuring(t, 'chromium', 'chromium', `(${useDtx})()`);
    await allMeet(people);
    const [shopper, agent] = people;
    const speak = (enabled) =>
      shopper.page.evaluate((enabled) => {
        const senders = window.__probe.connections.at(-1).getSenders();
        for (const { track } of senders) if (track?.kind === 'audio') track.enabled = enabled;
      }, enabled);
    const packets = async () => (await media(agent.page)).audio[0].packets;
    await speak(false);
    await until('a second of silence takes fewer than ten packets', async () => {
      const before = await packets();
      await delay(1_000);
      return (await packets()) - before < 10;
    });
    await speak(true);
    await hearsAndSees(agent, 1);
  });
});

/** Source that puts a codec first on every m-line that the page sends on. */
function prefer(kind, codec) {
  return `(${(kind, codec) => {
    const createOffer = RTCPeerConnection.prototype.createOffer;
    RTCPeerConnection.prototype.createOffer = function (...args) {
      const { codecs } = RTCRtpSender.getCapabilities(kind);
      const first = codecs.filter(({ mimeType }) => mimeType.toLowerCase() === `${kind}/${codec}`.toLowerCase());
      if (first.length === 0) throw new Error(`${codec} is not offered here`);
      const rest = codecs.filter((other) => !first.includes(other));
      for (const transceiver of this.getTransceivers()) {
        const sends = transceiver.direction.startsWith('send');
        if (sends && transceiver.receiver.track.kind === kind) transceiver.setCodecPreferences([...first, ...rest]);
      }
      return createOffer.apply(this, args);
    };
  }})(${JSON.stringify(kind)}, ${JSON.stringify(codec)})`;
}

/** An answer that wants DTX makes the browser's encoder pause. */
function useDtx() {
  const setRemoteDescription = RTCPeerConnection.prototype.setRemoteDescription;
  RTCPeerConnection.prototype.setRemoteDescription = function ({ type, sdp }) {
    const opus = /a=rtpmap:(\d+) opus/.exec(sdp)[1];
    return setRemoteDescription.call(this, { type, sdp: sdp.replaceAll(`a=fmtp:${opus} `, `a=fmtp:${opus} usedtx=1;`) });
  };
}
