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

export const SHARER_FRAME_BYTES_MAX = 1048576;

export const VIEWER_FRAME_BYTES_MAX = 4096;

export const RECORD_FRAMED = 128;

export const RECORD_DEFLATE = 1;

export const RECORD_MORE = 2;

export const ASSET_FRAME = 64;

export const ASSET_BYTES_MAX = 1000000;

export const SHARE_ASSETS_BYTES_MAX = 20971520;

export const GRANT_SECONDS_MAX = 1800;

/**
 * What a verb does. Places are fractions of the node's box, 0 to 1.
 */
export type Act = { "point": { x: number, y: number, } } | { "highlight": Record<symbol, never> } | { "draw": { points: Array<[number, number]>, } } | { "scroll": { dx: number, dy: number, } } | { "click": { x: number, y: number, } } | { "focus": Record<symbol, never> } | { "type": { text: string, replace?: boolean, } } | { "press": { key: PressedKey, } } | { "select": { option: number, } } | { "follow": Record<symbol, never> } | { "back": Record<symbol, never> } | { "forward": Record<symbol, never> } | { "reload": Record<symbol, never> };

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
export type ClientMessage = { "t": "hello" } & Hello | { "t": "join" } & Join | { "t": "offer" } & Offer | { "t": "view" } & View | { "t": "mute" } & Mute | { "t": "ready" } | { "t": "chat" } & Chat | { "t": "data" } & Data | { "t": "moderate" } & Moderate | { "t": "share" } & ShareAction | { "t": "control" } & ControlAction | { "t": "ping" } & Ping | { "t": "leave" };

/**
 * What a token allows about shared pages; each role may use a part of it only.
 */
export type Cobrowse = "share" | "view" | "control";

/**
 * See [`ClientMessage::Control`](super::ClientMessage::Control).
 */
export type ControlAction = { "action": "request",
  /**
   * Of which page.
   */
  share: string,
  /**
   * How far.
   */
  rung: Rung, } | { "action": "release",
  /**
   * Of which page.
   */
  share: string, } | { "action": "grant",
  /**
   * To whom.
   */
  viewer: string,
  /**
   * How far.
   */
  rung: Rung,
  /**
   * For how many seconds; at most 1,800 count.
   */
  for_s: number, } | { "action": "deny",
  /**
   * To whom.
   */
  viewer: string, } | { "action": "revoke" };

/**
 * Where control stands.
 */
export type ControlPhase = "requested" | "granted" | "denied" | "ended";

/**
 * See [`ServerMessage::Control`](super::ServerMessage::Control).
 */
export type ControlState = {
  /**
   * Of which page.
   */
  share: string,
  /**
   * Whose control.
   */
  viewer: string,
  /**
   * Where it stands.
   */
  phase: ControlPhase,
  /**
   * How far it reaches, or was to reach.
   */
  rung: Rung,
  /**
   * When it ends by itself, in milliseconds from now.
   */
  ends_in_ms?: number,
  /**
   * Why it ended, or shrank to pointing.
   */
  why?: ControlWhy,
};

/**
 * Why control ended.
 */
export type ControlWhy = "revoked" | "released" | "expired" | "viewer_left" | "new_origin" | "payment_page" | "paused" | "replaced";

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
 * The reason a share turned *desynced*: viewers see a named blank, the sharer is asked for a snapshot. Carries no
 * content of the page.
 */
export type Desync = "malformed" | "packed" | "oversized" | "too_deep" | "too_many_nodes" | "too_much_text" | "duplicate_id" | "unknown_parent" | "unknown_node" | "bad_tree" | "no_snapshot" | "too_fast" | "style_journal_full";

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
 * A text frame of the sharer's page.
 */
export type FromSharer = { "t": "outcome",
  /**
   * Whose verb.
   */
  viewer: string,
  /**
   * The verb's number.
   */
  seq: number,
  /**
   * What became of it.
   */
  result: VerbResult, } | { "t": "ping" } & ShareClock | { "t": "pong" } & ShareClock;

/**
 * A text frame of a viewer.
 */
export type FromViewer = { "t": "verb",
  /**
   * What to do.
   */
  verb: Verb, } | { "t": "want",
  /**
   * Its name: 64 hex digits.
   */
  asset: string, } | { "t": "ping" } & ShareClock | { "t": "pong" } & ShareClock;

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
   * What is allowed about shared pages; absent: nothing.
   */
  cobrowse?: Cobrowse,
  /**
   * Whether others may be muted, removed, and the room locked or ended.
   */
  moderate: boolean,
};

/**
 * Why the shopper is asked first.
 */
export type Guard = "commits" | "submits_payment" | "leaves";

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
 * Why a shopper's page pauses its share.
 */
export type PauseWhy = "shopper" | "hidden" | "page" | "too_large";

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
 * Keys an agent may press.
 */
export type PressedKey = "enter" | "tab" | "escape" | "backspace" | "delete" | "arrow_up" | "arrow_down" | "arrow_left" | "arrow_right" | "home" | "end";

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
 * How far up the ladder a grant reaches; each rung includes those below. Viewing needs none.
 */
