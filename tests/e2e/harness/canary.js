// A server that nobody has a reason to call. Every request to it is a leak.

import { createServer } from 'node:http';

/** The one page that tests may open here: it has no policy, so anything in it may run and load. */
const OPEN_PAGE = '/open';

/** Listens on a free loopback port. */
export async function openCanary() {
  const canary = new Canary();
  await canary.listen();
  return canary;
}

class Canary {
  /** Paths that were asked for. */
  requests = [];
  #server = createServer((request, response) => {
    if (request.url === OPEN_PAGE) return response.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html><title>Open</title>');
    this.requests.push(request.url);
    // Whoever comes gets something that runs, whatever it was taken for.
    response.writeHead(200, { 'content-type': 'text/javascript', 'access-control-allow-origin': '*' });
    response.end('window.__ran = "loaded"; top.__ran = "loaded";');
  });

  get origin() {
    return `http://127.0.0.1:${this.#server.address().port}`;
  }

  get openPage() {
    return `${this.origin}${OPEN_PAGE}`;
  }

  async listen() {
    await new Promise((done) => this.#server.listen(0, '127.0.0.1', done));
  }

  async close() {
    this.#server.closeAllConnections();
    await new Promise((done) => this.#server.close(done));
  }
}
