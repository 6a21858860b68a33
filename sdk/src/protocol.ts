// Generated from the Rust types in signaling/src/protocol by
//   UPDATE=1 cargo test -p tillside --test protocol_types
// Change those, not this. PROTOCOL.md explains the conversation.

export const VERSION = 1;

export const FRAME_BYTES_MAX = 65536;

export const MESSAGES_PER_SECOND = 50;

export const MESSAGES_BURST = 100;

export const CHAT_BYTES_MAX = 2000;

export const DATA_BYTES_MAX = 16384;

export const TOPIC_BYTES_MAX = 64;

export const NAME_BYTES_MAX = 64;

export const RESUME_WINDOW_MS = 30000;

export const PING_INTERVAL_MS = 10000;

export const PING_TIMEOUT_MS = 15000;

/**
 * See [`ServerMessage::Answer`].
 */
export type Answer = {
  /**
   * The offer's number.
   */
  n: number,
  /**
   * The SDP answer.
   */
  sdp: string,
};

/**
 * See [`ServerMessage::Bind`].
 */
export type Bind = {
  /**
   * Every slot of the client.
   */
  slots: Array<SlotBinding>,
};

/**
 * See [`ServerMessage::Bye`].
 */
export type Bye = {
  /**
   * Why.
   */
  reason: ByeReason,
  /**
   * What the client should do.
   */
  action: ByeAction,
  /**
   * For how long to wait before, in milliseconds (add jitter).
   */
  retry_after_ms: number,
};

/**
 * What to do after `bye`.
 */
export type ByeAction = "none" | "rejoin";

/**
 * Why a session ended.
 */
export type ByeReason = "left" | "kicked" | "room_ended" | "room_failed" | "media_lost" | "replaced" | "unauthorized" | "limit" | "shutdown";

/**
 * See [`ClientMessage::Chat`].
 */
export type Chat = {
  /**
   * At most `CHAT_BYTES_MAX` bytes; plain text.
   */
  text: string,
  /**
   * A participant; absent: everybody.
   */
  to?: string,
};

/**
 * See [`ServerMessage::Chat`].
 */
export type ChatReceived = {
  /**
   * Who wrote.
   */
  from: string,
  /**
   * Plain text.
   */
  text: string,
  /**
   * Whether only the receiver got it.
   */
  private: boolean,
};

/**
 * One frame from a client. An `error` that answers it names its `t` in `re`.
 */
export type ClientMessage = { "t": "hello" } & Hello | { "t": "join" } & Join | { "t": "offer" } & Offer | { "t": "view" } & View | { "t": "mute" } & Mute | { "t": "ready" } | { "t": "chat" } & Chat | { "t": "data" } & Data | { "t": "moderate" } & Moderate | { "t": "ping" } & Ping | { "t": "leave" };

/**
 * See [`ClientMessage::Data`].
 */
export type Data = {
  /**
   * Tells applications apart; at most `TOPIC_BYTES_MAX` bytes.
   */
  topic: string,
  /**
   * At most `DATA_BYTES_MAX` bytes.
   */
  payload: string,
  /**
   * A participant; absent: everybody.
   */
  to?: string,
};

/**
 * See [`ServerMessage::Data`].
 */
export type DataReceived = {
  /**
   * Who sent.
   */
  from: string,
  /**
   * The application's topic.
   */
  topic: string,
  /**
   * What it sent.
   */
  payload: string,
};

/**
 * See [`ServerMessage::Desk`].
 */
export type Desk = {
  /**
   * The tenant's rooms: waiting ones first, longest wait first. Always the whole list.
   */
  rooms: Array<DeskRoom>,
};

/**
 * A room as agents see it from outside.
 */
export type DeskRoom = {
  /**
   * The room's name, for `join`.
   */
  room: string,
  /**
   * The shopper's name.
   */
  shopper: string,
  /**
   * How long the shopper has been there, in seconds, when this was sent.
   */
  for_s: number,
  /**
   * The agents inside; empty: the shopper waits.
   */
  agents: Array<string>,
};

/**
 * Stable names of what can go wrong.
 */
export type ErrorCode = "malformed" | "unknown_type" | "out_of_order" | "version" | "unauthorized" | "forbidden" | "not_found" | "bad_offer" | "locked" | "full" | "rate_limited" | "overloaded" | "internal";

/**
 * See [`ServerMessage::Error`].
 */
