// Verbs as an agent's console sends them, made without one: for agents who do not keep to its rules.

/** 32-bit FNV-1a over tag, `id`, `type` and `role`, each followed by a line feed, as PROTOCOL.md says. */
export function fingerprint({ tagName, attributes }) {
  let hash = 0x811c9dc5;
  const text = [tagName, attributes.id, attributes.type, attributes.role].map((part) => `${part ?? ''}\n`).join('');
  for (const byte of Buffer.from(text)) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash >>> 0;
}

/** A viewer who speaks verbs on a raw socket. */
export class Hand {
  #socket;
  #seq = 0;

  constructor(socket) {
    this.#socket = socket;
  }

  /** The epoch of the last snapshot that came. */
  get epoch() {
    const states = this.#socket.events.filter(({ type, data }) => type === 5 && data.tag === 'tillside.state');
    return states.at(-1).data.payload.epoch;
  }

  /** The element with this `id` in the page as it came last, as rrweb wrote it. */
  node(id) {
    const search = (node) => (node.attributes?.id === id ? node : (node.childNodes ?? []).map(search).find(Boolean));
    const roots = this.#socket.events.flatMap(({ type, data }) => (type === 2 ? [data.node] : type === 3 && data.source === 0 ? data.adds.map(({ node }) => node) : []));
    const found = roots.map(search).findLast(Boolean);
    if (!found) throw new Error(`#${id} was never seen`);
    return found;
  }

  /** A verb on the element with this `id`; `changes` replace members of it. */
  verb(id, act, changes = {}) {
    const node = this.node(id);
    this.#seq += 1;
    return { seq: this.#seq, epoch: this.epoch, node: node.id, fingerprint: fingerprint(node), act, ...changes };
  }

  say(verb) {
    this.#socket.say({ t: 'verb', verb });
  }

  /** What became of the verb with this number; undefined: nothing yet. */
  outcome(seq) {
    return this.#socket.heard('outcome').findLast((outcome) => outcome.seq === seq)?.result;
  }
}
