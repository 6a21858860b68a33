/**
 * What viewers get, read strictly: rrweb events become typed values here, once, or are dropped.
 *
 * Only names that are written down here are ever read, nothing is copied by a key from the stream, and collections are
 * Maps: a member called `__proto__` or `constructor` is a member nobody asks for (SEC-19).
 */

/** Deepest page; what the relay allows (`DEPTH_MAX` there). */
const DEPTH_MAX = 256;
/** Most nodes of one event; what the relay allows by default. */
const NODES_MAX = 50_000;
/** Most events of one message: a snapshot is followed by its frames' documents, style changes and scroll positions. */
const EVENTS_MAX = 16_384;

export type Level = "masked" | "blocked" | "payment";
const LEVELS: ReadonlySet<unknown> = new Set(["masked", "blocked", "payment"] satisfies Level[]);

/** Where a share stands, as the relay tells its viewers. */
export interface ShareNews {
	state: string;
	why: string;
	/** Counts snapshots: a verb names the one that its node belongs to. */
	epoch: number;
}

/** One node of the page. Ids are the recorder's: unique in the page, all frames included. */
export interface WireNode {
	id: number;
	kind: "document" | "doctype" | "element" | "text";
	/** Of an element: lower case. */
	tag: string;
	svg: boolean;
	attributes: ReadonlyMap<string, AttributeValue>;
	/** How hidden this element is more than its parent is. */
	level: Level | undefined;
	text: string;
	/** Stands in its parent's shadow root. */
	inShadow: boolean;
	children: readonly WireNode[];
}

/** `null` takes an attribute away; a Map changes single properties of the inline style. */
export type AttributeValue = string | true | null | ReadonlyMap<string, StyleChange>;
/** `false` takes the property away. */
export type StyleChange = { value: string; important: boolean } | false;

export interface Addition {
	parent: number;
	/** The sibling to stand before; undefined: last. */
	next: number | undefined;
	node: WireNode;
}

/** A rule's place: through nested rules, outermost first. */
export type RulePath = readonly number[];
/** A sheet by its owning element or, constructed by script, by its own number. */
export type SheetName = { owner: number } | { sheet: number };

export type ViewEvent =
	| { kind: "meta"; href: string; width: number; height: number }
	| { kind: "snapshot"; node: WireNode; left: number; top: number }
	| { kind: "state"; news: ShareNews }
	| {
			kind: "mutation";
			removes: readonly number[];
			adds: readonly Addition[];
			texts: readonly { node: number; text: string }[];
			attributes: readonly { node: number; attributes: ReadonlyMap<string, AttributeValue> }[];
	  }
	| { kind: "pointer"; isTouch: boolean; node: number; x: number; y: number }
	| { kind: "interaction"; what: number; node: number; x: number; y: number }
	| { kind: "scroll"; node: number; x: number; y: number }
	| { kind: "resize"; width: number; height: number }
	| { kind: "input"; node: number; text: string; isChecked: boolean }
	| {
			kind: "rules";
			name: SheetName;
			removes: readonly RulePath[];
			adds: readonly { rule: string; at: RulePath | undefined }[];
			replace: string | undefined;
	  }
	| {
			kind: "declaration";
			name: SheetName;
			rule: RulePath;
			property: string;
			/** Undefined: the property is taken away. */
			set: { value: string; important: boolean } | undefined;
	  }
	| {
			kind: "adopted";
			host: number;
			sheets: readonly number[];
			styles: readonly { sheet: number; rules: readonly string[] }[];
	  };

/** Something that cannot be read; what is left of the page can no longer be trusted. */
export class Unreadable extends Error {}

/**
 * Reads one message.
 *
 * @returns its events without those that viewers have no use for
 * @throws Unreadable when it is no list of events, or a snapshot or mutation in it is broken
 */
export function parseEvents(json: string): ViewEvent[] {
	let value: unknown;
	try {
		value = JSON.parse(json);
	} catch {
		throw new Unreadable("not JSON");
	}
	const list = listOf(value);
	if (list.length > EVENTS_MAX) throw new Unreadable("too many events");
	return list.map(parseEvent).filter((event) => event !== undefined);
}

type Fields = Readonly<Record<string, unknown>>;

