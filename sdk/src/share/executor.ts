/**
 * Does what an agent asks for, if the shopper allows it right now.
 *
 * The relay has checked the same before. This is the shopper's own copy of the rules: the grant, the page, what is
 * hidden, who acts. A grant that was taken back is gone before anybody else hears of it.
 */
import type { Act, Guard, Rung, VerbResult } from "../protocol";
import * as acting from "./acting";
import { fingerprintOf } from "./fingerprint";
import { guardOf } from "./guard";
import { LEVEL, type Level, levelOf } from "./mask";
import { isDocument, isElement, isHtml, isHtmlElement, parentOf } from "./nodes";
import { Overlay } from "./overlay";
import type { Control } from "./page_share";
import { isSecret } from "./payment";
import { cornerOf, reach } from "./reach";
import type { ShareAct } from "./wire";

/** For how long the shopper's own input keeps agents from acting, in milliseconds. */
const SHOPPER_FIRST_MS = 1_500;
/** Longest wait for the shopper's yes; then the act has had its time. */
const CONFIRM_MS_MAX = 60_000;
/** Until a page is left, so that the outcome is sent first, in milliseconds. */
const LEAVE_AFTER_MS = 60;

const RUNGS: readonly Rung[] = ["point", "click", "type", "navigate"];
const SHOWS = new Set(["point", "highlight", "draw"]);
const TRAVELS = new Set(["back", "forward", "reload"]);

export interface ExecutorTarget {
	/** The node of that number, as the relay has it. */
	node: (id: number) => Node | undefined;
	/** How hidden a node was told. */
	level: (node: Node) => Level | undefined;
	/** Asks the shopper whether an act may happen. */
	confirm: (name: string, guard: Guard, label: string) => Promise<boolean>;
	/** The shopper pressed Esc. */
	onRevoke: () => void;
}

export class Executor {
	readonly #target: ExecutorTarget;
	readonly #overlay = new Overlay();
	readonly #listeners = new AbortController();
	readonly #onKey = (event: KeyboardEvent) => this.#handleKey(event);
	readonly #onHand = (event: Event) => this.#handleShopper(event);
	readonly #seqs = new Map<string, number>();
	#control: Control | undefined;
	#epoch = 0;
	#silentUntil = 0;
	#isAsking = false;

	constructor(target: ExecutorTarget) {
		this.#target = target;
		this.watch(document);
	}

