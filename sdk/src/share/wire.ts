/** Reads the node's text frames of `/v1/share`. What does not pass here is dropped. */
import type { ToSharer, Verb } from "../protocol";

export type ShareAct = Extract<ToSharer, { t: "act" }>;

type Fields = Record<string, unknown>;

const isText = (value: unknown): value is string => typeof value === "string";
const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;
const isFraction = (value: unknown) => typeof value === "number" && value >= 0 && value <= 1;
const isPlace = ({ x, y }: Fields) => isFraction(x) && isFraction(y);
const isNothing = (fields: Fields) => Object.keys(fields).length === 0;

/** Most points of one stroke, and characters of one `type`; the relay has the same limits. */
const STROKE_POINTS_MAX = 32;
const TYPED_CHARS_MAX = 64;
/** Farthest scroll, in CSS pixels. */
const SCROLL_MAX = 1e5;
const GUARDS = new Set(["commits", "submits_payment", "leaves"]);
const KEYS = new Set(
	"enter tab escape backspace delete arrow_up arrow_down arrow_left arrow_right home end".split(" "),
);

const ACTS: Record<string, (fields: Fields) => boolean> = {
	point: isPlace,
	highlight: isNothing,
	draw: ({ points }) =>
		Array.isArray(points) &&
		points.length <= STROKE_POINTS_MAX &&
		points.every((point) => Array.isArray(point) && point.length === 2 && point.every(isFraction)),
	scroll: ({ dx, dy }) => [dx, dy].every((by) => typeof by === "number" && Math.abs(by) <= SCROLL_MAX),
	click: isPlace,
	focus: isNothing,
	type: ({ text, replace }) =>
		isText(text) && [...text].length <= TYPED_CHARS_MAX && (replace == null || typeof replace === "boolean"),
	press: ({ key }) => isText(key) && KEYS.has(key),
	select: ({ option }) => isCount(option),
	follow: isNothing,
	back: isNothing,
	forward: isNothing,
	reload: isNothing,
};

/** Reads one frame. Never throws. */
export function parseShareFrame(data: unknown): ToSharer | undefined {
	const frame = isText(data) ? parseJson(data) : undefined;
	if (frame === undefined) return undefined;
	switch (frame["t"]) {
		case "welcome":
			return frame["as"] === "sharer" && typeof frame["images"] === "boolean" ? (frame as ToSharer) : undefined;
		case "snapshot":
			return frame as ToSharer;
		case "ping":
		case "pong":
			return isCount(frame["ts"]) ? (frame as ToSharer) : undefined;
		case "bye":
			return isText(frame["reason"]) ? (frame as ToSharer) : undefined;
		case "act": {
			const { viewer, name, verb, guard } = frame;
			const isKnown = isText(viewer) && isText(name) && isVerb(verb);
			return isKnown && (guard == null || (isText(guard) && GUARDS.has(guard))) ? (frame as ToSharer) : undefined;
		}
		default:
			return undefined;
	}
}

function isVerb(value: unknown): value is Verb {
	if (typeof value !== "object" || value === null) return false;
	const { seq, epoch, node, fingerprint, act } = value as Fields;
	if (![seq, epoch, node, fingerprint].every(isCount) || typeof act !== "object" || act === null) return false;
	const entries = Object.entries(act);
	const [name, fields] = entries[0] ?? ["", undefined];
	const check = Object.hasOwn(ACTS, name) ? ACTS[name] : undefined;
	return entries.length === 1 && typeof fields === "object" && fields !== null && check?.(fields as Fields) === true;
}

function parseJson(json: string): Fields | undefined {
	try {
		const value: unknown = JSON.parse(json);
		return typeof value === "object" && value !== null ? (value as Fields) : undefined;
	} catch {
		return undefined;
	}
}