export type ErrorMessage = {
  /**
   * For programs.
   */
  code: ErrorCode,
  /**
   * For people: what is wrong, where, and what to do.
   */
  message: string,
  /**
   * The `t` of the message that this answers, where there is one.
   */
  re?: string,
  /**
   * Whether the same message may work later.
   */
  retryable: boolean,
};

/**
 * What the holder of a token may do, as the token says and `welcome` repeats.
 */
export type Grants = {
  /**
   * The one room, or absent: any room of the tenant (agents at the desk).
   */
  room?: string,
  /**
   * What may be sent.
   */
  publish: Array<Source>,
  /**
   * Whether others' media may be received.
   */
  subscribe: boolean,
  /**
   * Whether others may be muted, removed, and the room locked or ended.
   */
  moderate: boolean,
};

/**
 * See [`ClientMessage::Hello`].
 */
export type Hello = {
  /**
   * Protocol versions the client speaks.
   */
  v: Array<number>,
  /**
   * The token. Never in a URL, never logged.
   */
  token: string,
  /**
   * Name and version of the client software.
   */
  sdk: string,
  /**
   * Continues a session that lost its socket.
   */
  resume?: Resume,
};

/**
 * See [`ClientMessage::Join`].
 */
export type Join = {
  /**
   * The room, where the token does not name it.
   */
  room?: string,
  /**
   * The SDP offer: what is sent, and the receive slots.
   */
  offer: string,
  /**
   * What the offer's sending m-lines carry.
   */
  tracks: Array<Track>,
};

/**
 * See [`ServerMessage::Joined`].
 */
export type Joined = {
  /**
   * The room's name.
   */
  room: string,
  /**
   * Whether the room is locked.
   */
  locked: boolean,
};

/**
 * See [`ClientMessage::Moderate`].
 */
export type Moderate = { "action": "mute",
  /**
   * Whose.
   */
  participant: string,
  /**
   * Which m-line.
   */
  mid: string, } | { "action": "kick",
  /**
   * Whom.
   */
  participant: string, } | { "action": "lock" } | { "action": "unlock" } | { "action": "end" };

/**
 * See [`ClientMessage::Mute`].
 */
export type Mute = {
  /**
   * The track's `a=mid`.
   */
  mid: string,
  /**
   * On or off.
   */
  muted: boolean,
};

/**
 * See [`ServerMessage::Muted`].
 */
export type Muted = {
  /**
   * The own track's m-line.
   */
  mid: string,
  /**
   * The moderator.
   */
  by: string,
};

/**
 * See [`ClientMessage::Offer`].
 */
export type Offer = {
  /**
   * Counts the client's offers of this stay in the room; `join` is 1.
   */
  n: number,
  /**
   * The SDP offer.
   */
  sdp: string,
  /**
   * What the offer's sending m-lines carry.
   */
  tracks: Array<Track>,
};

/**
 * A participant as others see it.
 */
export type ParticipantState = {
  /**
   * Its id.
   */
  id: string,
  /**
   * Its name.
   */
  name: string,
  /**
   * Its role.
   */
  role: Role,
  /**
   * What it publishes.
   */
  publications: Array<PublicationState>,
};

/**
 * See [`ClientMessage::Ping`].
 */
export type Ping = {
  /**
   * Any number; comes back in `pong`.
   */
  ts: number,
};

/**
 * See [`ServerMessage::Pong`].
 */
export type Pong = {
  /**
   * `ping.ts`.
   */
  ts: number,
};

/**
 * A publication as others see it.
 */
export type PublicationState = {
  /**
   * Its id: the participant's id, a colon, the m-line.
   */
  id: string,
  /**
   * What it carries.
   */
  source: Source,
  /**
   * Whether its owner or a moderator muted it.
   */
  muted: boolean,
};

/**
 * See [`ServerMessage::Quality`].
 */
export type Quality = {
  /**
   * Whose connection.
   */
  participant: string,
  /**
   * 1 (hardly usable) to 5 (as good as it gets).
   */
  score: number,
  /**
   * What costs most.
   */
  cause: QualityCause,
};

/**
 * What makes a connection bad.
 */
export type QualityCause = "none" | "loss" | "delay" | "jitter";

/**
 * Which session to continue, and from where.
 */
export type Resume = {
  /**
   * `welcome.session` of the lost socket.
   */
  session: string,
  /**
   * `welcome.resume_secret` of the lost socket.
   */
  secret: string,
  /**
   * The last `seq` the client has seen.
   */
  seq: number,
};

/**
 * What somebody may be in a room.
 */
export type Role = "shopper" | "agent" | "supervisor" | "observer";

/**
 * See [`ServerMessage::Send`].
 */
