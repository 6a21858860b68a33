/**
 * What the agent does on the shopper's page, said as verbs: no faster than the relay takes them, and each with what
 * became of it.
 *
 * Asks the view what is at a place and refuses at once what the relay would refuse. Knows nothing of buttons and keys.
 */
import { Emitter } from "../client/emitter";
import type { Act, PressedKey, VerbResult } from "../protocol";
import { dom } from "./dom";
import type { Place } from "./places";
import type { Replay } from "./replay";
import type { ShareStream } from "./stream";
import { type Aim, aimAt, pageTarget, strokeOf, type Target, targetOf } from "./target";
import type { Known } from "./tree";
import { STROKE_POINTS_MAX, TYPED_CHARS_MAX } from "./verbs";

/** Pointer, scroll and letters are gathered for so long: 20 a second are smooth, and leave room below the relay's 30. */
const GATHER_MS = 50;
/** Verbs a second on average, and at once; the relay allows 30 of both. */
const VERBS_PER_SECOND = 28;
/** What a moving pointer leaves for clicks and letters. */
const VERBS_RESERVED = 8;
/** Verbs whose outcome is awaited; older ones are forgotten. */
const AWAITED_MAX = 256;

export interface ActingEvents {
	/** Something was not done; why, for people. */
	refused: { place: Place | undefined; why: string };
	/** Text that was typed and is not on the shopper's page yet. */
	pending: string;
	/** A list was clicked: one of its options may be chosen. */
	choices: { list: Known; place: Place; options: readonly string[] };
	/** The field that letters go to changed. */
	field: Known | undefined;
}

/** Why a verb was not done, in a few words beside the pointer. */
const REFUSALS: Record<Exclude<VerbResult, "done">, string> = {
	moved: "The page changed there. Try again.",
	hidden: "Only the customer can use this field.",
	forbidden: "This is for the customer to do.",
	no_grant: "You are not in control any more.",
	declined: "The customer said no.",
	shopper_acts: "The customer is busy on the page. Wait a moment.",
	not_live: "The page is not shared just now.",
	malformed: "This cannot be done on the page.",
	unordered: "Too fast. Try again.",
	expired: "Your time in control is over.",
	beyond_grant: "You were not given control of that.",
	wrong_epoch: "The page just changed. Try again.",
};

interface Awaited {
	place: Place | undefined;
	/** Letters that it types. */
	text: string;
	/** Small talk: nobody needs to hear that it did not work. */
	isQuiet: boolean;
}

export class Acting extends Emitter<ActingEvents> {
	readonly #replay: Replay;
	readonly #stream: ShareStream;
	readonly #forget: (() => void)[];
	readonly #awaited = new Map<number, Awaited>();
	#tokens = VERBS_PER_SECOND;
	#tokensAt = performance.now();
	#timer: ReturnType<typeof setTimeout> | undefined;
	/** Gathered until the timer runs out. */
	#pointsTo: Place | undefined;
	#scroll: { place: Place; dx: number; dy: number } | undefined;
	#letters = "";
	#stroke: Place[] = [];
	#field: Known | undefined;

