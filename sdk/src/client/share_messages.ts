/** What is said about shared pages on `/v1/ws` (PROTOCOL.md, “Sharing a page”). */

export type Rung = "point" | "click" | "type" | "navigate";
export type SharePhase = "requested" | "live" | "paused" | "ended";
export type ControlPhase = "requested" | "granted" | "denied" | "ended";

export interface Share {
	share: string;
	sharer: string;
	phase: SharePhase;
	why?: string;
	by?: string;
	ticket?: string;
	viewers: string[];
}

export interface Control {
	share: string;
	viewer: string;
	phase: ControlPhase;
	rung: Rung;
	ends_in_ms?: number;
	why?: string;
}

export type ShareRequest =
	| { t: "share"; action: "request"; sharer: string }
	| { t: "share"; action: "withdraw"; share: string };
export type ControlRequest =
	| { t: "control"; action: "request"; share: string; rung: Rung }
	| { t: "control"; action: "release"; share: string };
