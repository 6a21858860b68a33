/** What an agent may do to a shared page, as `/v1/share` says it. Places are fractions of the node's box, 0 to 1. */
import type { Rung } from "../client/share_messages";

export type Act =
	| { point: { x: number; y: number } }
	| { highlight: object }
	| { draw: { points: [number, number][] } }
	| { scroll: { dx: number; dy: number } }
	| { click: { x: number; y: number } }
	| { focus: object }
	| { type: { text: string; replace?: boolean } }
	| { press: { key: PressedKey } }
	| { select: { option: number } }
	| { follow: object }
	| { back: object }
	| { forward: object }
	| { reload: object };

export type PressedKey =
	| "enter"
	| "tab"
	| "escape"
	| "backspace"
	| "delete"
	| "arrow_up"
	| "arrow_down"
	| "arrow_left"
	| "arrow_right"
	| "home"
	| "end";

/** Keys of a keyboard event that an agent may press. */
export const PRESSED_KEYS: ReadonlyMap<string, PressedKey> = new Map([
	["Enter", "enter"],
	["Tab", "tab"],
	["Escape", "escape"],
	["Backspace", "backspace"],
	["Delete", "delete"],
	["ArrowUp", "arrow_up"],
	["ArrowDown", "arrow_down"],
	["ArrowLeft", "arrow_left"],
	["ArrowRight", "arrow_right"],
	["Home", "home"],
	["End", "end"],
]);

/** Most characters that one verb types. */
export const TYPED_CHARS_MAX = 64;
/** Most points of one stroke. */
export const STROKE_POINTS_MAX = 32;

/** From the least to the most; each includes those before it. */
export const RUNGS: readonly Rung[] = ["point", "click", "type", "navigate"];

/** Whether a grant of `held` covers what needs `needed`. */
export function covers(held: Rung | undefined, needed: Rung): boolean {
	return held !== undefined && RUNGS.indexOf(held) >= RUNGS.indexOf(needed);
}