function parseEvent(value: unknown): ViewEvent | undefined {
	const event = fieldsOf(value);
	const data = fieldsOf(event["data"] ?? {});
	switch (event["type"]) {
		case 2: {
			const offset = fieldsOf(data["initialOffset"] ?? {});
			const node = new NodeReader().read(data["node"], 0);
			return { kind: "snapshot", node, left: size(offset["left"]), top: size(offset["top"]) };
		}
		case 3:
			return parseChange(data);
		case 4:
			return { kind: "meta", href: text(data["href"]), width: size(data["width"]), height: size(data["height"]) };
		case 5:
			return parseExtension(data);
		default:
			return undefined;
	}
}

function parseExtension(data: Fields): ViewEvent | undefined {
	if (data["tag"] !== "tillside.state") return undefined;
	const { state, why, epoch } = fieldsOf(data["payload"]);
	return { kind: "state", news: { state: text(state), why: text(why), epoch: size(epoch) } };
}

/** An incremental event, by rrweb's `IncrementalSource`. */
function parseChange(data: Fields): ViewEvent | undefined {
	switch (data["source"]) {
		case 0:
			return parseMutation(data);
		case 1:
		case 6:
		case 12: {
			// Only the last place matters: what lies between would be shown late.
			const last = listOf(data["positions"] ?? []).at(-1);
			if (last === undefined) return undefined;
			const { id, x, y } = fieldsOf(last);
			return { kind: "pointer", isTouch: data["source"] === 6, node: idOf(id), x: size(x), y: size(y) };
		}
		case 2: {
			const { type, id, x, y } = data;
			return { kind: "interaction", what: size(type), node: idOf(id), x: size(x), y: size(y) };
		}
		case 3:
			return { kind: "scroll", node: idOf(data["id"]), x: size(data["x"]), y: size(data["y"]) };
		case 4:
			return { kind: "resize", width: size(data["width"]), height: size(data["height"]) };
		case 5:
			return { kind: "input", node: idOf(data["id"]), text: text(data["text"]), isChecked: data["isChecked"] === true };
		case 8:
			return parseRules(data);
		case 13:
			return parseDeclaration(data);
		case 15:
			return parseAdopted(data);
		default:
			return undefined;
	}
}

function parseMutation(data: Fields): ViewEvent {
	const reader = new NodeReader();
	return {
		kind: "mutation",
		removes: listOf(data["removes"] ?? []).map((value) => idOf(fieldsOf(value)["id"])),
		adds: listOf(data["adds"] ?? []).map((value) => {
			const { parentId, nextId, node } = fieldsOf(value);
			const next = typeof nextId === "number" && nextId > 0 ? idOf(nextId) : undefined;
			return { parent: idOf(parentId), next, node: reader.read(node, 0) };
		}),
		texts: listOf(data["texts"] ?? []).map((change) => {
			const { id, value } = fieldsOf(change);
			return { node: idOf(id), text: value === null ? "" : text(value) };
		}),
		attributes: listOf(data["attributes"] ?? []).map((change) => {
			const { id, attributes } = fieldsOf(change);
			return { node: idOf(id), attributes: attributesOf(attributes) };
		}),
	};
}

function parseRules(data: Fields): ViewEvent {
	const replace = data["replaceSync"] ?? data["replace"];
	return {
		kind: "rules",
		name: sheetOf(data),
		removes: listOf(data["removes"] ?? []).map((value) => pathOf(fieldsOf(value)["index"])),
		adds: listOf(data["adds"] ?? []).map((value) => {
			const { rule, index } = fieldsOf(value);
			return { rule: text(rule), at: index === undefined ? undefined : pathOf(index) };
		}),
		replace: replace === undefined ? undefined : text(replace),
	};
}

function parseDeclaration(data: Fields): ViewEvent {
	const common = { kind: "declaration", name: sheetOf(data), rule: pathOf(data["index"]) } as const;
	if (data["set"] === undefined)
		return { ...common, property: text(fieldsOf(data["remove"])["property"]), set: undefined };
	const { property, value, priority } = fieldsOf(data["set"]);
	return { ...common, property: text(property), set: { value: text(value), important: priority === "important" } };
}

