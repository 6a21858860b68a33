// The worst SDK there can be: rrweb's recorder with all masking switched off, in a page of ours.

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const SOURCE = readFileSync(fileURLToPath(new URL('../node_modules/@rrweb/record/dist/record.umd.min.cjs', import.meta.url)), 'utf8');

/**
 * Makes every page that opens in `page` from now on record itself, unmasked, as soon as it is parsed. Records wait in
 * the page for [`drain`]; with a function `__deliver` in the page they go there instead.
 */
export async function recordUnmasked(page) {
  await page.evaluateOnNewDocument(`(function () { ${SOURCE}\n }).call(globalThis); (${begin})()`);
}

/** Runs in the page. */
function begin() {
  if (window !== window.top) return; // the outermost page records its frames
  window.__records = [];
  const unmasked = { maskAllInputs: false, maskInputOptions: { password: false }, recordCanvas: false, recordCrossOriginIframes: false };
  const start = () => window.rrwebRecord.record({ ...unmasked, emit: (event) => (window.__deliver ? window.__deliver(event) : window.__records.push(event)) });
  if (document.readyState === 'loading') document.addEventListener('DOMContentLoaded', start);
  else start();
}

/** Takes the records that wait. */
export function drain(page) {
  return page.evaluate(() => window.__records.splice(0));
}

/** The recorder's id of the element that `handle` is. */
export function recorded(handle) {
  return handle.evaluate((element) => window.top.rrwebRecord.record.mirror.getId(element));
}
