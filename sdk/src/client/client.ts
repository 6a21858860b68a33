/**
 * A participant in one room: the SDK's main door.
 *
 * Ties a Session (words), a Transport (media), the own devices and what is looked at together. Media never depends on
 * the session's socket: while it is away, sound and pictures go on.
 */
import type { Join, Moderate, Resume, ServerFrame, SlotBinding, Source, You } from "../protocol";
import { AudioOutput } from "./audio_output";
import type { ClientEvents, ClientOptions, ClientState, Ended } from "./client_events";
import { Emitter } from "./emitter";
import { TillsideError } from "./error";
import { LocalMedia, type LocalTrack } from "./local_media";
import { MediaPath, type MediaState } from "./media_path";
import { OwnTracks } from "./own_tracks";
import { type Participant, Roster } from "./roster";
import { endSession, Session, type SessionEvents } from "./session";
import { Sharing } from "./sharing";
import { digestStats, type StatsDigest } from "./stats";
import { Viewing } from "./viewing";
import { Viewport } from "./viewport";

export class TillsideClient extends Emitter<ClientEvents> {
	readonly media: LocalMedia;
	/** Shared pages, for who may see them. */
	readonly viewing = new Viewing((message) => this.#inRoom && this.#session.send(message));
	/** This page, as far as it is shared with agents. */
	readonly share = new Sharing((message) => this.#inRoom && this.#session.send(message));
	#options: ClientOptions;
	readonly #session: Session;
	readonly #own: OwnTracks;
	readonly #path: MediaPath;
	readonly #roster = new Roster();
	readonly #audio = new AudioOutput(() => this.emit("audioblocked", undefined));
	readonly #viewport = new Viewport((slots) => this.#inRoom && this.#session.send({ t: "view", slots }));
	readonly #forgetMedia: (() => void)[];
	#state: ClientState = "idle";
	#inRoom = false;
	/** A join whose answer has not come: it is said again when the session resumes. */
	#pendingJoin: Join | undefined;
	#joining: { resolve: () => void; reject: (error: TillsideError) => void } | undefined;
	#you: You | undefined;
	#room: string | undefined;
	#locked = false;
	#position = 0;
	#slots: readonly SlotBinding[] = [];

	constructor(options: ClientOptions) {
		super();
		this.#options = options;
		this.media = options.media ?? new LocalMedia();
		this.#own = new OwnTracks(this.media);
		this.#forgetMedia = [
			this.media.on("changed", (track) => this.#handleLocalTrack(track)),
			this.media.on("failed", (error) => this.emit("error", error)),
		];
		this.#session = new Session(options.server ?? "/", options.token);
		this.#path = new MediaPath(options.iceServers ?? [], {
			expectsPackets: () => this.#roster.isHeard(this.#slots),
			canOffer: () => this.#inRoom && this.#session.isOpen,
			offer: (n, sdp, mids) => this.#session.send({ t: "offer", n, sdp, tracks: this.#own.announce(mids) }),
			changed: (state) => this.emit("media", state),
		});
		this.#session.on("opened", (welcome) => void this.#enter(welcome));
		this.#session.on("resumed", () => this.#handleResumed());
		this.#session.on("lost", () => this.#state === "joined" && this.#setState("reconnecting"));
		this.#session.on("message", (message) => void this.#handleMessage(message));
		this.#session.on("ended", (ended) => this.#end(ended));
	}

	get state(): ClientState {
		return this.#state;
	}

	/** How media is, apart from the session. */
	get mediaState(): MediaState {
		return this.#path.state;
	}

	/** Who we are, by the token. Undefined before the node's welcome. */
	get you(): You | undefined {
		return this.#you;
	}

	/** The room's name. Undefined before we are in. */
	get room(): string | undefined {
		return this.#room;
	}

	/** Whether a moderator lets nobody else in. */
	get isLocked(): boolean {
		return this.#locked;
	}

	/** The place in the queue, or 0. */
	get position(): number {
		return this.#position;
	}

	/** Everybody else in the room, by id. */
	get participants(): ReadonlyMap<string, Participant> {
		return this.#roster.participants;
	}

	/** What the receive slots show. */
	get slots(): readonly SlotBinding[] {
		return this.#slots;
	}

