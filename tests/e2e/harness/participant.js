// People without a face: a page that has joined a room by the SDK's client and nothing else. The test speaks for it,
// on the session by its page, on `/v1/share` by a socket of the test's own.

import { until } from './browser.js';
import { devToken } from './store.js';

let people = 0;

/** Joins a room of `node`. The page is one of `store`'s, without a widget. */
export async function participate(browser, { node, store, role, room }) {
  people += 1;
  const name = `${role} ${people}`;
  const page = await browser.open(store.page('pages/blank'));
  const token = await devToken(node.origin, { role, name, room });
  await page.evaluate(
    async (server, given) => {
      const { TillsideClient } = await import(`${server}/sdk/client.js`);
      window.client = new TillsideClient({ server, ...given });
      await window.client.join();
    },
    node.origin,
    { token, room },
  );
  return new Participant(page, name);
}

class Participant {
  constructor(page, name) {
    this.page = page;
    this.name = name;
  }

  /** Says something on the session. */
  say(message) {
    return this.page.evaluate((frame) => {
      const socket = window.__probe.sockets.findLast(({ url, readyState }) => url.endsWith('/v1/ws') && readyState === WebSocket.OPEN);
      socket.send(JSON.stringify(frame));
    }, message);
  }

  /** What the session was told about shares and control, oldest first. */
  told(kind) {
    return this.page.evaluate((t) => window.__probe.told.filter((message) => message.t === t), kind);
  }

  /** Waits for word of a share that `matches`. */
  hears(kind, matches, what) {
    return until(`${this.name} hears ${what}`, async () => (await this.told(kind)).findLast(matches));
  }

  /** The ticket of the share that is live. */
  async ticket() {
    return (await this.hears('share', ({ ticket }) => ticket, 'of a live share')).ticket;
  }
}
