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
import { parentOf } from "./known";
import { LEVEL, type Level, levelOf } from "./mask";
import { Overlay } from "./overlay";
import type { Control } from "./page_share";
import { isSecret } from "./payment";
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
	readonly #seqs = new Map<string, number>();
	#control: Control | undefined;
	#epoch = 0;
	#silentUntil = 0;
	#isAsking = false;

	constructor(target: ExecutorTarget) {
		this.#target = target;
		const options = { capture: true, passive: false, signal: this.#listeners.signal };
		addEventListener("keydown", (event) => this.#handleKey(event), options);
		for (const type of ["pointerdown", "wheel", "touchstart", "beforeinput"]) {
			addEventListener(type, (event) => this.#handleShopper(event), { ...options, passive: true });
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
		const guard = act.guard ?? (node instanceof Element ? guardOf(node, what) : undefined);
		if (guard !== undefined && node instanceof Element) {
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
		if (!(node instanceof Element) && !(node instanceof Document)) return "moved";
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
			const own = part instanceof Element ? levelOf(part) : LEVEL.public;
			level = Math.max(level, own, this.#target.level(part) ?? LEVEL.public) as Level;
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
		if (node instanceof Document) {
			if ("scroll" in act) acting.scroll(node, act.scroll.dx, act.scroll.dy);
			else if ("point" in act) this.#overlay.point(act.point.x * innerWidth, act.point.y * innerHeight, name);
			else travel(act);
			return "done";
		}
		if ("scroll" in act) {
			acting.scroll(node, act.scroll.dx, act.scroll.dy);
			return "done";
		}
		if ("point" in act || "highlight" in act || "draw" in act) return this.#show(node, act, name);
		const place = reach(node, "click" in act ? act.click : { x: 0.5, y: 0.5 });
		if (place === undefined) return "moved";
		this.#overlay.point(place.x, place.y, name);
		if ("click" in act) acting.click(place.hit, place.x, place.y);
		else if ("focus" in act) acting.focus(node);
		else if ("type" in act) acting.type(node, act.type.text, act.type.replace ?? false);
		else if ("press" in act) acting.press(node, act.press.key);
		else if ("select" in act) return acting.select(node as HTMLSelectElement, act.select.option) ? "done" : "moved";
		else if ("follow" in act) later(() => (node as HTMLElement).click());
		return "done";
	}

	#show(element: Element, act: Act, name: string): VerbResult {
		const box = element.getBoundingClientRect();
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
			.some((part) => part instanceof Element && part.localName.startsWith("tillside-"));
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
	if (node instanceof Document) return TRAVELS.has(kind) || kind === "scroll";
	if (TRAVELS.has(kind)) return false;
	if (kind === "scroll") return true;
	if (/^(?:iframe|object|embed)$/.test(node.localName) || isSecret(node)) return false;
	if (node instanceof HTMLInputElement && /^(?:file|hidden)$/.test(node.type)) return false;
	// A click on a label reaches its control.
	const reached = node.closest("label")?.control;
	if (reached instanceof HTMLInputElement && (isSecret(reached) || reached.type === "file")) return false;
	switch (kind) {
		case "type":
			return acting.isTextField(node) || (node instanceof HTMLElement && node.isContentEditable);
		case "press":
			return node.matches("input, textarea, select, button, [role=button], [contenteditable]");
		case "select":
			return node instanceof HTMLSelectElement;
		case "follow":
			return node instanceof HTMLAnchorElement;
		default:
			return true;
	}
}

/** The place to act at, if the element can be seen there and nothing lies over it. */
function reach(
	element: Element,
	{ x, y }: { x: number; y: number },
): { x: number; y: number; hit: Element } | undefined {
	const inWindow = (box: DOMRect) =>
		box.bottom > 0 &&
		box.right > 0 &&
		box.top < innerHeight &&
		box.left < innerWidth &&
		box.width > 0 &&
		box.height > 0;
	const before = element.getBoundingClientRect();
	if (before.top < 0 || before.bottom > innerHeight) element.scrollIntoView({ block: "nearest", behavior: "instant" });
	const box = element.getBoundingClientRect();
	if (!inWindow(box)) return undefined;
	const place = { x: box.left + x * box.width, y: box.top + y * box.height };
	const hit = (element.getRootNode() as Document | ShadowRoot).elementFromPoint(place.x, place.y);
	return hit !== null && element.contains(hit) ? { ...place, hit } : undefined;
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
