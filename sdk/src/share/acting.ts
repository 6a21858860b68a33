/**
 * What an agent's act does to the page: the events that the shopper's own hand would make, as far as scripts may.
 *
 * All of them are untrusted events, so file pickers, payment sheets and permission questions stay with the shopper.
 * Whether an act may happen is the executor's business.
 */
import type { PressedKey } from "../protocol";
import { frameOf, isDocument, isElement, isHtml, isHtmlElement } from "./nodes";

const KEY_NAMES: Record<PressedKey, string> = {
	enter: "Enter",
	tab: "Tab",
	escape: "Escape",
	backspace: "Backspace",
	delete: "Delete",
	arrow_up: "ArrowUp",
	arrow_down: "ArrowDown",
	arrow_left: "ArrowLeft",
	arrow_right: "ArrowRight",
	home: "Home",
	end: "End",
};

type TextField = HTMLInputElement | HTMLTextAreaElement;

export function isTextField(element: Element): element is TextField {
	return (
		isHtml(element, "textarea") ||
		(isHtml(element, "input") &&
			!/^(?:checkbox|radio|button|submit|reset|image|file|hidden|range|color)$/.test(element.type))
	);
}

/** Presses and lets go at a place of the element's window. */
export function click(element: Element, x: number, y: number): void {
	const view = element.ownerDocument.defaultView;
	const place = { clientX: x, clientY: y, bubbles: true, cancelable: true, composed: true, view, detail: 1 };
	const pointer = { ...place, pointerId: 1, pointerType: "mouse", isPrimary: true };
	element.dispatchEvent(new PointerEvent("pointerdown", { ...pointer, buttons: 1 }));
	if (element.dispatchEvent(new MouseEvent("mousedown", { ...place, buttons: 1 }))) focus(element);
	element.dispatchEvent(new PointerEvent("pointerup", pointer));
	element.dispatchEvent(new MouseEvent("mouseup", place));
	element.dispatchEvent(new MouseEvent("click", place));
}

/** Focuses what would take the focus if the element was clicked. */
export function focus(element: Element): void {
	const taker = element.closest<HTMLElement>(
		"input, textarea, select, button, a[href], summary, [tabindex], [contenteditable]",
	);
	if (taker !== null) taker.focus({ preventScroll: true });
	else (element.ownerDocument.activeElement as HTMLElement | null)?.blur?.();
}

/** Types text where the caret is, or instead of everything. */
export function type(element: Element, text: string, replace: boolean): void {
	focus(element);
	if (isTextField(element)) {
		const [start, end] = replace ? [0, element.value.length] : caretOf(element);
		edit(element, start, end, text, replace ? "insertReplacementText" : "insertText");
	} else if (isHtmlElement(element) && element.isContentEditable) {
		typeRich(element, text, replace);
	}
}

/** Chooses an option by its place. */
export function select(element: HTMLSelectElement, option: number): boolean {
	const wanted = element.options[option];
	if (wanted === undefined || wanted.disabled) return false;
	element.focus({ preventScroll: true });
	element.selectedIndex = option;
	element.dispatchEvent(new Event("input", { bubbles: true, composed: true }));
	element.dispatchEvent(new Event("change", { bubbles: true }));
	return true;
}

/** Presses a key, and does what the browser would do if the page lets it. */
export function press(element: Element, key: PressedKey): void {
	focus(element);
	const shape = { key: KEY_NAMES[key], code: KEY_NAMES[key], bubbles: true, cancelable: true, composed: true };
	const isAllowed = element.dispatchEvent(new KeyboardEvent("keydown", shape));
	if (isAllowed) pressDefault(element, key);
	element.dispatchEvent(new KeyboardEvent("keyup", shape));
}

/** Scrolls the nearest part that can be scrolled that way, as a wheel does. */
export function scroll(node: Element | Document, dx: number, dy: number): void {
	const inner = isDocument(node) ? node : node.ownerDocument;
	const page = inner.scrollingElement;
	for (let part = isElement(node) ? node : page; part !== null; part = part.parentElement) {
		if (part === page || part === inner.body) break;
		const { overflowX, overflowY } = getComputedStyle(part);
		const takesX = /auto|scroll/.test(overflowX) && overflows(part, dx, 0);
		const takesY = /auto|scroll/.test(overflowY) && overflows(part, 0, dy);
		if (takesX || takesY) return part.scrollBy({ left: dx, top: dy, behavior: "instant" });
	}
	const frame = frameOf(inner);
	if (frame !== null && (page === null || !overflows(page, dx, dy))) return scroll(frame, dx, dy);
	inner.defaultView?.scrollBy({ left: dx, top: dy, behavior: "instant" });
}