	/** What a later page passes as `replaces` to go on with this call. As secret as the token. */
	get resumption(): Resume | undefined {
		return this.#session.resumption && { ...this.#session.resumption };
	}

	/** For tests and for support: what no application should need. */
	get debug(): { peerConnection: RTCPeerConnection | undefined } {
		return { peerConnection: this.#path.transport?.connection };
	}

	/**
	 * Connects and enters the room; once. Works without devices: switch them on before, later or never.
	 *
	 * @throws TillsideError when the node cannot be reached or refuses
	 */
	join(): Promise<void> {
		if (this.#state !== "idle") throw new Error("a client joins once");
		this.#setState("connecting");
		return new Promise((resolve, reject) => {
			this.#joining = { resolve, reject };
			this.#session.connect();
		});
	}

	/** Leaves for good and stops the devices. */
	leave(): void {
		if (this.#state === "idle") return this.#end({ reason: "left" });
		// Else the node would wait for the page to come back.
		if (this.share.isShared) this.share.end();
		this.#session.leave();
	}

	/**
	 * Switches an own source on or off. A muted microphone keeps its device, so that unmuting is instant; a camera or
	 * screen that is switched off is released.
	 *
	 * @throws TillsideError when the token does not allow it or the device does not open
	 */
	async publish(source: Source, on: boolean): Promise<void> {
		if (on && this.#you !== undefined && !this.#own.isAllowed(source)) {
			throw new TillsideError("forbidden", `This call does not allow you to share your ${source}.`, false);
		}
		await this.media.set(source, on);
	}

	/**
	 * Shows a publication in a video element, as large as the element is, until the returned function is called. What
	 * nobody looks at is not sent. Priority 0 is served first when the network is slow.
	 */
	watch(publication: string, element: HTMLVideoElement, priority = 0): () => void {
		return this.#viewport.watch(publication, element, priority);
	}

	/** Writes to everybody, or to one participant. False while the session is away: say it again later. */
	chat(text: string, to?: string): boolean {
		return this.#session.send({ t: "chat", text, ...(to === undefined ? {} : { to }) });
	}

	/** Sends a small message to the other ends' applications; see {@link chat}. */
	sendData(topic: string, payload: string, to?: string): boolean {
		return this.#session.send({ t: "data", topic, payload, ...(to === undefined ? {} : { to }) });
	}

	/** A moderator's act. The node answers by what changes, or by an `error` event. */
	moderate(act: Moderate): boolean {
		return this.#session.send({ t: "moderate", ...act });
	}

	/** Plays sound after `audioblocked`; call it from within a click. */
	resumeAudio(): void {
		this.#audio.resume();
	}

	/** Plays sound on this device. */
	useSpeaker(deviceId: string): Promise<void> {
		return this.#audio.useSpeaker(deviceId);
	}

	/** How the connection does. Undefined before there is one. */
	async stats(): Promise<StatsDigest | undefined> {
		const connection = this.#path.transport?.connection;
		if (connection === undefined) return undefined;
		return digestStats(await connection.getStats(), connection.getTransceivers());
	}

	/** A session without a past: enter the room with one offer. */
	async #enter({ you }: SessionEvents["opened"]): Promise<void> {
		this.#you = you;
		this.viewing.clear();
		this.#own.allow(you.can.publish);
		this.#inRoom = false;
		try {
			const { transport, sdp, mids } = await this.#path.begin(this.#own.all());
			if (transport !== this.#path.transport) return;
			this.#viewport.handleSlots(transport.slots);
			this.#audio.play(transport.slots);
			const room = this.#options.room === undefined ? {} : { room: this.#options.room };
			this.#pendingJoin = { ...room, offer: sdp, tracks: this.#own.announce(mids) };
			this.#session.send({ t: "join", ...this.#pendingJoin });
		} catch (cause) {
			this.#fail(cause);
		}
	}

	/** What we said while the socket was dying may be lost; all of it may be said again. */
	#handleResumed(): void {
		if (this.#pendingJoin !== undefined) this.#session.send({ t: "join", ...this.#pendingJoin });
		if (!this.#inRoom) return;
		this.#setState("joined");
		this.#session.send({ t: "ready" });
		this.#session.send({ t: "view", slots: this.#viewport.wishes() });
		for (const track of this.#own.all()) this.#sayMute(track);
		this.share.handleOpen();
		this.#path.handleSessionResumed();
	}

	async #handleMessage(message: SessionEvents["message"]): Promise<void> {
		switch (message.t) {
			case "joined":
				this.#room = message.room;
				this.#locked = message.locked;
				return;
			case "answer":
				return this.#handleAnswer(message);
			case "waiting":
				this.#position = message.position;
				return this.emit("waiting", message.position);
			case "state":
				this.#roster.handleState(message);
				this.#locked = message.locked;
				return this.emit("participants", this.participants);
			case "bind":
				this.#slots = message.slots;
				this.#viewport.handleBind(message.slots);
				return this.emit("slots", message.slots);
			case "send":
				return this.#path.transport?.handleSend(message);
			case "muted": {
				const source = this.#path.transport?.source(message.mid);
				if (source !== undefined) this.media.muteByModerator(source);
				return;
			}
			case "error":
				return this.#handleError(message);
			case "speakers":
				return this.emit("speakers", message.participants);
			case "quality":
				return this.emit("quality", message);
			case "chat":
				return this.emit("chat", message);
			case "data":
				return this.emit("data", message);
			case "share":
				if (message.sharer === this.#you?.id) return this.share.handleState(message);
				return this.viewing.handleShare(message);
			case "control":
				if (message.share === this.share.state?.share) return this.share.handleControl(message);
				return this.viewing.handleControl(message);
			case "desk":
				return;
		}
	}

	async #handleAnswer(answer: Extract<ServerFrame, { t: "answer" }>): Promise<void> {
		const transport = this.#path.transport;
		try {
			if (!(await transport?.handleAnswer(answer)) || transport !== this.#path.transport) return;
		} catch (cause) {
			return this.#fail(cause);
		}
		if (this.#inRoom) return;
		this.#inRoom = true;
		this.#session.send({ t: "ready" });
		for (const mute of this.#own.changes()) this.#session.send({ t: "mute", ...mute });
		this.#pendingJoin = undefined;
		this.#session.send({ t: "view", slots: this.#viewport.wishes() });
		this.#setState("joined");
		this.share.handleOpen();
		this.#endEarlierSession();
		this.#joining?.resolve();
	}

	/** Only now: a room that nobody is in for a moment would end, and a place in the queue with it. */
	#endEarlierSession(): void {
		const { replaces, server } = this.#options;
		const token = this.#session.token;
		if (replaces === undefined || token === undefined) return;
		endSession(server ?? "/", token, replaces);
		this.#options = { ...this.#options, replaces: undefined };
	}

	#handleError(message: Extract<ServerFrame, { t: "error" }>): void {
		const error = TillsideError.fromNode(message);
		switch (message.re) {
			case "join":
				// The join that we repeated had arrived after all: its answer is on its way.
				if (error.code !== "out_of_order") this.#fail(error);
				return;
			case "view":
			case "mute":
			case "ready":
			case "offer":
				// We said that, not a person: it crossed a change on its way and is said again when that arrives.
				return;
			default:
				this.emit("error", error);
		}
	}

	#handleLocalTrack(track: LocalTrack): void {
		void this.#path.transport?.sendTrack(track);
		if (!track.mutedByModerator) this.#sayMute(track);
		this.emit("local", track);
	}

	#sayMute(track: LocalTrack): void {
		const mute = this.#inRoom ? this.#own.mute(track) : undefined;
		if (mute !== undefined) this.#session.send({ t: "mute", ...mute });
	}

	#fail(cause: unknown): void {
		const message = "The call could not be set up. Reload the page and try again.";
		const error = cause instanceof TillsideError ? cause : new TillsideError("bad_answer", message, true, cause);
		this.#end({ reason: "refused", error });
		this.#session.leave();
	}

	#setState(state: ClientState): void {
		if (state === this.#state) return;
		this.#state = state;
		this.emit("state", state);
	}

	#end(ended: Ended): void {
		if (this.#state === "ended") return;
		this.#inRoom = false;
		this.#path.end();
		this.#audio.stop();
		this.#viewport.stop();
		this.media.stop();
		this.share.handleEnd();
		for (const forget of this.#forgetMedia) forget();
		this.#setState("ended");
		const message = "The call ended before it began.";
		this.#joining?.reject(ended.error ?? new TillsideError("unreachable", message, true));
		this.emit("ended", ended);
	}
}
