// Page content that attacks the agent's browser, made into whole pages, and what tells that an attack got through.

import { numbered } from '../../fixtures/vectors/payload.js';
import { vectors } from '../../fixtures/vectors.js';

/** Vectors that share a page. A page that is refused is sent again vector by vector. */
const GROUP = 20;

/** Ids of the parts of a hostile page that vectors may name. */
const PARTS = { document: 1, html: 2, head: 3, style: 4, body: 6, box: 7, image: 8 };
const [SHEET_TEXT, PLACE, MARKER, MARKER_TEXT, FIRST_FREE] = [5, 9, 10, 11, 100];

/** All vectors towards `canary`, in groups that share a page. */
export function hostileGroups(canary) {
  const all = vectors(canary);
  return Array.from({ length: Math.ceil(all.length / GROUP) }, (_, index) => all.slice(index * GROUP, (index + 1) * GROUP));
}

/**
 * Lists of events that bring `group` into a page: as a snapshot, then once more as additions, then its own events, and
 * at last `marker` as a text, which shows that all before it was played.
 */
export function hostilePage(group, marker) {
  let last = FIRST_FREE;
  const next = () => (last += 1);
  const nodes = () => group.flatMap(({ nodes = [] }) => nodes.map((node) => numbered(node, next)));
  const late = group.flatMap(({ events }) => events?.({ ...PARTS, next }) ?? []);
  return [
    [{ type: 4, data: { href: 'https://shop.example/', width: 800, height: 600 } }, { type: 2, data: { node: skeleton(nodes()), initialOffset: { left: 0, top: 0 } } }],
    [change({ adds: nodes().map((node) => ({ parentId: PLACE, nextId: null, node })) })],
    ...late.map((event) => [event]),
    [change({ texts: [{ id: MARKER_TEXT, value: marker }] })],
  ].map((events) => events.map((event, index) => ({ ...event, timestamp: 1_800_000_000_000 + index })));
}

function change(parts) {
  return { type: 3, data: { source: 0, texts: [], attributes: [], removes: [], adds: [], ...parts } };
}

function skeleton(inside) {
  const element = (tagName, id, ...childNodes) => ({ type: 2, tagName, attributes: {}, childNodes, id });
  const text = (id, textContent) => ({ type: 3, textContent, id });
  return {
    type: 0,
    id: PARTS.document,
    childNodes: [
      element('html', PARTS.html,
        element('head', PARTS.head, element('style', PARTS.style, text(SHEET_TEXT, 'p { color: black }'))),
        element('body', PARTS.body,
          element('div', PARTS.box), element('img', PARTS.image), element('div', PLACE, ...inside), element('p', MARKER, text(MARKER_TEXT, 'not yet')))),
    ],
  };
}

/** Runs in the agent's page before its scripts: writes down every sign that a script of a shared page ran. */
export function watchForHarm() {
  const harm = { ran: [], asked: [] };
  Object.defineProperty(window, '__harm', { value: harm });
  Object.defineProperty(window, '__ran', { get: () => undefined, set: (number) => harm.ran.push(number) });
  for (const ask of ['alert', 'confirm', 'prompt', 'print', 'open']) window[ask] = () => void harm.asked.push(ask);
}

/**
 * Runs in the agent's page: clicks whatever can be clicked in the shared page, as if the agent had been talked into it,
 * and tells what went wrong so far: `{ran, asked, touched}`.
 */
export function provoke() {
  const documents = [];
  const collect = (root) => {
    for (const frame of root.querySelectorAll('iframe')) {
      if (!frame.contentDocument) continue;
      documents.push(frame.contentDocument);
      collect(frame.contentDocument);
    }
  };
  collect(document);
  const touched = [];
  if ({}.polluted !== undefined) touched.push('Object.prototype');
  for (const inner of documents) {
    for (const element of inner.querySelectorAll('a, area, button, input, summary, label, option, [tabindex]')) element.click?.();
    for (const form of inner.querySelectorAll('form')) HTMLFormElement.prototype.requestSubmit.call(form);
    if (inner.defaultView.__ran !== undefined) touched.push(`__ran in ${inner.URL}`);
    if (inner.querySelector('script, object, embed, base, [onerror], [onload], [srcdoc*="onerror"]')) touched.push(`forbidden element in ${inner.URL}`);
  }
  const { ran, asked } = window.__harm;
  return { ran, asked, touched, title: document.title };
}

/**
 * Runs in the agent's page before its scripts: the socket of shared pages leads into the test, `window.__fed`, so that
 * what no relay has seen reaches the view.
 */
export function feedByHand() {
  const Native = window.WebSocket;
  window.WebSocket = class extends Native {
    constructor(url, ...rest) {
      if (!String(url).endsWith('/v1/share')) {
        super(url, ...rest);
        return;
      }
      const socket = Object.assign(Object.create(null), {
        sockets: (window.__fed?.sockets ?? 0) + 1,
        isOpen: false,
        close() {},
        send(frame) {
          const message = JSON.parse(frame);
          if (message.t === 'hello') {
            socket.say({ t: 'welcome', share: 'hand-fed', as: 'viewer', name_of_sharer: 'Nobody', images: false });
            socket.isOpen = true;
          } else if (message.t === 'ping') socket.say({ t: 'pong', ts: message.ts });
        },
        say: (message) => socket.onmessage?.({ data: JSON.stringify(message) }),
        feed: (events) => socket.onmessage?.({ data: new TextEncoder().encode(JSON.stringify(events)).buffer }),
      });
      window.__fed = socket;
      setTimeout(() => socket.onopen?.());
      return socket;
    }
  };
}
