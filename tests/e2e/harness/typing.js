// Finds and fills the fields of fixture pages as a person would: by keyboard, wherever the field is.

import { until } from './browser.js';
import { within } from './scenario.js';

/** Canary values by the type of a field. No fixture holds them, so wherever they turn up, somebody let them through. */
export const CANARIES = {
  'cc-number': '4539 5787 6362 1486',
  'cc-name': 'Kasimira Quillfeather',
  'cc-exp': '11/29',
  'cc-exp-month': '11',
  'cc-exp-year': '2029',
  'cc-csc': '739',
  'bank-iban': 'DE89370400440532013000',
  'gift-card': '6364 8107 2295 3348',
  'gift-card-pin': '58203917',
  password: 'Zinnober-Kranich-41',
  'one-time-code': '915372',
  voucher: 'HERBSTLAUB',
  other: 'Wendeltreppe',
};

/** The button that leads on where fields come one by one. */
const STEP = '#devam';

/** What is typed into a labelled field: the whole canary, or the part of a number that is split over four fields. */
export function canaryFor({ is, part }) {
  return part === undefined ? CANARIES[is] : CANARIES[is].split(' ')[part - 1];
}

/**
 * One look at an element may take so long. A frame that its browser moves into another process meanwhile never answers
 * on what was found of it before: the next look begins at the page again.
 */
const LOOK_MS = 3_000;

/**
 * The element at `at`, a path of selectors: ` >>> ` steps into an open shadow root, ` |> ` into a frame of the same or of
 * another origin. Undefined while it is not there.
 */
export function element(page, at) {
  return within(LOOK_MS, look(page, at));
}

async function look(page, at) {
  const [first, ...inner] = at.split(' |> ');
  let scope = page;
  let path = first;
  for (const next of inner) {
    const frame = await (await pierce(scope, path))?.contentFrame();
    if (!frame) return undefined;
    [scope, path] = [frame, next];
  }
  return pierce(scope, path);
}

async function pierce(scope, path) {
  const handle = await scope.evaluateHandle((steps) => {
    let root = document;
    let found = null;
    for (const step of steps) {
      found = root?.querySelector(step) ?? null;
      root = found?.shadowRoot;
    }
    return found;
  }, path.split(' >>> '));
  return handle.asElement() ?? undefined;
}

/** Types into a field, or chooses in a list. `with the keyboard`: every key is an event of its own. */
export async function fill(page, at, text) {
  const takesKeys = await until(`the field at ${at} has the focus or the choice`, async () => {
    const field = await element(page, at);
    return field && (await within(LOOK_MS, field.evaluate(chooseOrFocus, text)));
  });
  if (takesKeys === 'keys') await page.keyboard.type(text);
}

/** Runs in a page, on a field: chooses in a list; gives any other field the focus. */
function chooseOrFocus(field, text) {
  if (field instanceof field.ownerDocument.defaultView.HTMLSelectElement) {
    field.value = text;
    field.dispatchEvent(new Event('input', { bubbles: true }));
    field.dispatchEvent(new Event('change', { bubbles: true }));
    return 'chosen';
  }
  field.scrollIntoView({ block: 'center' });
  field.focus();
  return 'keys';
}

/** Goes on to the field at `at` where fields come one by one. */
export async function next(page, at) {
  const button = await until(`there is a field at ${at}, or a step towards it`, async () => (await element(page, at)) ?? (await element(page, STEP)));
  await button.evaluate((found, step) => found.matches(step) && found.click(), STEP);
}

/** Types its canary into every labelled field of a checkout. */
export async function fillCheckout(page, labels) {
  for (const label of labels) {
    await next(page, label.at);
    await fill(page, label.at, canaryFor(label));
  }
}