	constructor(replay: Replay, stream: ShareStream) {
		super();
		this.#replay = replay;
		this.#stream = stream;
		this.#forget = [
			stream.on("outcome", ({ seq, result }) => this.#handleOutcome(seq, result)),
			stream.on("lost", () => this.#giveUp()),
			replay.on("shown", () => this.#setField(undefined)),
			replay.on("left", () => {
				this.#giveUp();
				this.#setField(undefined);
			}),
		];
	}

	end(): void {
		clearTimeout(this.#timer);
		for (const forget of this.#forget) forget();
		this.#awaited.clear();
	}

	/** The field that letters go to. */
	get field(): Known | undefined {
		return this.#field;
	}

	/** The agent's pointer is here. */
	point(place: Place): void {
		this.#pointsTo = place;
		this.#gather();
	}

	/** Draws the shopper's eye to what is here. @returns the element, for showing the same to the agent */
	highlight(place: Place): Element | undefined {
		const aim = aimAt(this.#replay, place);
		if (aim === undefined) return undefined;
		this.#say(aim.target, { highlight: {} }, { place });
		return aim.known.node as Element;
	}

	/** Goes on with a stroke. */
	draw(place: Place): void {
		this.#stroke.push(place);
		if (this.#stroke.length >= STROKE_POINTS_MAX) this.#sayStroke();
		this.#gather();
	}

	/** The stroke is done. */
	lift(): void {
		this.#sayStroke();
		this.#stroke = [];
	}

	/** Clicks what is here; letters go there if it takes any and `mayType`. */
	click(place: Place, mayType: boolean): void {
		this.#flush();
		const aim = aimAt(this.#replay, place);
		if (aim === undefined) return;
		if (aim.isHidden) {
			this.#setField(undefined);
			return this.emit("refused", { place, why: REFUSALS.hidden });
		}
		this.#setField(mayType ? fieldAt(this.#replay, aim) : undefined);
		// A list that opens is the browser's own window, which no script can reach: it is shown here instead.
		if (mayType && aim.known.tag === "select")
			return this.emit("choices", { list: aim.known, place, options: optionsOf(aim.known) });
		this.#say(aim.target, { click: { x: aim.x, y: aim.y } }, { place });
	}

	/** Scrolls the shopper's page, and the view with it at once. */
	scroll(place: Place, dx: number, dy: number): void {
		this.#replay.scrollAt(place, dx, dy);
		const before = this.#scroll;
		this.#scroll = { place, dx: (before?.dx ?? 0) + dx, dy: (before?.dy ?? 0) + dy };
		this.#gather();
	}

	/** Types into the field that was clicked last. */
	type(text: string): void {
		if (this.#field === undefined) return;
		this.#letters += text;
		this.emit("pending", this.#pendingText());
		this.#gather();
	}

	/** Presses a key in that field. */
	press(key: PressedKey): void {
		if (this.#field === undefined) return;
		this.#flush();
		this.#say(targetOf(this.#replay, this.#field), { press: { key } }, {});
	}

	/** Chooses an option of a list. */
	select(list: Known, option: number): void {
		this.#say(targetOf(this.#replay, list), { select: { option } }, {});
	}

	/** Goes through the history, or loads the page again. */
	navigate(act: { back: object } | { forward: object } | { reload: object }): void {
		const target = pageTarget(this.#replay);
		if (target !== undefined) this.#say(target, act as Act, {});
	}

	/** Letters go nowhere from now on. */
	leaveField(): void {
		this.#flush();
		this.#setField(undefined);
	}

	#gather(): void {
		this.#timer ??= setTimeout(() => this.#flush(), GATHER_MS);
	}

	#flush(): void {
		clearTimeout(this.#timer);
		this.#timer = undefined;
		const scroll = this.#scroll;
		this.#scroll = undefined;
		const over = scroll && aimAt(this.#replay, scroll.place);
		if (scroll && over) this.#say(over.target, { scroll: { dx: scroll.dx, dy: scroll.dy } }, { isQuiet: true });
		this.#sayStroke();
		this.#sayLetters();
		const place = this.#pointsTo;
		this.#pointsTo = undefined;
		if (place === undefined || !this.#mayHurry()) return;
		const aim = aimAt(this.#replay, place);
		if (aim !== undefined) this.#say(aim.target, { point: { x: aim.x, y: aim.y } }, { isQuiet: true });
	}

	#sayStroke(): void {
		if (this.#stroke.length < 2) return;
		const stroke = strokeOf(this.#replay, this.#stroke);
		// The next part begins where this one ends.
		this.#stroke = this.#stroke.slice(-1);
		if (stroke !== undefined) this.#say(stroke.target, { draw: { points: stroke.points } }, { isQuiet: true });
	}

	#sayLetters(): void {
		const field = this.#field;
		const letters = [...this.#letters];
		this.#letters = "";
		while (field !== undefined && letters.length > 0) {
			const text = letters.splice(0, TYPED_CHARS_MAX).join("");
			this.#say(targetOf(this.#replay, field), { type: { text } }, { text });
		}
		this.emit("pending", this.#pendingText());
	}

	#say(target: Target, act: Act, { place, text = "", isQuiet = false }: Partial<Awaited>): void {
		this.#refill();
		this.#tokens -= 1;
		const seq = this.#stream.act(target, act);
		if (seq === undefined) {
			if (!isQuiet) this.emit("refused", { place, why: "The connection is away. Try again in a moment." });
			return;
		}
		this.#awaited.set(seq, { place, text, isQuiet });
		const oldest = this.#awaited.keys().next().value;
		if (this.#awaited.size > AWAITED_MAX && oldest !== undefined) this.#awaited.delete(oldest);
	}

	#mayHurry(): boolean {
		this.#refill();
		return this.#tokens > VERBS_RESERVED;
	}

	#refill(): void {
		const now = performance.now();
		const earned = ((now - this.#tokensAt) / 1000) * VERBS_PER_SECOND;
		this.#tokens = Math.min(VERBS_PER_SECOND, this.#tokens + earned);
		this.#tokensAt = now;
	}

	#handleOutcome(seq: number, result: VerbResult): void {
		const awaited = this.#awaited.get(seq);
		this.#awaited.delete(seq);
		if (awaited === undefined) return;
		if (awaited.text !== "") this.emit("pending", this.#pendingText());
		// Only a defect of ours makes a quiet verb worth a word, or that control is gone.
		if (result === "done" || (awaited.isQuiet && result !== "expired" && result !== "no_grant")) return;
		this.emit("refused", { place: awaited.place, why: REFUSALS[result] ?? "This was not done." });
	}

	#giveUp(): void {
		this.#awaited.clear();
		this.#letters = "";
		this.emit("pending", "");
	}

	#pendingText(): string {
		return [...this.#awaited.values()].map(({ text }) => text).join("") + this.#letters;
	}

	#setField(field: Known | undefined): void {
		if (field === this.#field) return;
		this.#field = field;
		this.emit("field", field);
	}
}

/** Input types that take no letters. */
const NOT_TYPED: ReadonlySet<string> = new Set(
	"button submit reset image checkbox radio file hidden range color password".split(" "),
);

/** How far around a click a field is looked for: an editor's text stands in a few elements of its own. */
const FIELD_DEPTH_MAX = 8;

/** The field that letters go to after a click there. */
function fieldAt(replay: Replay, { known }: Aim): Known | undefined {
	let at: Known | undefined = known;
	for (let depth = 0; at !== undefined && depth < FIELD_DEPTH_MAX; depth++) {
		if (isField(at)) return at;
		at = replay.tree?.knownAt(dom.parent(at.node));
	}
	return undefined;
}

function optionsOf({ node }: Known): string[] {
	return [...(node as HTMLSelectElement).options].map((option) => option.label || option.text);
}

function isField({ tag, facts }: Known): boolean {
	if (tag === "textarea") return true;
	if (tag === "input") return !NOT_TYPED.has(facts.get("type")?.toLowerCase() ?? "text");
	const isEditable = (facts.get("contenteditable") ?? "false") !== "false";
	return isEditable || ["textbox", "searchbox"].includes(facts.get("role") ?? "");
}
