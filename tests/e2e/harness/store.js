// A store of our own: serves the fixture pages under a strict Content Security Policy, with the help widget of the node
// under test embedded as a store's developer would embed it.
//
// One server, two origins: `http://localhost` is the shop, `http://127.0.0.1` a payment provider that hosts fields.
// Owns what a page is served with; knows nothing of what tests do with it.

import { createServer } from 'node:http';
import { readFileSync } from 'node:fs';
import { extname, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';

const FIXTURES = fileURLToPath(new URL('../../fixtures/', import.meta.url));
const MODULES = fileURLToPath(new URL('../node_modules/', import.meta.url));

const TYPES = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript', '.css': 'text/css', '.json': 'application/json', '.png': 'image/png', '.svg': 'image/svg+xml', '.woff': 'font/woff' };

/** Files that only those get who have been on a page of the shop: its cookie stands for a login. */
const PRIVATE = '/private/';
const COOKIE = 'signed_in=yes';

/** Every labelled checkout: `{name: [{at, is, part?}]}`; `at` is a path as [`element`](people.js) reads it. */
export const CHECKOUTS = Object.fromEntries(
  Object.entries(JSON.parse(readFileSync(`${FIXTURES}checkouts/labels.json`, 'utf8'))).map(([name, labels]) => [
    name,
    labels.map(([at, is, part]) => ({ at, is, part })),
  ]),
);

/** Opens the store on a free port. `help` is the origin of the node whose widget it embeds; without it there is none. */
export async function openStore({ help } = {}) {
  const store = new Store(help);
  await store.listen();
  return store;
}

class Store {
  /** Who asked for what: the browser's `User-Agent`, and the path. */
  visits = [];
  #help;
  #server = createServer((request, response) => this.#serve(request, response));

  constructor(help) {
    this.#help = help;
  }

  get port() {
    return this.#server.address().port;
  }

  /** The shop. */
  get origin() {
    return `http://localhost:${this.port}`;
  }

  /** The payment provider. */
  get provider() {
    return `http://127.0.0.1:${this.port}`;
  }

  /** The address of a fixture: `checkouts/en-plain`, `pages/large?nodes=900`. */
  page(name) {
    const [path, query] = name.split('?');
    return `${this.origin}/${path}.html${query ? `?${query}` : ''}`;
  }

  async listen() {
    await new Promise((done) => this.#server.listen(0, '127.0.0.1', done));
  }

  async close() {
    this.#server.closeAllConnections();
    await new Promise((done) => this.#server.close(done));
  }

  async #serve(request, response) {
    try {
      const { pathname } = new URL(request.url, this.origin);
      this.visits.push({ browser: request.headers['user-agent'], path: pathname });
      if (pathname === '/help-token') return await this.#mint(request, response);
      if (pathname.startsWith(PRIVATE) && !request.headers.cookie?.includes(COOKIE)) return response.writeHead(403).end();
      const { body, type } = this.#file(pathname);
      const login = pathname.startsWith('/pages/') && { 'set-cookie': `${COOKIE}; Path=/; HttpOnly; SameSite=Strict` };
      response.writeHead(200, { 'content-type': type, 'cache-control': 'no-store', 'content-security-policy': this.#policy(pathname), ...login });
      response.end(body);
    } catch (error) {
      response.writeHead(error.code === 'ENOENT' ? 404 : 500).end(String(error.message));
    }
  }

  #file(pathname) {
    const type = TYPES[extname(pathname)] ?? 'application/octet-stream';
    if (pathname === '/vendor/react.js') return { type, body: react() };
    if (pathname === '/vendor/vue.js') return { type, body: readFileSync(`${MODULES}vue/dist/vue.runtime.esm-browser.prod.js`) };
    const body = readFileSync(FIXTURES + normalize(pathname).replace(/^\/+/, ''));
    return { type, body: extname(pathname) === '.html' ? this.#dress(pathname, body.toString()) : body };
  }

  /** A page with the addresses that depend on where things run, and with the widget. */
  #dress(pathname, html) {
    const page = html.replaceAll('{{hosted}}', this.provider);
    const isWhole = !/^\/hosted\/|-fields|\/blank/.test(pathname);
    if (!this.#help || !isWhole) return page;
    const widget = `<script type="module" src="${this.#help}/sdk/widget.js"></script>
<tillside-help server="${this.#help}" store="Fixture" token-url="/help-token"></tillside-help>`;
    return page.replace('</body>', `${widget}\n</body>`);
  }

  /** Nothing inline, nothing evaluated, nothing from elsewhere but the node and the provider's frames. */
  #policy(pathname) {
    const node = this.#help ? ` ${this.#help}` : '';
    const socket = this.#help ? ` ${this.#help.replace('http', 'ws')}` : '';
    // The pages that restyle themselves do it with style elements, as component libraries do.
    const inlineStyles = pathname.startsWith('/pages/') ? " 'unsafe-inline'" : '';
    return [
      "default-src 'none'",
      `script-src 'self'${node}`,
      `style-src 'self'${inlineStyles}`,
      `connect-src 'self'${node}${socket}`,
      `frame-src 'self' ${this.provider}`,
      "img-src 'self'",
      "font-src 'self'",
      "form-action 'self'",
      "base-uri 'none'",
    ].join('; ');
  }

  /** What a store's back end does: asks the node for a token of its visitor. */
  async #mint(request, response) {
    let body = '';
    for await (const piece of request) body += piece;
    const { name, room } = JSON.parse(body);
    const token = await devToken(this.#help, { role: 'shopper', name, room });
    response.writeHead(200, { 'content-type': TYPES['.json'] }).end(JSON.stringify({ token }));
  }
}

/** A token from a node in dev mode: that of a visitor, or of whatever role a test needs. */
export async function devToken(node, { role, name, room }) {
  const grants = {
    publish: ['microphone', 'camera', 'screen'],
    subscribe: true,
    moderate: role === 'agent',
    cobrowse: role === 'shopper' ? 'share' : 'control',
    ...(room && { room }),
  };
  const answer = await fetch(`${node}/v1/dev/token`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ sub: `${role} ${name}`, name, role, grants }),
  });
  if (!answer.ok) throw new Error(`no token: ${answer.status} ${await answer.text()}`);
  return (await answer.json()).token;
}

/** React as one ES module: its packages are CommonJS, and a page under a strict policy loads no bundler's helpers. */
function react() {
  const packages = {
    react: 'react/cjs/react.production.js',
    scheduler: 'scheduler/cjs/scheduler.production.js',
    'react-dom': 'react-dom/cjs/react-dom.production.js',
    'react-dom/client': 'react-dom/cjs/react-dom-client.production.js',
  };
  const wrapped = Object.entries(packages).map(
    ([name, path]) => `${JSON.stringify(name)}(exports, require, module) {\n${readFileSync(MODULES + path, 'utf8')}\n}`,
  );
  return `const packages = {\n${wrapped.join(',\n')}\n};
const loaded = {};
function require(name) {
  if (!loaded[name]) {
    const module = { exports: (loaded[name] = {}) };
    packages[name](module.exports, require, module);
    loaded[name] = module.exports;
  }
  return loaded[name];
}
export const { createElement, useState } = require('react');
export const { createRoot } = require('react-dom/client');
`;
}
