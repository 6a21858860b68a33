// Whether an agent sees what the shopper sees: the trees side by side, and the pictures, but for what is hidden.

import assert from 'node:assert/strict';
import { until } from './browser.js';

/** The picture is compared in so many columns and rows; letters differ by a pixel here and there, areas do not. */
const GRID = { columns: 48, rows: 32 };

/** How much the mean colour of a cell may differ, of 255, and how many cells may differ more than that. */
const [COLOUR_DIFFERENCE_MAX, CELLS_MAX] = [24, 0.03];

/** Waits until the agent's view has the same tree as the shopper's page. */
export async function sameTree(shopper, agent, what) {
  let different;
  await until(`the agent's view equals the page ${what}`, async () => {
    const [theirs, seen] = await Promise.all([shopper.page.evaluate(outline, false), agent.page.evaluate(outline, true)]);
    if (!seen) throw new Error('nothing is shown');
    different = difference(theirs, seen, 'document');
    if (different) throw new Error(different);
    return true;
  });
}

/** Compares what both have on screen; hidden boxes and the widget are left out. @returns the share of cells that differ */
export async function samePicture(shopper, agent, what, cellsMax = CELLS_MAX) {
  const hidden = await agent.page.evaluate(hiddenBoxes);
  await shopper.page.evaluate(() => document.querySelectorAll('tillside-help, tillside-badge, tillside-overlay').forEach((part) => (part.style.visibility = 'hidden')));
  const stage = await agent.page.$('.page-holder iframe');
  const [theirs, seen] = await Promise.all([shopper.page.screenshot({ encoding: 'base64' }), stage.screenshot({ encoding: 'base64' })]);
  const share = await agent.page.evaluate(unlikeCells, theirs, seen, hidden, { ...GRID, difference: COLOUR_DIFFERENCE_MAX });
  await shopper.page.evaluate(() => document.querySelectorAll('tillside-help, tillside-badge, tillside-overlay').forEach((part) => (part.style.visibility = '')));
  assert.ok(share <= cellsMax, `${what}: ${Math.round(share * 100)} % of the picture differ`);
  return share;
}

/** Runs in a page: the tree that people see, as plain data. `isView`: that of the page shown in the console. */
export function outline(isView) {
  const SKIPPED = ['script', 'noscript', 'template', 'meta', 'link', 'style', 'base', 'title', 'head', 'object', 'embed'];
  const shown = () => {
    const stage = document.querySelector('.page-holder iframe')?.contentDocument;
    return [...(stage?.querySelectorAll('iframe') ?? [])].findLast(({ style }) => style.visibility !== 'hidden')?.contentDocument;
  };
  const describe = (node) => {
    if (node.nodeType === Node.TEXT_NODE) return node.data.trim() && { text: node.data.replaceAll(/\s+/g, ' ').trim() };
    if (node.nodeType !== Node.ELEMENT_NODE) return undefined;
    const tag = node.localName;
    if (SKIPPED.includes(tag) || tag.startsWith('tillside-')) return undefined;
    const level = node.getAttribute('data-tillside-level');
    const shared = node.dataset?.tillside === 'share' || isView;
    const state = { id: node.id, class: node.getAttribute('class') ?? '', checked: node.checked ?? false, open: node.open ?? false, disabled: node.disabled ?? false };
    // Options keep their words and lose their values.
    const held = tag === 'select' ? node.selectedOptions[0]?.text : node.value;
    const value = shared && ['input', 'textarea', 'select'].includes(tag) && node.type !== 'hidden' ? held : undefined;
    if (level) return { tag, level };
    return { tag, ...state, value, children: inside(node), shadow: node.shadowRoot ? inside(node.shadowRoot) : undefined, frame: frame(node, tag) };
  };
  const frame = (node, tag) => {
    if (tag !== 'iframe') return undefined;
    try {
      return node.contentDocument?.body ? inside(node.contentDocument) : undefined;
    } catch {
      return undefined;
    }
  };
  const inside = (node) => {
    const list = [];
    for (const child of node.childNodes) {
      const described = describe(child);
      if (!described) continue;
      // Two texts side by side are one text to a reader.
      if (described.text && list.at(-1)?.text) list.at(-1).text += ` ${described.text}`;
      else list.push(described);
    }
    return list;
  };
  const root = isView ? shown() : document;
  return root?.documentElement ? { tag: 'document', children: inside(root) } : undefined;
}

