// Generated from `signaling/src/protocol*` (a test compares them); do not edit by hand.

export type Role = "shopper" | "agent" | "supervisor" | "observer";
export type Source = "microphone" | "camera" | "screen";
export type Grants = { room?: string; publish: Array<Source>; subscribe: boolean; moderate: boolean };

export type ClientMessage =
	| ({ t: "hello" } & Hello)
	| ({ t: "join" } & Join)
	| ({ t: "offer" } & Offer)
	| ({ t: "view" } & View)
	| ({ t: "mute" } & Mute)
	| { t: "ready" }
	| ({ t: "chat" } & Chat)
	| ({ t: "data" } & Data)
	| ({ t: "moderate" } & Moderate)
	| ({ t: "ping" } & Ping)
	| { t: "leave" };
export type Hello = { v: Array<number>; token: string; sdk: string; resume?: Resume };
export type Resume = { session: string; secret: string; seq: number };
export type Join = { room?: string; offer: string; tracks: Array<Track> };
export type Offer = { n: number; sdp: string; tracks: Array<Track> };
export type Track = { mid: string; source: Source; muted: boolean };
export type View = { slots: Array<SlotView> };
export type SlotView = { mid: string; publication?: string; height: number; priority: number };
export type Mute = { mid: string; muted: boolean };
export type Chat = { text: string; to?: string };
export type Data = { topic: string; payload: string; to?: string };
export type Moderate =
	| { action: "mute"; participant: string; mid: string }
	| { action: "kick"; participant: string }
	| { action: "lock" }
	| { action: "unlock" }
	| { action: "end" };
export type Ping = { ts: number };

export type ServerFrame = { seq: number } & ServerMessage;
export type ServerMessage =
	| ({ t: "welcome" } & Welcome)
	| ({ t: "joined" } & Joined)
	| ({ t: "answer" } & Answer)
	| ({ t: "waiting" } & Waiting)
	| ({ t: "state" } & State)
	| ({ t: "bind" } & Bind)
	| ({ t: "send" } & SendEncodings)
	| ({ t: "speakers" } & Speakers)
	| ({ t: "quality" } & Quality)
	| ({ t: "muted" } & Muted)
	| ({ t: "chat" } & ChatReceived)
	| ({ t: "data" } & DataReceived)
	| ({ t: "desk" } & Desk)
	| ({ t: "error" } & ErrorMessage)
	| ({ t: "bye" } & Bye)
	| ({ t: "pong" } & Pong);
export type Welcome = {
	v: number;
	session: string;
	resume_secret: string;
	resumed: boolean;
	you: You;
	ping_ms: number;
	resume_ms: number;
	recording: boolean;
};
export type You = { id: string; name: string; role: Role; can: Grants };
export type Joined = { room: string; locked: boolean };
export type Answer = { n: number; sdp: string };
export type Waiting = { position: number };
export type State = { full: boolean; participants: Array<ParticipantState>; left: Array<string>; locked: boolean };
export type ParticipantState = { id: string; name: string; role: Role; publications: Array<PublicationState> };
export type PublicationState = { id: string; source: Source; muted: boolean };
export type Bind = { slots: Array<SlotBinding> };
export type SlotBinding = { mid: string; publication?: string; rid?: string; why?: Why };
export type Why = "bandwidth" | "policy" | "publisher_off" | "not_wanted" | "codec";
export type SendEncodings = { mid: string; rids: Array<string> };
export type Speakers = { participants: Array<string> };
export type Quality = { participant: string; score: number; cause: QualityCause };
export type QualityCause = "none" | "loss" | "delay" | "jitter";
export type Muted = { mid: string; by: string };
export type ChatReceived = { from: string; text: string; private: boolean };
export type DataReceived = { from: string; topic: string; payload: string };
export type Desk = { rooms: Array<DeskRoom> };
export type DeskRoom = { room: string; shopper: string; for_s: number; agents: Array<string> };
export type ErrorMessage = { code: ErrorCode; message: string; re?: string; retryable: boolean };
export type ErrorCode =
	| "malformed"
	| "unknown_type"
	| "out_of_order"
	| "version"
	| "unauthorized"
	| "forbidden"
	| "not_found"
	| "bad_offer"
	| "locked"
	| "full"
	| "rate_limited"
	| "overloaded"
	| "internal";
export type Bye = { reason: ByeReason; action: ByeAction; retry_after_ms: number };
export type ByeReason =
	| "left"
	| "kicked"
	| "room_ended"
	| "room_failed"
	| "media_lost"
	| "replaced"
	| "unauthorized"
	| "limit"
	| "shutdown";
export type ByeAction = "none" | "rejoin";
export type Pong = { ts: number };
