/**
 * The one place where texts of the page become texts that may leave it.
 *
 * Owns the type {@link Masked}, which all events are made of: nothing else can make one. Knows levels and values, but
 * neither the tree nor the network.
 */
import { attributeClass } from "./attributes";
import { isElement, isHtml } from "./nodes";
import { type Control, isControl, isPaymentControl, isSecret } from "./payment";
import { countDigits, holdsPaymentData } from "./scan";

declare const masked: unique symbol;

/** A text that may leave the page. */
export type Masked = string & { readonly [masked]: true };

/** How much of a node leaves the page; inherited downward. */
export const LEVEL = { public: 0, masked: 1, blocked: 2, payment: 3 } as const;
export type Level = (typeof LEVEL)[keyof typeof LEVEL];

/** Stands for every hidden text. Always the same length, so that length tells nothing. */
export const GLYPHS = seal("\u2022".repeat(6));
/** An empty text. */
export const NOTHING = seal("");

/** Digits of a number that somebody may be typing: from the fifth on it is hidden until it is clear what it is. */
const TYPED_DIGITS_MAX = 4;
/** So many digits in one text are a number of their own. */
const WHOLE_NUMBER_DIGITS = 13;
/** A split number stands close together: so many levels up, in so many characters. */
const SPLIT_ANCESTORS_MAX = 3;
const SPLIT_LENGTH_MAX = 80;
/** Shortest hidden value whose repetition elsewhere in the page is hidden too, and from how many on as part of a text. */
const REPEATED_LENGTH_MIN = 3;
const REPEATED_PART_LENGTH_MIN = 5;
/** Digits that a string in a style may hold; more could be part of a number. */
const STYLE_DIGITS_MAX = 3;
/** Longest attribute that leaves the page, styles and drawings apart. */
const ATTRIBUTE_LENGTH_MAX = 4_096;
/** Longest drawing. */
const GEOMETRY_LENGTH_MAX = 256 * 1024;

/** What a node is by itself, whatever is around it. */
export function levelOf(node: Node): Level {
	// In a document that is edited as a whole, as in old editors, every word is typed.
	const around = node.ownerDocument?.designMode === "on" ? LEVEL.masked : LEVEL.public;
	return isElement(node) ? (Math.max(around, levelOfElement(node)) as Level) : around;
}

function levelOfElement(element: Element): Level {
	const mark = element.getAttribute("data-tillside");
	if (isControl(element) && isPaymentControl(element)) return LEVEL.payment;
	if (mark === "block") return LEVEL.blocked;
	if (mark === "mask") return LEVEL.masked;
	return isPrivate(element) && !isShared(element) ? LEVEL.masked : LEVEL.public;
}

/** Elements that people type into. */
function isPrivate(element: Element): boolean {
	if (isHtml(element, "input")) return !/^(?:checkbox|radio|button|submit|reset|image)$/.test(element.type);
	if (isControl(element)) return true;
	const editable = element.getAttribute("contenteditable");
	return (
		(editable !== null && editable.toLowerCase() !== "false") ||
		/^(?:textbox|searchbox|spinbutton)$/i.test(element.getAttribute("role") ?? "")
	);
}

/** Marked by the store as a field that agents may read. */
export function isShared(element: Element): boolean {
	const type = element.getAttribute("type")?.toLowerCase() ?? "";
	return (
		element.getAttribute("data-tillside") === "share" && !isSecret(element) && type !== "hidden" && type !== "file"
	);
}

/** A text of the page. White space stays, since layout hangs on it. `typed` is what its private controls hold now. */
export function text(node: Text, level: Level, typed: readonly string[]): Masked {
	const content = node.data;
	if (content.trim() === "") return seal(level === LEVEL.public ? content : " ");
	if (level > LEVEL.public || holdsPaymentData(content) || splitNumber(node) !== undefined) return GLYPHS;
	return repeats(content, typed) ? GLYPHS : seal(content);
}

/** Whether a text shows again what was typed elsewhere, as the picture of a card beside its form does. */
function repeats(content: string, typed: readonly string[]): boolean {
	if (typed.length === 0) return false;
	const shown = lettersAndDigits(content);
	return typed.some((value) => {
		const hidden = lettersAndDigits(value);
		if (hidden.length < REPEATED_LENGTH_MIN) return false;
		return shown === hidden || (hidden.length >= REPEATED_PART_LENGTH_MIN && shown.includes(hidden));
	});
}

function lettersAndDigits(content: string): string {
	return content.replace(/[^\p{L}\p{N}]/gu, "").toLowerCase();
}

/** The part of the page in which a text makes a number together with others: a card number in four spans. */
export function splitNumber(node: Text): Element | undefined {
	const digits = countDigits(node.data);
	if (digits === 0 || digits >= WHOLE_NUMBER_DIGITS) return undefined;
	let part = node.parentElement;
	for (let up = 0; part !== null && up < SPLIT_ANCESTORS_MAX; up++) {
		const together = part.textContent ?? "";
		if (together.length > SPLIT_LENGTH_MAX) return undefined;
		if (holdsPaymentData(together)) return part;
		part = part.parentElement;
	}
	return undefined;
}

