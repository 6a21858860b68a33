// Sockets of shared pages without a browser: a sharer that sends what it likes, a viewer that keeps all it gets.

import { setTimeout as delay } from 'node:timers/promises';
import WebSocket from 'ws';
import { until } from './browser.js';

/** Opens `/v1/share` with a ticket and waits for the node's welcome. */
export async function openShare(origin, ticket) {
  const socket = new ShareSocket(`${origin.replace('http', 'ws')}/v1/share`, ticket);
  try {
    await until('the node lets the socket in', () => socket.heard('welcome').length > 0 || socket.failure());
  } catch (error) {
    await socket.close();
    throw error;
  }
  return socket;
}

class ShareSocket {
  /** JSON objects that came as text. */
  texts = [];
  /** Everything else that came, as it came. */
  binaries = [];
  isClosed = false;
  #socket;
  #problem;

  constructor(url, ticket) {
    this.#socket = new WebSocket(url, { perMessageDeflate: false });
    this.#socket.on('open', () => this.say({ t: 'hello', v: [1], ticket }));
    this.#socket.on('message', (data, isBinary) => {
      if (isBinary) this.binaries.push(data);
      else this.texts.push(JSON.parse(data.toString()));
    });
    this.#socket.on('close', () => (this.isClosed = true));
    this.#socket.on('error', (error) => (this.#problem = error));
  }

  /** The messages of one kind so far. */
  heard(kind) {
    return this.texts.filter(({ t }) => t === kind);
  }

  failure() {
    if (this.#problem) throw this.#problem;
    return this.isClosed && this.heard('bye').length > 0;
  }

  /** All rrweb events so far, of all binary messages. */
  get events() {
    return this.binaries.filter((data) => data[0] === '['.charCodeAt(0)).flatMap((data) => JSON.parse(data.toString()));
  }

  /** All bytes that came, as one text to search in. */
  get everything() {
    return [...this.binaries.map((data) => data.toString('latin1') + data.toString('utf8')), ...this.texts.map((text) => JSON.stringify(text))].join('\n');
  }

  say(message) {
    this.#socket.send(JSON.stringify(message));
  }

  /** Sends events as a page's SDK does. */
  record(events) {
    this.#socket.send(Buffer.from(JSON.stringify(events)), { binary: true });
  }

  /** Sends bytes as they are. */
  raw(bytes) {
    this.#socket.send(bytes, { binary: true });
  }

  /** What is sent and not yet taken by the kernel, in bytes. */
  get waiting() {
    return this.#socket.bufferedAmount;
  }

  /** Reads no more: the node's queue fills. */
  stopReading() {
    this.#socket._socket.pause();
  }

  readOn() {
    this.#socket._socket.resume();
  }

  async close() {
    this.#socket.terminate();
    while (this.#socket.readyState !== WebSocket.CLOSED) await delay(5);
  }
}
