// Looks for canaries in what reached somebody who must not have them.

import { CANARIES } from './typing.js';

/** Digits of a number that must not stand together, separators aside. */
const RUN = 5;

/** Numbers of which not even a part may be seen. */
const NUMBERS = ['cc-number', 'gift-card', 'bank-iban'];

/** Words that must not be seen as a whole, anywhere. */
const WORDS = ['cc-name', 'password', 'gift-card-pin', 'one-time-code', 'other'];

/** Too short to be looked for in the middle of something: not as a value of its own. */
const SHORT = ['cc-csc', 'cc-exp'];

/** Canaries in rrweb events. Times are left out: any digits may stand in them. */
export function leaksInEvents(events) {
  return [...new Set(events.flatMap((event) => texts({ ...event, timestamp: undefined }).flatMap((text) => leaksIn(text))))];
}

/** Canaries in one text, by kind; `run`: digits of a number that make a leak, more where other numbers are about. */
export function leaksIn(text, run = RUN) {
  const squeezed = text.replaceAll(/[\s\u00a0-]/g, '');
  const found = [];
  for (const kind of NUMBERS) if (runs(CANARIES[kind], run).some((part) => squeezed.includes(part))) found.push(kind);
  for (const kind of WORDS) if (text.includes(CANARIES[kind])) found.push(kind);
  for (const kind of SHORT) if (text.trim() === CANARIES[kind]) found.push(kind);
  return found;
}

function runs(number, length) {
  const digits = number.replaceAll(/\D/g, '');
  return Array.from({ length: digits.length - length + 1 }, (_, start) => digits.slice(start, start + length));
}

/** All texts, names and numbers of a JSON value. */
function texts(value) {
  if (typeof value === 'string') return [value];
  if (typeof value === 'number') return [String(value)];
  if (typeof value !== 'object' || value === null) return [];
  const own = Array.isArray(value) ? [] : Object.keys(value);
  return [...own, ...Object.entries(value).flatMap(([name, member]) => (name === 'timeOffset' ? [] : texts(member)))];
}

/** Runs in a console: all that the shown page holds, as one list of texts: words, attributes, values. */
export function everythingShown() {
  const found = [];
  const collect = (root) => {
    for (const element of root.querySelectorAll('*')) {
      for (const { name, value } of element.attributes) found.push(name, value);
      if (typeof element.value === 'string') found.push(element.value);
      for (const child of element.childNodes) if (child.nodeType !== Node.ELEMENT_NODE) found.push(child.nodeValue ?? '');
      if (element.shadowRoot) collect(element.shadowRoot);
      if (element.localName === 'iframe' && element.contentDocument) collect(element.contentDocument);
    }
    for (const sheet of [...(root.styleSheets ?? []), ...(root.adoptedStyleSheets ?? [])]) for (const rule of sheet.cssRules) found.push(rule.cssText);
    found.push(root.body?.innerText ?? root.textContent ?? '');
  };
  collect(document.querySelector('.page-holder iframe').contentDocument);
  return found;
}
