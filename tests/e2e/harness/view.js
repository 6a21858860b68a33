// Serves the agents' view of a shared page alone, under the policies of the console, and drives it.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const ASSETS_RS = readFileSync(`${ROOT}signaling/src/http/assets.rs`, 'utf8');
const TYPES = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript' };

/** A policy as the node has it in its source. */
function policy(name) {
  const found = new RegExp(`const ${name}: &str = "((?:[^"\\\\]|\\\\\\n)*)"`).exec(ASSETS_RS);
  return found[1].replace(/\\\n\s*/g, '');
}

/** Bundles the view and serves it on a free port. */
export async function openView() {
  const folder = mkdtempSync(join(tmpdir(), 'view-'));
  execFileSync('node', [`${ROOT}sdk/test/view/bundle.mjs`, folder], { stdio: 'inherit' });
  const server = createServer((request, response) => {
    const path = request.url === '/' ? '/index.html' : request.url.replace('/console/', '/');
    const isStage = path === '/stage.html';
    try {
      const content = readFileSync(join(folder, path));
      response.writeHead(200, {
        'content-type': TYPES[extname(path)],
        'content-security-policy': policy(isStage ? 'STAGE_POLICY' : 'PAGE_POLICY'),
        'referrer-policy': 'no-referrer',
      });
      response.end(content);
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  return {
    origin: `http://127.0.0.1:${server.address().port}`,
    async close() {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
      rmSync(folder, { recursive: true });
    },
  };
}

/** Plays messages, each a list of events, into the view of `page`, and waits until they are on screen. */
export function play(page, ...messages) {
  return page.evaluate((...messages) => window.view.play(...messages), ...messages.map((events) => JSON.stringify(events)));
}