	/** Minds the shopper's hand in a document of the page; a second time changes nothing. */
	watch({ defaultView: view }: Document): void {
		const options = { capture: true, passive: false, signal: this.#listeners.signal };
		view?.addEventListener("keydown", this.#onKey, options);
		for (const type of ["pointerdown", "wheel", "touchstart", "beforeinput"]) {
			view?.addEventListener(type, this.#onHand, { ...options, passive: true });
		}
	}

	/** Who may act; undefined: nobody. Holds from the very moment that it is set. */
	set control(control: Control | undefined) {
		this.#control = control;
		if (control === undefined) this.#overlay.clear();
	}

	stop(): void {
		this.control = undefined;
		this.#listeners.abort();
		this.#overlay.remove();
	}

	/** Checks an act and does it. */
	async handle(act: ShareAct): Promise<VerbResult> {
		const refusal = this.#refusal(act) ?? this.#isStale(act);
		if (refusal !== undefined) return refusal;
		const { node: id, act: what } = act.verb;
		const node = this.#target.node(id) as Element | Document;
		const guard = act.guard ?? (isElement(node) ? guardOf(node, what) : undefined);
		if (guard !== undefined && isElement(node)) {
			const answer = await this.#ask(act.name, guard, node);
			if (answer !== undefined) return answer;
			// The page and the grant may be others by now.
			const late = this.#refusal(act);
			if (late !== undefined && late !== "shopper_acts") return late;
		}
		return this.#do(node, what, act.name);
	}

	/** Why an act may not happen now; undefined: it may. */
	#refusal({ viewer, verb }: ShareAct): VerbResult | undefined {
		const control = this.#control;
		const kind = Object.keys(verb.act)[0] ?? "";
		if (control === undefined || control.viewer !== viewer || performance.now() > control.endsAt) return "no_grant";
		if (RUNGS.indexOf(rungOf(kind)) > RUNGS.indexOf(control.rung)) return "no_grant";
		const shows = SHOWS.has(kind);
		if (!shows && performance.now() < this.#silentUntil) return "shopper_acts";
		const node = this.#target.node(verb.node);
		if (node === undefined || !node.isConnected) return "moved";
		if (!isElement(node) && !isDocument(node)) return "moved";
		if (fingerprintOf(node) !== verb.fingerprint) return "moved";
		if (this.#levelAt(node) > LEVEL.public) return "hidden";
		if (shows) return undefined;
		return isForAgents(node, verb.act) ? undefined : "forbidden";
	}

	/** Numbers rise, and an epoch never comes back. */
	#isStale({ viewer, verb }: ShareAct): VerbResult | undefined {
		if (verb.seq <= (this.#seqs.get(viewer) ?? -1) || verb.epoch < this.#epoch) return "moved";
		this.#seqs.set(viewer, verb.seq);
		this.#epoch = verb.epoch;
		return undefined;
	}

	/** The highest of what was told and what the page says by now. */
	#levelAt(node: Node): Level {
		let level: Level = LEVEL.public;
		for (let part: Node | null = node; part !== null; part = parentOf(part)) {
			level = Math.max(level, levelOf(part), this.#target.level(part) ?? LEVEL.public) as Level;
		}
		return level;
	}

	async #ask(name: string, guard: Guard, element: Element): Promise<VerbResult | undefined> {
		// One question at a time: an agent must not wear the shopper down.
		if (this.#isAsking) return "declined";
		this.#isAsking = true;
		const label = (element.closest("button, a, input") ?? element).textContent?.trim().slice(0, 60) ?? "";
		const tooLate = new Promise<boolean>((resolve) => setTimeout(() => resolve(false), CONFIRM_MS_MAX));
		const isAllowed = await Promise.race([this.#target.confirm(name, guard, label), tooLate]);
		this.#isAsking = false;
		return isAllowed ? undefined : "declined";
	}

	#do(node: Element | Document, act: Act, name: string): VerbResult {
		if ("scroll" in act) {
			acting.scroll(node, act.scroll.dx, act.scroll.dy);
			return "done";
		}
		if ("point" in act || "highlight" in act || "draw" in act) return this.#show(node, act, name);
		if (isDocument(node)) {
			travel(act);
			return "done";
		}
		const place = reach(node, "click" in act ? act.click : { x: 0.5, y: 0.5 });
		if (place === undefined) return "moved";
		this.#overlay.point(place.inPage.x, place.inPage.y, name);
		if ("click" in act) acting.click(place.hit, place.x, place.y);
		else if ("focus" in act) acting.focus(node);
		else if ("type" in act) acting.type(node, act.type.text, act.type.replace ?? false);
		else if ("press" in act) acting.press(node, act.press.key);
		else if ("select" in act) return acting.select(node as HTMLSelectElement, act.select.option) ? "done" : "moved";
		else if ("follow" in act) later(() => (node as HTMLElement).click());
		return "done";
	}

	#show(node: Element | Document, act: Act, name: string): VerbResult {
		const box = boxInPage(node);
		const at = (x: number, y: number) => ({ x: box.left + x * box.width, y: box.top + y * box.height });
		if ("point" in act) {
			const { x, y } = at(act.point.x, act.point.y);
			this.#overlay.point(x, y, name);
		} else if ("draw" in act) this.#overlay.draw(act.draw.points.map(([x, y]) => at(x, y)));
		else this.#overlay.highlight(box, name);
		return "done";
	}

	/** Esc ends control at once, before the page or anybody else hears of it. */
	#handleKey(event: KeyboardEvent): void {
		if (!event.isTrusted) return;
		if (event.key === "Escape" && this.#control !== undefined) {
			this.control = undefined;
			event.preventDefault();
			event.stopImmediatePropagation();
			return this.#target.onRevoke();
		}
		this.#handleShopper(event);
	}

	/** The shopper's own hand: an agent waits. Our events are not trusted, so an agent never silences itself. */
	#handleShopper(event: Event): void {
		const isOurs = event
			.composedPath()
			.some((part) => "localName" in part && String(part.localName).startsWith("tillside-"));
		if (event.isTrusted && !isOurs) this.#silentUntil = performance.now() + SHOPPER_FIRST_MS;
	}
}

function rungOf(kind: string): Rung {
	if (SHOWS.has(kind)) return "point";
	if (/^(?:scroll|click|focus)$/.test(kind)) return "click";
	return /^(?:type|press|select)$/.test(kind) ? "type" : "navigate";
}

/** Whether this kind of node takes this kind of act at all. */
function isForAgents(node: Element | Document, act: Act): boolean {
	const kind = Object.keys(act)[0] ?? "";
	// A frame has no history of its own that anybody sees.
	if (isDocument(node)) return (TRAVELS.has(kind) && node === document) || kind === "scroll";
	if (TRAVELS.has(kind)) return false;
	if (kind === "scroll") return true;
	if (/^(?:iframe|object|embed)$/.test(node.localName) || isSecret(node)) return false;
	if (isHtml(node, "input") && /^(?:file|hidden)$/.test(node.type)) return false;
	// A click on a label reaches its control.
	const reached = node.closest("label")?.control;
	if (reached != null && (isSecret(reached) || reached.matches("[type=file i]"))) return false;
	switch (kind) {
		case "type":
			return acting.isTextField(node) || (isHtmlElement(node) && node.isContentEditable);
		case "press":
			return node.matches("input, textarea, select, button, [role=button], [contenteditable]");
		case "select":
			return isHtml(node, "select");
		case "follow":
			return isHtml(node, "a");
		default:
			return true;
	}
}

/** The box of a node in the page's own window; that of a document is its window's. */
function boxInPage(node: Element | Document): DOMRect {
	const inner = isDocument(node) ? node : node.ownerDocument;
	const corner = cornerOf(inner);
	if (isDocument(node)) {
		const { innerWidth: width = 0, innerHeight: height = 0 } = inner.defaultView ?? {};
		return new DOMRect(corner.x, corner.y, width, height);
	}
	const { left, top, width, height } = node.getBoundingClientRect();
	return new DOMRect(corner.x + left, corner.y + top, width, height);
}

function travel(act: Act): void {
	later(() => {
		if ("back" in act) history.back();
		else if ("forward" in act) history.forward();
		else if ("reload" in act) location.reload();
	});
}

function later(leave: () => void): void {
	setTimeout(leave, LEAVE_AFTER_MS);
}
