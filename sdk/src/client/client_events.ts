/** What goes into a client and what it tells. */
import type { Resume, ServerFrame, SlotBinding } from "../protocol";
import type { TillsideError } from "./error";
import type { LocalMedia, LocalTrack } from "./local_media";
import type { MediaState } from "./media_path";
import type { Participant } from "./roster";
import type { EndReason, TokenSource } from "./session";

export interface ClientOptions {
	/** The node's address, as `https://help.example`. Default: where this page comes from. */
	server?: string;
	/** Who we are and what we may do, or where to get that. */
	token: TokenSource;
	/** The room, where the token does not name it. */
	room?: string;
	/** The `resumption` of the same person's client on an earlier page; it leaves once this one is in. */
	replaces?: Resume | undefined;
	/** TURN servers, for networks that block everything else. */
	iceServers?: RTCIceServer[];
	/** Devices that are open already, as from a preview. The client stops them when it ends. */
	media?: LocalMedia;
}

/**
 * `idle` → `connecting` → `joined` ⇄ `reconnecting` → `ended`; any of them may go to `ended`, and nothing leaves it.
 * `reconnecting` is about the session only: media may well go on (see {@link MediaState}).
 */
export type ClientState = "idle" | "connecting" | "joined" | "reconnecting" | "ended";

export interface Ended {
	reason: EndReason;
	/** What to tell the person, where the reason alone does not say it. */
	error?: TillsideError;
}

export interface ClientEvents {
	state: ClientState;
	media: MediaState;
	/** The place in the queue; 1 is next, 0 means that the wait is over. */
	waiting: number;
	/** Participants or their publications changed. The map is alive: it is the client's own. */
	participants: ReadonlyMap<string, Participant>;
	/** What the receive slots show now, and why one is low or paused. */
	slots: readonly SlotBinding[];
	/** Participants who speak, loudest first. */
	speakers: readonly string[];
	/** A participant's connection, from 1 to 5. */
	quality: Extract<ServerFrame, { t: "quality" }>;
	/** An own source was switched on or off, by us, by a device or by a moderator. */
	local: LocalTrack;
	chat: Extract<ServerFrame, { t: "chat" }>;
	data: Extract<ServerFrame, { t: "data" }>;
	/** Something did not work; the call goes on. */
	error: TillsideError;
	/** The browser waits for a click before it plays sound; `resumeAudio` from within it. */
	audioblocked: undefined;
	ended: Ended;
}
