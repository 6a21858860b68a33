/**
 * Reads what the node sends. Owns the border between bytes and types: whatever passes here has the fields that the
 * rest of the SDK reads; whatever does not pass is dropped by the caller.
 */
import type { ServerFrame } from "../protocol";

/** Deepest nesting of a frame; ours need five levels (SEC-19). */
const DEPTH_MAX = 32;
/** Keys that reach an object's prototype when somebody copies them carelessly (SEC-19). */
const FORBIDDEN_KEYS = new Set(["__proto__", "constructor", "prototype"]);

type Check = (value: unknown) => boolean;

const text: Check = (value) => typeof value === "string";
const flag: Check = (value) => typeof value === "boolean";
const count: Check = (value) => typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
const list =
	(item: Check): Check =>
	(value) =>
		Array.isArray(value) && value.every(item);
const optional =
	(check: Check): Check =>
	(value) =>
		value === undefined || check(value);
const record =
	(fields: Record<string, Check>): Check =>
	(value) =>
		typeof value === "object" &&
		value !== null &&
		Object.entries(fields).every(([name, check]) => check((value as Record<string, unknown>)[name]));

const grants = record({
	room: optional(text),
	publish: list(text),
	subscribe: flag,
	cobrowse: optional(text),
	moderate: flag,
});
const publication = record({ id: text, source: text, muted: flag });
const participant = record({ id: text, name: text, role: text, publications: list(publication) });
const slot = record({ mid: text, publication: optional(text), rid: optional(text), why: optional(text) });
const deskRoom = record({ room: text, shopper: text, for_s: count, agents: list(text) });

const MESSAGES = new Map<string, Check>(
	Object.entries({
		welcome: record({
			session: text,
			resume_secret: text,
			resumed: flag,
			you: record({ id: text, name: text, role: text, can: grants }),
			ping_ms: count,
			resume_ms: count,
		}),
		joined: record({ room: text, locked: flag }),
		answer: record({ n: count, sdp: text }),
		waiting: record({ position: count }),
		state: record({ full: flag, participants: list(participant), left: list(text), locked: flag }),
		bind: record({ slots: list(slot) }),
		send: record({ mid: text, rids: list(text) }),
		speakers: record({ participants: list(text) }),
		quality: record({ participant: text, score: count, cause: text }),
		muted: record({ mid: text, by: text }),
		chat: record({ from: text, text, private: flag }),
		data: record({ from: text, topic: text, payload: text }),
		desk: record({ rooms: list(deskRoom) }),
		share: record({
			share: text,
			sharer: text,
			phase: text,
			why: optional(text),
			by: optional(text),
			ticket: optional(text),
			viewers: list(text),
		}),
		control: record({
			share: text,
			viewer: text,
			phase: text,
			rung: text,
			ends_in_ms: optional(count),
			why: optional(text),
		}),
		error: record({ code: text, message: text, re: optional(text), retryable: flag }),
		bye: record({ reason: text, action: text, retry_after_ms: count }),
		pong: record({ ts: count }),
	} satisfies Record<ServerFrame["t"], Check>),
);

/** What came out of one frame. */
export type Parsed =
	| { kind: "message"; frame: ServerFrame }
	/** A `t` of a newer node. Its `seq` counts, its content does not. */
	| { kind: "unknown"; seq: number }
	| { kind: "malformed" };

/** Reads one text frame. Never throws. */
export function parseFrame(frame: unknown): Parsed {
	const value = typeof frame === "string" ? parseJson(frame) : undefined;
	if (!record({ seq: count, t: text })(value)) return { kind: "malformed" };
	const { seq, t } = value as { seq: number; t: string };
	const check = MESSAGES.get(t);
	if (check === undefined) return { kind: "unknown", seq };
	return check(value) ? { kind: "message", frame: value as ServerFrame } : { kind: "malformed" };
}

function parseJson(json: string): unknown {
	try {
		const value: unknown = JSON.parse(json);
		return isTame(value, 0) ? value : undefined;
	} catch {
		return undefined;
	}
}

function isTame(value: unknown, depth: number): boolean {
	if (typeof value !== "object" || value === null) return true;
	if (depth >= DEPTH_MAX) return false;
	return Object.entries(value).every(([key, inner]) => !FORBIDDEN_KEYS.has(key) && isTame(inner, depth + 1));
}