function parseAdopted(data: Fields): ViewEvent {
	return {
		kind: "adopted",
		host: idOf(data["id"]),
		sheets: listOf(data["styleIds"]).map(size),
		styles: listOf(data["styles"] ?? []).map((value) => {
			const { styleId, rules } = fieldsOf(value);
			return { sheet: size(styleId), rules: listOf(rules).map((rule) => text(fieldsOf(rule)["rule"])) };
		}),
	};
}

/** Reads nodes of one event, counting them. */
class NodeReader {
	#count = 0;

	read(value: unknown, depth: number): WireNode {
		this.#count++;
		if (depth > DEPTH_MAX || this.#count > NODES_MAX) throw new Unreadable("the page is too large");
		const wire = fieldsOf(value);
		const children = () => listOf(wire["childNodes"] ?? []).map((child) => this.read(child, depth + 1));
		const node = { id: idOf(wire["id"]), inShadow: wire["isShadow"] === true };
		switch (wire["type"]) {
			case 0:
				return { ...EMPTY, ...node, kind: "document", children: children() };
			case 1:
				return { ...EMPTY, ...node, kind: "doctype", text: text(wire["name"]) };
			case 2: {
				const attributes = attributesOf(wire["attributes"] ?? {});
				const level = attributes.get("data-tillside-level");
				return {
					...EMPTY,
					...node,
					kind: "element",
					tag: text(wire["tagName"]).toLowerCase(),
					svg: wire["isSVG"] === true,
					attributes,
					level: LEVELS.has(level) ? (level as Level) : undefined,
					children: children(),
				};
			}
			case 3:
			case 4:
			case 5:
				// CDATA and comments show nothing, but siblings may be placed before them.
				return { ...EMPTY, ...node, kind: "text", text: wire["type"] === 3 ? text(wire["textContent"]) : "" };
			default:
				throw new Unreadable("an unknown kind of node");
		}
	}
}

const EMPTY = {
	tag: "",
	svg: false,
	attributes: new Map<string, AttributeValue>(),
	level: undefined,
	text: "",
	children: [],
};

function attributesOf(value: unknown): ReadonlyMap<string, AttributeValue> {
	const attributes = new Map<string, AttributeValue>();
	for (const [name, raw] of Object.entries(fieldsOf(value))) {
		if (typeof raw === "string" || raw === true || raw === null) attributes.set(name, raw);
		else if (typeof raw === "number") attributes.set(name, String(raw));
		else if (raw === false) attributes.set(name, null);
		else attributes.set(name, styleOf(raw));
	}
	return attributes;
}

/** rrweb's style object: a value, a value with its priority, or false. */
function styleOf(value: unknown): ReadonlyMap<string, StyleChange> {
	const style = new Map<string, StyleChange>();
	for (const [property, raw] of Object.entries(fieldsOf(value))) {
		if (raw === false) style.set(property, false);
		else if (typeof raw === "string") style.set(property, { value: raw, important: false });
		else if (Array.isArray(raw)) style.set(property, { value: text(raw[0]), important: raw[1] === "important" });
	}
	return style;
}

function sheetOf(data: Fields): SheetName {
	return typeof data["id"] === "number" ? { owner: idOf(data["id"]) } : { sheet: size(data["styleId"]) };
}

function pathOf(value: unknown): RulePath {
	return typeof value === "number" ? [size(value)] : listOf(value).map(size);
}

function fieldsOf(value: unknown): Fields {
	if (typeof value !== "object" || value === null || Array.isArray(value)) throw new Unreadable("not an object");
	return value as Fields;
}

function listOf(value: unknown): readonly unknown[] {
	if (!Array.isArray(value)) throw new Unreadable("not a list");
	return value;
}

function text(value: unknown): string {
	if (typeof value !== "string") throw new Unreadable("not a text");
	return value;
}

function size(value: unknown): number {
	if (value === undefined) return 0;
	if (typeof value !== "number" || !Number.isFinite(value)) throw new Unreadable("not a number");
	return value;
}

function idOf(value: unknown): number {
	if (typeof value !== "number" || !Number.isInteger(value) || value < 0) throw new Unreadable("not an id");
	return value;
}
