// Starts a real node in dev mode on free ports, as a developer would, and reads its metrics.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { until } from './browser.js';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const BINARY = process.env.TILLSIDE ?? `${ROOT}target/debug/tillside`;

/** The development mode's only tenant, as a file has to name it that says more about it: see signaling/src/config.rs. */
const TENANT = `[[tenants]]
id = "demo"
origins = ["http://localhost:*", "http://127.0.0.1:*", "http://[::1]:*"]
keys = [{ id = "dev", secret = "tillside development key: everybody knows it" }]
`;

/**
 * Starts a node; `settings` are `section.key=value` of its configuration, `cobrowse` lines of what the tenant decides
 * about shared pages.
 */
export async function startNode(settings = [], cobrowse = []) {
  if (!existsSync(BINARY)) throw new Error(`${BINARY} is missing: run \`cargo build -p tillside\` first`);
  const free = [
    'signaling.listen=127.0.0.1:0',
    'admin.listen=127.0.0.1:0',
    'media.udp_port_base=0',
    'media.tcp_port=0',
    'log.level=info',
  ];
  const args = [...free, ...settings].flatMap((setting) => ['--set', setting]);
  const folder = mkdtempSync(join(tmpdir(), 'node-'));
  if (cobrowse.length > 0) {
    const file = join(folder, 'tillside.toml');
    writeFileSync(file, [TENANT, '[tenants.cobrowse]', ...cobrowse].join('\n'));
    args.push('--config', file);
  }
  const child = spawn(BINARY, ['serve', '--dev', ...args], { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  child.stdout.on('data', (data) => (output += data));
  child.stderr.on('data', (data) => (output += data));
  try {
    await until('the node prints its links', () => /\/metrics/.test(output) || child.exitCode !== null);
    if (child.exitCode !== null) throw new Error(`the node ended:\n${output}`);
  } catch (error) {
    child.kill('SIGKILL');
    throw error;
  } finally {
    rmSync(folder, { recursive: true });
  }
  return new Node(child, () => output);
}

class Node {
  #child;
  #output;

  constructor(child, output) {
    this.#child = child;
    this.#output = output;
    this.origin = /http:\/\/localhost:\d+/.exec(output())[0];
    this.admin = /http:\/\/[\d.:]+(?=\/metrics)/.exec(output())[0];
  }

  get pid() {
    return this.#child.pid;
  }

  /** What the node said so far. */
  get output() {
    return this.#output();
  }

  /** One metric: the sum over its samples whose labels contain `labels`. */
  async metric(name, labels = '') {
    const text = await (await fetch(`${this.admin}/metrics`)).text();
    const samples = text.split('\n').filter((line) => line.startsWith(name) && line.includes(labels));
    return samples.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0);
  }

  async close() {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = once(this.#child, 'exit');
    this.#child.kill('SIGTERM');
    // The second signal ends the wait for calls that still run.
    this.#child.kill('SIGINT');
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), 5_000);
    await ended;
    clearTimeout(timer);
  }
}
