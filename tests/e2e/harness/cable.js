// A TCP cable between pages and a node that can be pulled: what a lost Wi-Fi does to signaling.

import { connect, createServer } from 'node:net';

/** Listens on a free loopback port and leads to `origin`. */
export async function layCable(origin) {
  const target = new URL(origin);
  const cable = new Cable(Number(target.port));
  await cable.listen();
  return cable;
}

class Cable {
  #port;
  #server;
  #sockets = new Set();
  #isPulled = false;
  /** Connections that came while the cable was pulled: proof that somebody tried. */
  refused = 0;

  constructor(port) {
    this.#port = port;
    this.#server = createServer((near) => this.#carry(near));
  }

  get origin() {
    return `http://localhost:${this.#server.address().port}`;
  }

  listen() {
    return new Promise((done) => this.#server.listen(0, '127.0.0.1', done));
  }

  /** Every connection breaks, and none comes through until it is plugged in again. */
  pull() {
    this.#isPulled = true;
    for (const socket of this.#sockets) socket.destroy();
  }

  plug() {
    this.#isPulled = false;
  }

  async close() {
    this.pull();
    await new Promise((done) => this.#server.close(done));
  }

  #carry(near) {
    if (this.#isPulled) {
      this.refused += 1;
      near.destroy();
      return;
    }
    const far = connect(this.#port, '127.0.0.1');
    for (const [from, to] of [
      [near, far],
      [far, near],
    ]) {
      this.#sockets.add(from);
      from.on('error', () => to.destroy());
      from.on('close', () => {
        this.#sockets.delete(from);
        to.destroy();
      });
      from.pipe(to);
    }
  }
}