/** Where two trees first differ, in words; undefined where they do not. */
export function difference(theirs, seen, path) {
  if (seen.level) return undefined;
  if (theirs.text !== undefined || seen.text !== undefined) {
    return theirs.text === seen.text ? undefined : `${path}: the text ${JSON.stringify(theirs.text)} is shown as ${JSON.stringify(seen.text)}`;
  }
  if (theirs.tag !== seen.tag) return `${path}: ${theirs.tag} is shown as ${seen.tag}`;
  const here = `${path} > ${theirs.tag}${theirs.id ? `#${theirs.id}` : ''}`;
  for (const name of ['id', 'class', 'checked', 'open', 'disabled']) {
    if (theirs[name] !== seen[name]) return `${here}: ${name} ${theirs[name]} is shown as ${seen[name]}`;
  }
  if (theirs.value !== undefined && theirs.value !== seen.value) return `${here}: the shared value ${theirs.value} is shown as ${seen.value}`;
  for (const part of ['children', 'shadow', 'frame']) {
    // Nobody may look into a frame from elsewhere.
    if (part === 'frame' && !theirs.frame) continue;
    const [left, right] = [theirs[part] ?? [], seen[part] ?? []];
    for (let index = 0; index < Math.max(left.length, right.length); index += 1) {
      if (!left[index]) return `${here}: ${JSON.stringify(right[index]).slice(0, 200)} is shown and not there`;
      if (!right[index]) return `${here}: ${JSON.stringify(left[index]).slice(0, 200)} is not shown`;
      const found = difference(left[index], right[index], here);
      if (found) return found;
    }
  }
  return undefined;
}

/** Runs in the console: boxes of what is hidden, as fractions of the shown window: `[[x, y, width, height]]`. */
function hiddenBoxes() {
  const stage = document.querySelector('.page-holder iframe').contentDocument;
  const shown = [...stage.querySelectorAll('iframe')].findLast(({ style }) => style.visibility !== 'hidden').contentDocument;
  const { innerWidth: width, innerHeight: height } = shown.defaultView;
  const boxes = [];
  const collect = (root, left, top) => {
    for (const element of root.querySelectorAll('*')) {
      const box = element.getBoundingClientRect();
      const place = [left + box.left, top + box.top, box.width, box.height];
      // What stands in fields is nobody's but the shopper's: typed or not, it is drawn another way.
      if (element.hasAttribute('data-tillside-level') || element.matches('input, select, textarea')) boxes.push([place[0] / width, place[1] / height, place[2] / width, place[3] / height]);
      if (element.shadowRoot) collect(element.shadowRoot, left, top);
      if (element.localName === 'iframe' && element.contentDocument) collect(element.contentDocument, left + box.left, top + box.top);
    }
  };
  collect(shown, 0, 0);
  return boxes;
}

/** Runs in the console: how many cells of two pictures differ in their mean colour, 0 to 1. */
async function unlikeCells(first, second, hidden, { columns, rows, difference: limit }) {
  const cells = async (picture) => {
    const bytes = Uint8Array.from(atob(picture), (letter) => letter.charCodeAt(0));
    const image = await createImageBitmap(new Blob([bytes], { type: 'image/png' }));
    const canvas = new OffscreenCanvas(columns, rows);
    const context = canvas.getContext('2d');
    context.imageSmoothingQuality = 'high';
    context.drawImage(image, 0, 0, columns, rows);
    return context.getImageData(0, 0, columns, rows).data;
  };
  const [one, other] = [await cells(first), await cells(second)];
  let [compared, unlike] = [0, 0];
  for (let row = 0; row < rows; row += 1) {
    for (let column = 0; column < columns; column += 1) {
      const [left, top, right, bottom] = [(column - 0.5) / columns, (row - 0.5) / rows, (column + 1.5) / columns, (row + 1.5) / rows];
      if (hidden.some(([x, y, width, height]) => x < right && x + width > left && y < bottom && y + height > top)) continue;
      compared += 1;
      const at = 4 * (row * columns + column);
      if ([0, 1, 2].some((channel) => Math.abs(one[at + channel] - other[at + channel]) > limit)) unlike += 1;
    }
  }
  return compared === 0 ? 1 : unlike / compared;
}