export type Rung = "point" | "click" | "type" | "navigate";

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
  seq: number, } & ({ "t": "welcome" } & Welcome | { "t": "joined" } & Joined | { "t": "answer" } & Answer | { "t": "waiting" } & Waiting | { "t": "state" } & State | { "t": "bind" } & Bind | { "t": "send" } & SendEncodings | { "t": "speakers" } & Speakers | { "t": "quality" } & Quality | { "t": "muted" } & Muted | { "t": "chat" } & ChatReceived | { "t": "data" } & DataReceived | { "t": "desk" } & Desk | { "t": "share" } & ShareState | { "t": "control" } & ControlState | { "t": "error" } & ErrorMessage | { "t": "bye" } & Bye | { "t": "pong" } & Pong);

/**
 * See [`ClientMessage::Share`](super::ClientMessage::Share).
 */
export type ShareAction = { "action": "request",
  /**
   * The shopper.
   */
  sharer: string, } | { "action": "withdraw",
  /**
   * The share it asked for.
   */
  share: string, } | { "action": "consent" } | { "action": "decline" } | { "action": "pause",
  /**
   * Why.
   */
  why: PauseWhy, } | { "action": "end" } | { "action": "continue",
  /**
   * The ticket of the page before. Never logged.
   */
  ticket: string,
};

/**
 * The last frame of `/v1/share`.
 */
export type ShareBye = {
  /**
   * Why.
   */
  reason: ShareByeReason,
};

/**
 * Why a stream is over.
 */
export type ShareByeReason = "replaced" | "ended" | "unauthorized" | "limit" | "slow" | "shutdown";

/**
 * `ping` and `pong` of `/v1/share`.
 */
export type ShareClock = {
  /**
   * Any number; comes back in `pong`.
   */
  ts: number,
};

/**
 * The first frame of `/v1/share`, from either side's page.
 */
export type ShareGreeting = { "t": "hello" } & ShareHello;

/**
 * See [`ShareGreeting::Hello`].
 */
export type ShareHello = {
  /**
   * Protocol versions the client speaks.
   */
  v: Array<number>,
  /**
   * The ticket. Never in a URL, never logged.
   */
  ticket: string,
};

/**
 * Where a share stands.
 */
export type SharePhase = "requested" | "live" | "paused" | "ended";

/**
 * Which side of a share.
 */
export type ShareSide = "sharer" | "viewer";

/**
 * See [`ServerMessage::Share`](super::ServerMessage::Share).
 */
export type ShareState = {
  /**
   * The share.
   */
  share: string,
  /**
   * The shopper.
   */
  sharer: string,
  /**
   * Where it stands.
   */
  phase: SharePhase,
  /**
   * Why it is paused or ended.
   */
  why?: ShareWhy,
  /**
   * The agent who asked.
   */
  by?: string,
  /**
   * Opens `/v1/share`, for the receiver of this message only. Never logged.
   */
  ticket?: string,
  /**
   * Participants who see the page now.
   */
  viewers: Array<string>,
};

/**
 * The answer to `hello` on `/v1/share`.
 */
export type ShareWelcome = {
  /**
   * The share.
   */
  share: string,
  /**
   * What the ticket makes of its holder.
   */
  as: ShareSide,
  /**
   * The shopper's name.
   */
  name_of_sharer: string,
  /**
   * Whether pictures and fonts are shared.
   */
  images: boolean,
};

/**
 * Why a share is paused or ended.
 */
export type ShareWhy = "shopper" | "hidden" | "page" | "too_large" | "sharer_left" | "call_ended" | "declined" | "withdrawn" | "unfollowable";

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
 * A text frame to the sharer's page.
 */
export type ToSharer = { "t": "welcome" } & ShareWelcome | { "t": "snapshot",
  /**
   * Why.
   */
  reason: Desync, } | { "t": "act",
  /**
   * The agent.
   */
  viewer: string,
  /**
   * Its name, for the shopper.
   */
  name: string,
  /**
   * What to do.
   */
  verb: Verb,
  /**
   * What the shopper must confirm first.
   */
  guard?: Guard, } | { "t": "ping" } & ShareClock | { "t": "pong" } & ShareClock | { "t": "bye" } & ShareBye;

/**
 * A text frame to a viewer.
 */
export type ToViewer = { "t": "welcome" } & ShareWelcome | { "t": "outcome",
  /**
   * The verb's number.
   */
  seq: number,
  /**
   * What became of it.
   */
  result: VerbResult, } | { "t": "delay",
  /**
   * Half the round trip between node and sharer, in milliseconds.
   */
  sharer_ms: number, } | { "t": "ping" } & ShareClock | { "t": "pong" } & ShareClock | { "t": "bye" } & ShareBye;

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
 * A verb on its way to the shopper.
 */
export type Verb = {
  /**
   * Rises with every verb of a viewer.
   */
  seq: number,
  /**
   * Of the snapshot that the node's id belongs to.
   */
  epoch: number,
  /**
   * The node acted on.
   */
  node: number,
  /**
   * What the agent believes the node is; see [`fingerprint`].
   */
  fingerprint: number,
  /**
   * What to do.
   */
  act: Act,
};

/**
 * What became of a verb: by the page the first seven, by the relay any but `done` and `declined`.
 */
export type VerbResult = "done" | "moved" | "hidden" | "forbidden" | "no_grant" | "declined" | "shopper_acts" | "not_live" | "malformed" | "unordered" | "expired" | "beyond_grant" | "wrong_epoch";

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