export type SendEncodings = {
  /**
   * The own track's m-line.
   */
  mid: string,
  /**
   * The rids somebody wants; all others may rest. Without simulcast: `["*"]` or `[]`.
   */
  rids: Array<string>,
};

/**
 * One frame to a client: the message and its place in the session.
 */
export type ServerFrame = {
  /**
   * Counts the messages of a session from 1 without a gap, over resumes. 0 on messages that stand outside of it
   * and are not replayed: `pong`, what comes before `welcome`, and errors about frames that were dropped unread.
   * `welcome` has the count that the next message follows: 0, or where a resume goes on.
   */
  seq: number, } & ({ "t": "welcome" } & Welcome | { "t": "joined" } & Joined | { "t": "answer" } & Answer | { "t": "waiting" } & Waiting | { "t": "state" } & State | { "t": "bind" } & Bind | { "t": "send" } & SendEncodings | { "t": "speakers" } & Speakers | { "t": "quality" } & Quality | { "t": "muted" } & Muted | { "t": "chat" } & ChatReceived | { "t": "data" } & DataReceived | { "t": "desk" } & Desk | { "t": "error" } & ErrorMessage | { "t": "bye" } & Bye | { "t": "pong" } & Pong);

/**
 * What one slot shows.
 */
export type SlotBinding = {
  /**
   * The slot's m-line.
   */
  mid: string,
  /**
   * The publication; absent: empty.
   */
  publication?: string,
  /**
   * The simulcast encoding on its way, where there are several.
   */
  rid?: string,
  /**
   * Why nothing, or less than asked, is sent; absent: nothing is held back.
   */
  why?: Why,
};

/**
 * What a client wants in one slot.
 */
export type SlotView = {
  /**
   * The slot's `a=mid`.
   */
  mid: string,
  /**
   * The publication to show; absent: the node chooses.
   */
  publication?: string,
  /**
   * Height on screen in device pixels; 0: not visible, send nothing.
   */
  height: number,
  /**
   * 0 is served first.
   */
  priority: number,
};

/**
 * What a track carries.
 */
export type Source = "microphone" | "camera" | "screen";

/**
 * See [`ServerMessage::Speakers`].
 */
export type Speakers = {
  /**
   * Participants who speak now, loudest first.
   */
  participants: Array<string>,
};

/**
 * See [`ServerMessage::State`].
 */
export type State = {
  /**
   * Whether this is everything (then whoever is not named is gone) or a change.
   */
  full: boolean,
  /**
   * New or changed participants, whole. Without the receiver.
   */
  participants: Array<ParticipantState>,
  /**
   * Participants that left.
   */
  left: Array<string>,
  /**
   * Whether the room is locked.
   */
  locked: boolean,
};

/**
 * An m-line that the client sends on.
 */
export type Track = {
  /**
   * Its `a=mid`.
   */
  mid: string,
  /**
   * What it carries.
   */
  source: Source,
  /**
   * Whether it is silent or dark for now. A screen that is not shared is muted.
   */
  muted: boolean,
};

/**
 * See [`ClientMessage::View`].
 */
export type View = {
  /**
   * The slots the client has a wish for; the node fills the others by itself.
   */
  slots: Array<SlotView>,
};

/**
 * See [`ServerMessage::Waiting`].
 */
export type Waiting = {
  /**
   * 1: next to be helped. 0: somebody is here, the wait is over.
   */
  position: number,
};

/**
 * See [`ServerMessage::Welcome`].
 */
export type Welcome = {
  /**
   * The version the node chose.
   */
  v: number,
  /**
   * Names the session for a resume.
   */
  session: string,
  /**
   * Proves that a resume comes from the same client. Never logged.
   */
  resume_secret: string,
  /**
   * Whether this continues an earlier socket; missed messages follow.
   */
  resumed: boolean,
  /**
   * Who the client is.
   */
  you: You,
  /**
   * How often to ping, in milliseconds.
   */
  ping_ms: number,
  /**
   * How long media goes on without a socket, in milliseconds.
   */
  resume_ms: number,
  /**
   * Nothing is ever recorded.
   */
  recording: boolean,
};

/**
 * Why a slot is low or paused.
 */
export type Why = "bandwidth" | "policy" | "publisher_off" | "not_wanted" | "codec";

/**
 * Who the client is, by its token.
 */
export type You = {
  /**
   * The participant id others will see.
   */
  id: string,
  /**
   * The name others will see.
   */
  name: string,
  /**
   * The role.
   */
  role: Role,
  /**
   * What is allowed.
   */
  can: Grants,
};
