/**
 * What the controls of the page hold: a comparison again, since scripts set values without any notice.
 *
 * Of a private field only “empty” and “filled” are told, so typing in it makes one event, whatever its length.
 */
import type { Change } from "./events";
import type { Known } from "./known";
import * as mask from "./mask";
import { LEVEL, type Masked } from "./mask";
import { type Control, isControl } from "./payment";

/** Most controls that are looked at; real checkouts have some dozens. */
const CONTROLS_MAX = 2_000;

interface Held {
	text: Masked;
	isChecked: boolean;
}

export class Controls {
	readonly #known: Known;
	readonly #held = new Map<Control, Held>();
	/** What {@link typed} found in the task that runs now. */
	#typed: string[] | undefined;

	constructor(known: Known) {
		this.#known = known;
	}

	/** A control was written: what it held then is told. */
	enter(control: Control): void {
		if (this.#held.size >= CONTROLS_MAX) return;
		this.#held.set(control, this.#look(control));
		if (this.#isTyped(control)) this.#typed?.push(control.value);
	}

	forgetAll(): void {
		this.#held.clear();
	}

	/**
	 * What private controls hold now, for {@link mask.text}. Never told to anybody. Looked for once in a task: nobody types
	 * while it runs.
	 */
	typed(): readonly string[] {
		if (this.#typed !== undefined) return this.#typed;
		queueMicrotask(() => {
			this.#typed = undefined;
		});
		this.#typed = [...this.#held.keys()].filter((control) => this.#isTyped(control)).map(({ value }) => value);
		return this.#typed;
	}

	#isTyped(control: Control): boolean {
		const isPrivate = (this.#known.level(control) ?? LEVEL.payment) > LEVEL.public;
		return isPrivate && control.value !== "" && !isToggle(control) && control.localName !== "select";
	}

	/** Controls that hold something else than was told. */
	*changes(): Generator<Change> {
		for (const [control, told] of this.#held) {
			const id = this.#known.id(control);
			if (id === undefined) {
				this.#held.delete(control);
				continue;
			}
			const now = this.#look(control);
			if (now.text === told.text && now.isChecked === told.isChecked) continue;
			this.#held.set(control, now);
			yield { source: 5, id, ...now };
		}
	}

	#look(control: Control): Held {
		const level = this.#known.level(control) ?? LEVEL.payment;
		if (isToggle(control)) return { text: mask.name("on"), isChecked: level === LEVEL.public && control.checked };
		return { text: mask.value(control, level), isChecked: false };
	}
}

function isToggle(control: Control): control is HTMLInputElement {
	return /^(?:checkbox|radio)$/.test(control.type);
}

/** Whether a node is a control that {@link Controls} looks at. */
export function isHolding(node: Node): node is Control {
	return isControl(node) && !/^(?:button|submit|reset|image|hidden|file)$/.test(node.type);
}
