/**
 * Events as frames of `/v1/share`: JSON, deflated where that pays, in pieces that the node takes.
 *
 * Takes {@link PageEvent}s only, whose every text is Masked: a raw text cannot get here.
 */
import { ASSET_FRAME, RECORD_DEFLATE, RECORD_FRAMED, RECORD_MORE, SHARER_FRAME_BYTES_MAX } from "../protocol";
import type { PageEvent, WireNode } from "./events";
import { inSlices } from "./slices";

/** Largest record, put together and inflated. */
export const RECORD_BYTES_MAX = 5 * 1024 * 1024;
/** Smaller records gain little from deflate. */
const DEFLATE_BYTES_MIN = 1_024;
/** The node inflates to at most so many times the deflated size, or to {@link INFLATE_FREE_BYTES}. */
const INFLATE_RATIO_MAX = 20;
const INFLATE_FREE_BYTES = 64 * 1024;

/**
 * Events as frames to send one after the other.
 *
 * @returns undefined when `isOver` gave true in between
 */
export async function encodeEvents(
	events: readonly PageEvent[],
	isOver: () => boolean = () => false,
): Promise<ArrayBuffer[] | "too_large" | undefined> {
	const json = await toJson(events, isOver);
	if (json === undefined) return undefined;
	const record = new TextEncoder().encode(json);
	if (record.length > RECORD_BYTES_MAX) return "too_large";
	const deflated = record.length >= DEFLATE_BYTES_MIN ? await deflate(record) : undefined;
	const inflatesTo = Math.max(INFLATE_FREE_BYTES, (deflated?.length ?? 0) * INFLATE_RATIO_MAX);
	if (deflated !== undefined && deflated.length < record.length && record.length <= inflatesTo) {
		return pieces(deflated, RECORD_FRAMED | RECORD_DEFLATE);
	}
	return record.length <= SHARER_FRAME_BYTES_MAX ? [record.slice().buffer] : pieces(record, RECORD_FRAMED);
}

/** An asset as one frame: its name's 32 bytes, then the file. */
export function encodeAsset(name: Uint8Array, file: Uint8Array): ArrayBuffer {
	const frame = new Uint8Array(1 + name.length + file.length);
	frame[0] = ASSET_FRAME;
	frame.set(name, 1);
	frame.set(file, 1 + name.length);
	return frame.buffer;
}

function pieces(bytes: Uint8Array, first: number): ArrayBuffer[] {
	const made: ArrayBuffer[] = [];
	for (let start = 0; start < bytes.length; start += SHARER_FRAME_BYTES_MAX - 1) {
		const part = bytes.subarray(start, start + SHARER_FRAME_BYTES_MAX - 1);
		const frame = new Uint8Array(1 + part.length);
		frame[0] = start + part.length < bytes.length ? first | RECORD_MORE : first;
		frame.set(part, 1);
		made.push(frame.buffer);
	}
	return made;
}

async function deflate(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array | undefined> {
	if (typeof CompressionStream === "undefined") return undefined;
	try {
		const stream = new Blob([bytes]).stream().pipeThrough(new CompressionStream("deflate-raw"));
		return new Uint8Array(await new Response(stream).arrayBuffer());
	} catch {
		// Browsers before 2023 know other formats only.
		return undefined;
	}
}

/** JSON of a large page would be a long task too: its nodes are written some at a time. */
async function toJson(events: readonly PageEvent[], isOver: () => boolean): Promise<string | undefined> {
	const parts: string[] = [];
	for (const event of events) {
		parts.push(parts.length === 0 ? "[" : ",");
		const isLarge = event.type === 2;
		if (!isLarge) parts.push(JSON.stringify(event));
		else if (!(await writePage(event, parts, isOver))) return undefined;
	}
	return `${parts.join("")}]`;
}

/** Writes a snapshot, one node per step. */
function writePage(
	{ data, timestamp }: Extract<PageEvent, { type: 2 }>,
	parts: string[],
	isOver: () => boolean,
): Promise<boolean> {
	const { left, top } = data.initialOffset;
	parts.push(`{"type":2,"timestamp":${timestamp},"data":{"initialOffset":{"left":${left},"top":${top}},"node":`);
	const open: { nodes: readonly WireNode[]; next: number }[] = [{ nodes: [data.node], next: 0 }];
	return inSlices(() => {
		const level = open.at(-1);
		if (level === undefined) return false;
		const node = level.nodes[level.next];
		if (node === undefined) {
			open.pop();
			parts.push(open.length > 0 ? "]}" : "}}");
			return true;
		}
		if (level.next++ > 0) parts.push(",");
		if (!("childNodes" in node)) {
			parts.push(JSON.stringify(node));
			return true;
		}
		const { childNodes, ...head } = node;
		parts.push(`${JSON.stringify(head).slice(0, -1)},"childNodes":[`);
		open.push({ nodes: childNodes, next: 0 });
		return true;
	}, isOver);
}
