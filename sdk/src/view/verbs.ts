/** What an agent may do to a shared page: keys, amounts, and which rung of the ladder covers what. */
import type { PressedKey, Rung } from "../protocol";

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