/** Whether there is more of a part than is seen, that way. */
function overflows(part: Element, dx: number, dy: number): boolean {
	return (dx !== 0 && part.scrollWidth > part.clientWidth) || (dy !== 0 && part.scrollHeight > part.clientHeight);
}

function pressDefault(element: Element, key: PressedKey): void {
	if (key === "enter") return pressEnter(element);
	if (isHtml(element, "select")) return moveInList(element, key);
	if (!isTextField(element)) return;
	const { value } = element;
	const [start, end] = caretOf(element);
	switch (key) {
		case "backspace":
			return edit(element, start === end ? Math.max(0, start - 1) : start, end, "", "deleteContentBackward");
		case "delete":
			return edit(element, start, start === end ? Math.min(value.length, end + 1) : end, "", "deleteContentForward");
		case "arrow_left":
			return placeCaret(element, start === end ? start - 1 : start);
		case "arrow_right":
			return placeCaret(element, start === end ? end + 1 : end);
		case "home":
			return placeCaret(element, 0);
		case "end":
			return placeCaret(element, value.length);
		default:
	}
}

function pressEnter(element: Element): void {
	if (isHtml(element, "textarea")) {
		const [start, end] = caretOf(element);
		return edit(element, start, end, "\n", "insertLineBreak");
	}
	if (isTextField(element)) {
		element.dispatchEvent(new Event("change", { bubbles: true }));
		const submit = element.form?.querySelector<HTMLElement>(
			"button:not([type=button]):not([type=reset]), input[type=submit]",
		);
		if (submit != null) submit.click();
		else element.form?.requestSubmit();
		return;
	}
	if (isHtmlElement(element)) element.click();
}

function moveInList(element: HTMLSelectElement, key: PressedKey): void {
	const last = element.options.length - 1;
	const at = element.selectedIndex;
	const to: Partial<Record<PressedKey, number>> = { arrow_up: at - 1, arrow_down: at + 1, home: 0, end: last };
	const option = to[key];
	if (option !== undefined && option >= 0 && option <= last) select(element, option);
}

/** Frameworks watch a field's own `value`; the one of its class changes it behind them, as typing does. */
function edit(field: TextField, start: number, end: number, text: string, inputType: string): void {
	const shape = { data: text === "" ? null : text, inputType, bubbles: true, composed: true };
	if (field.readOnly || field.disabled) return;
	if (!field.dispatchEvent(new InputEvent("beforeinput", { ...shape, cancelable: true }))) return;
	const whole = field.value.slice(0, start) + text + field.value.slice(end);
	if (field.maxLength >= 0 && whole.length > field.maxLength) return;
	const of = isHtml(field, "textarea") ? HTMLTextAreaElement.prototype : HTMLInputElement.prototype;
	Object.getOwnPropertyDescriptor(of, "value")?.set?.call(field, whole);
	placeCaret(field, start + text.length);
	field.dispatchEvent(new InputEvent("input", shape));
}

/** The selected range; in fields that tell none (numbers, addresses), the end. */
function caretOf(field: TextField): [number, number] {
	const end = field.value.length;
	return [field.selectionStart ?? end, field.selectionEnd ?? end];
}

function placeCaret(field: TextField, at: number): void {
	if (field.selectionStart === null) return;
	const place = Math.max(0, Math.min(field.value.length, at));
	field.setSelectionRange(place, place);
}

function typeRich(element: HTMLElement, text: string, replace: boolean): void {
	const inner = element.ownerDocument;
	const selection = inner.getSelection();
	if (selection === null) return;
	if (replace || !element.contains(selection.anchorNode)) {
		selection.selectAllChildren(element);
		if (!replace) selection.collapseToEnd();
	}
	const shape = { data: text, inputType: "insertText", bubbles: true, composed: true };
	if (!element.dispatchEvent(new InputEvent("beforeinput", { ...shape, cancelable: true }))) return;
	// Old, but the only way that editors and their undo take part in.
	inner.execCommand("insertText", false, text);
}
