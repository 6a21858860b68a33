/**
 * What leaves the page: the part of rrweb's events (`@rrweb/types` 2.2) that the relay reads.
 *
 * Every text in them is {@link Masked}: only `mask.ts` makes such texts, so an event with a raw value does not compile.
 */
import type { Masked } from "./mask";

/** A node's number; counts from 1 within one page. */
export type NodeId = number;

export type Attributes = Record<string, Masked | true | null>;

export interface ElementNode {
	type: 2;
	tagName: Masked;
	attributes: Attributes;
	childNodes: WireNode[];
	id: NodeId;
	isSVG?: true;
	isShadowHost?: true;
	isShadow?: true;
	/** Shown as a box, without content. */
	needBlock?: true;
}

export type WireNode =
	| { type: 0; childNodes: WireNode[]; id: NodeId }
	| { type: 1; name: Masked; publicId: ""; systemId: ""; id: NodeId }
	| ElementNode
	| { type: 3; textContent: Masked; id: NodeId; isShadow?: true };

export interface Mutation {
	source: 0;
	removes: { parentId: NodeId; id: NodeId; isShadow?: true }[];
	/** Later siblings stand first, so that `nextId` is always known. */
	adds: { parentId: NodeId; nextId: NodeId | null; node: WireNode }[];
	texts: { id: NodeId; value: Masked }[];
	attributes: { id: NodeId; attributes: Attributes }[];
	isAttachIframe?: true;
}

export interface Position {
	x: number;
	y: number;
	id: NodeId;
	/** Milliseconds before the event, so zero or less. */
	timeOffset: number;
}

interface SheetRule {
	rule: Masked;
	index?: number;
}

/** `data` of an event of type 3. */
export type Change =
	| Mutation
	| { source: 1 | 6; positions: Position[] }
	| { source: 2; type: number; id: NodeId; x: number; y: number; pointerType?: number }
	| { source: 3; id: NodeId; x: number; y: number }
	| { source: 4; width: number; height: number }
	| { source: 5; id: NodeId; text: Masked; isChecked: boolean }
	| { source: 7; type: number; id: NodeId; currentTime: number; muted: boolean; playbackRate: number }
	| {
			source: 8;
			id?: NodeId;
			styleId?: number;
			adds?: SheetRule[];
			removes?: { index: number }[];
			replaceSync?: Masked;
	  }
	| { source: 14; ranges: { start: NodeId; startOffset: number; end: NodeId; endOffset: number }[] }
	| { source: 15; id: NodeId; styleIds: number[]; styles?: { styleId: number; rules: SheetRule[] }[] };

export type PageEvent =
	| { type: 2; data: { node: WireNode; initialOffset: { left: number; top: number } }; timestamp: number }
	| { type: 3; data: Change; timestamp: number }
	| { type: 4; data: { href: Masked; width: number; height: number }; timestamp: number };