/** What a control holds: itself if it is shared, else only whether it holds anything. */
export function value(control: Control, level: Level): Masked {
	if (level >= LEVEL.blocked || control.value === "") return NOTHING;
	if (level === LEVEL.masked || !isShared(control)) return GLYPHS;
	const typed = control.value;
	const isNumber = countDigits(typed) > TYPED_DIGITS_MAX && /^[\d\s./-]+$/.test(typed) && control.type !== "date";
	return isNumber || holdsPaymentData(typed) ? GLYPHS : seal(typed);
}

/** An attribute, or undefined if it stays in the page. `rename` gives an asset's name for an address. */
export function attribute(
	element: Element,
	name: string,
	content: string,
	level: Level,
	rename: (address: string) => Masked,
): Masked | undefined {
	const kind = attributeClass(element, name);
	// A mark that does not count, since something hides the element, must not count with the relay either.
	if (name === "data-tillside" && content === "share" && level > LEVEL.public) return undefined;
	if (kind === "style") return css(content, rename);
	if (content.length > (kind === "geometry" ? GEOMETRY_LENGTH_MAX : ATTRIBUTE_LENGTH_MAX)) return undefined;
	switch (kind) {
		case "plain":
			return holdsPaymentData(content) ? undefined : seal(content);
		case "geometry":
			return seal(content);
		case "state":
			return /^[a-z0-9_-]{0,16}$/.test(content) && countDigits(content) < 2 ? seal(content) : undefined;
		case "words":
			// A control's words tell the relay what it is, also while its value is hidden.
			if (level > LEVEL.public && !isControl(element)) return undefined;
			if (level > LEVEL.public && isControl(element) && repeats(content, [element.value])) return undefined;
			return holdsPaymentData(content) ? undefined : seal(content);
		case "link":
			return level > LEVEL.public ? undefined : address(content);
		case "frame":
			return address(content);
		case "asset":
			return level > LEVEL.public ? undefined : rename(content);
		default:
			return undefined;
	}
}

/** An address without query and fragment; nothing of one with a number in its path or a scheme that runs. */
export function address(place: string): Masked {
	const bare = place.trim().split(/[?#]/, 1)[0] ?? "";
	const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(bare)?.[1]?.toLowerCase();
	if (scheme !== undefined && scheme !== "http" && scheme !== "https") return seal("#");
	const authority = /^(?:[a-z]+:)?\/\/([^/]*)/i.exec(bare)?.[1] ?? "";
	let spelled = bare;
	try {
		spelled = decodeURIComponent(bare);
	} catch {
		// Not decodable: then it is read as it stands.
	}
	if (authority.includes("@") || holdsPaymentData(spelled.replace(/[/.+,_]/g, " "))) return seal("#");
	return seal(bare === "" ? "#" : bare);
}

const URL_FUNCTION = /url\(\s*(?:"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)'|([^)"'\s]*))\s*\)/gi;
const IMPORT = /@import\b[^;]*;?/gi;
const STRING = /"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'/g;
const LONG_NUMBER = /\d(?:[ -]?\d){12,}/g;

/** Style sheets and declarations: addresses become asset names, and strings lose numbers. */
export function css(sheet: string, rename: (address: string) => Masked): Masked {
	const clean = sheet
		.replace(IMPORT, "")
		.replace(STRING, (string) =>
			countDigits(string) > STYLE_DIGITS_MAX && !string.includes("/") && !string.startsWith('"data:') ? '""' : string,
		)
		.replace(URL_FUNCTION, (whole, double?: string, single?: string, plain?: string) => {
			const place = double ?? single ?? plain ?? "";
			return place.startsWith("#") || place === "" ? whole : `url("${rename(place)}")`;
		})
		.replace(LONG_NUMBER, (number) => (holdsPaymentData(number) ? "0" : number));
	return seal(clean);
}

/** A name that is part of HTML or of us: a tag, a doctype, a constant. */
export function name(known: string): Masked {
	return seal(countDigits(known) > TYPED_DIGITS_MAX ? "x-hidden" : known);
}

/** The name of an asset: 64 random hex digits, which say nothing about its address. */
export function assetName(hex: string): Masked {
	return seal(`asset:${hex}`);
}

/** A size in CSS pixels. */
export function pixels(size: number): Masked {
	return seal(`${Math.round(size)}px`);
}

/** How far an element is scrolled. */
export function number(amount: number): Masked {
	return seal(String(Math.round(amount)));
}

/** Lone surrogates make JSON that the relay cannot read. */
function seal(content: string): Masked {
	return content.replace(/\p{Surrogate}/gu, "\ufffd") as Masked;
}
