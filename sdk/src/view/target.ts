/**
 * From a place in the view to what a verb names: a node, what it should be, and a place in its box.
 *
 * Never bare coordinates: a page that moved meanwhile would be hit elsewhere. Hidden nodes are never named; pointing at
 * one names the nearest node around it that the agent may see.
 */
import { fingerprint } from "../fingerprint";
import { dom } from "./dom";
import type { Place } from "./places";
import type { Replay } from "./replay";
import type { Known } from "./tree";

/** The node a verb acts on. */
export interface Target {
	epoch: number;
	node: number;
	fingerprint: number;
}

/** A target with a place in its box, as fractions from 0 to 1. */
export interface Aim {
	target: Target;
	x: number;
	y: number;
	known: Known;
	/** What the place itself belongs to is hidden from us: `known` only surrounds it. */
	isHidden: boolean;
}

/** Names a node. */
export function targetOf(replay: Replay, known: Known): Target {
	const fact = (name: string) => known.facts.get(name) ?? "";
	const print = fingerprint(known.tag, fact("id"), fact("type"), fact("role"));
	return { epoch: replay.epoch, node: known.id, fingerprint: print };
}

/** The page itself: what history verbs name. */
export function pageTarget(replay: Replay): Target | undefined {
	const root = replay.tree?.root;
	return root && targetOf(replay, root);
}

/** What is at a place of the view. */
export function aimAt(replay: Replay, place: Place): Aim | undefined {
	const hit = replay.at(place);
	const visible = hit && visibleAround(replay, hit.known);
	if (hit === undefined || visible === undefined) return undefined;
	const [at] = fractions(replay, visible, [place]);
	if (at === undefined) return undefined;
	const [x, y] = at;
	return { target: targetOf(replay, visible), x, y, known: visible, isHidden: visible !== hit.known };
}

/** A stroke in the smallest node whose box holds all of it. */
export function strokeOf(
	replay: Replay,
	stroke: readonly Place[],
): { target: Target; points: [number, number][] } | undefined {
	const first = stroke[0];
	let known = first && aimAt(replay, first)?.known;
	while (known !== undefined) {
		const box = replay.boxOf(known.node as Element);
		const holds = stroke.every(({ x, y }) => x >= box.left && x <= box.right && y >= box.top && y <= box.bottom);
		const outer: Known | undefined = replay.tree?.knownAt(dom.parent(known.node));
		if (holds || outer?.kind !== "element")
			return { target: targetOf(replay, known), points: fractions(replay, known, stroke) };
		known = outer;
	}
	return undefined;
}

/** The nearest node from inside out that is not hidden; an element, since nothing else has a box. */
function visibleAround(replay: Replay, hit: Known): Known | undefined {
	let known: Known | undefined = hit;
	while (known !== undefined && (known.level !== undefined || known.kind !== "element")) {
		known = replay.tree?.knownAt(dom.parent(known.node));
	}
	return known;
}

function fractions(replay: Replay, known: Known, places: readonly Place[]): [number, number][] {
	const box = replay.boxOf(known.node as Element);
	const within = (value: number, from: number, size: number) =>
		size > 0 ? Math.min(1, Math.max(0, (value - from) / size)) : 0.5;
	return places.map(({ x, y }) => [within(x, box.left, box.width), within(y, box.top, box.height)]);
}
