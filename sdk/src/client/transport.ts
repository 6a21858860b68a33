/**
 * One RTCPeerConnection: three sections that send, and fixed slots that receive.
 *
 * We always offer and the node always answers, so that there is never a glare. Who is heard or seen in a slot changes
 * by `bind` and by RTP alone; what is sent changes by `replaceTrack`. A second offer is only ever an ICE restart.
 */
import type { Answer, SendEncodings, Source } from "../protocol";
import { Emitter } from "./emitter";
import { TillsideError } from "./error";
import type { LocalTrack } from "./local_media";

/** Receive slots. The node sends the loudest three; four faces are what a phone's screen still shows. */
const AUDIO_SLOTS = 3;
const VIDEO_SLOTS = 4;
/** Below 64 kbit/s speech with music suffers, above it nobody hears a difference. */
const AUDIO_BITRATE_MAX = 64_000;
/** 180, 360 and 720 lines of a 720p camera, each enough for a moving face. */
const CAMERA_ENCODINGS: RTCRtpEncodingParameters[] = [
	{ rid: "q", scaleResolutionDownBy: 4, maxBitrate: 160_000 },
	{ rid: "h", scaleResolutionDownBy: 2, maxBitrate: 550_000 },
	{ rid: "f", scaleResolutionDownBy: 1, maxBitrate: 1_800_000 },
];
/** Enough for the text of a full-screen page. */
const SCREEN_BITRATE_MAX = 2_500_000;
/** After this long without an answer, another offer may be made. */
const ANSWER_TIMEOUT_MS = 10_000;

/** A receive m-line. Its track is always the same; what plays on it changes. */
export interface Slot {
	readonly mid: string;
	readonly kind: "audio" | "video";
	readonly track: MediaStreamTrack;
}

export interface TransportEvents {
	/** Media flows, for the first time or again. */
	connected: undefined;
	/** The path does not carry media any more. */
	failing: undefined;
}

/** An offer and which section carries what. */
export interface SdpOffer {
	n: number;
	sdp: string;
	mids: Map<Source, string>;
}

export class Transport extends Emitter<TransportEvents> {
	readonly connection: RTCPeerConnection;
	readonly #senders: Map<Source, RTCRtpTransceiver>;
	readonly #receivers: RTCRtpTransceiver[];
	#n = 0;
	#answered = 0;
	#offeredAt = 0;
	#encodingsSet: Promise<void> = Promise.resolve();

	constructor(iceServers: RTCIceServer[]) {
		super();
		if (typeof RTCPeerConnection === "undefined") {
			const message = "This browser cannot make calls. Use a recent Chrome, Edge, Firefox or Safari.";
			throw new TillsideError("unsupported", message, false);
		}
		this.connection = new RTCPeerConnection({ iceServers, bundlePolicy: "max-bundle", rtcpMuxPolicy: "require" });
		const send = (kind: "audio" | "video", sendEncodings: RTCRtpEncodingParameters[]) =>
			this.connection.addTransceiver(kind, { direction: "sendonly", sendEncodings });
		// The order of the m-lines: a section without a track costs nothing until `replaceTrack` fills it.
		this.#senders = new Map([
			["microphone", send("audio", [{ maxBitrate: AUDIO_BITRATE_MAX }])],
			["camera", send("video", CAMERA_ENCODINGS)],
			["screen", send("video", [{ maxBitrate: SCREEN_BITRATE_MAX }])],
		]);
		const receive = (kind: "audio" | "video", slots: number) =>
			Array.from({ length: slots }, () => this.connection.addTransceiver(kind, { direction: "recvonly" }));
		this.#receivers = [...receive("audio", AUDIO_SLOTS), ...receive("video", VIDEO_SLOTS)];
		this.connection.addEventListener("iceconnectionstatechange", () => this.#handleIceState());
	}

	/** The slots, in the order of their m-lines. Empty before the first offer. */
	get slots(): Slot[] {
		return this.#receivers.flatMap(({ mid, receiver: { track } }) =>
			mid === null ? [] : [{ mid, kind: track.kind as Slot["kind"], track }],
		);
	}

	/** Which m-line carries a source. Undefined before the first offer. */
	mid(source: Source): string | undefined {
		return this.#senders.get(source)?.mid ?? undefined;
	}

	/** What an m-line of ours carries. */
	source(mid: string): Source | undefined {
		return [...this.#senders].find(([, transceiver]) => transceiver.mid === mid)?.[0];
	}

	/** Whether an offer waits for its answer. */
	get isNegotiating(): boolean {
		return this.#n > this.#answered && performance.now() - this.#offeredAt < ANSWER_TIMEOUT_MS;
	}

	/** Whether the path carries packets, as far as ICE knows. */
	get isConnected(): boolean {
		return ["connected", "completed"].includes(this.connection.iceConnectionState);
	}

	/** Makes the first offer, or one that restarts ICE. Candidates need not be waited for: the node is ICE-lite. */
	async offer(): Promise<SdpOffer> {
		const n = ++this.#n;
		this.#offeredAt = performance.now();
		const offer = await this.connection.createOffer({ iceRestart: n > 1 });
		await this.connection.setLocalDescription(offer);
		const mids = new Map<Source, string>();
		for (const [source, { mid }] of this.#senders) if (mid !== null) mids.set(source, mid);
		return { n, sdp: this.connection.localDescription?.sdp ?? offer.sdp ?? "", mids };
	}

	/**
	 * Takes the node's answer. An answer to an older offer is ignored.
	 *
	 * @throws TillsideError when the browser cannot use it
	 */
	async handleAnswer({ n, sdp }: Answer): Promise<boolean> {
		if (n !== this.#n || this.#answered === n) return false;
		this.#answered = n;
		try {
			await this.connection.setRemoteDescription({ type: "answer", sdp });
			return true;
		} catch (cause) {
			const message = "The store's server and this browser did not agree on a call. Reload the page and try again.";
			throw new TillsideError("bad_answer", message, true, cause);
		}
	}

	/** Sends a track, or nothing, where the source belongs. Never renegotiates. */
	async sendTrack({ source, track }: LocalTrack): Promise<void> {
		await this.#senders.get(source)?.sender.replaceTrack(track ?? null);
	}

	/** Lets encodings rest that nobody watches. `*` names the only encoding of a source without simulcast. */
	handleSend(wish: SendEncodings): Promise<void> {
		// One at a time: parameters may only be set that were read after the last time they were set (W3C §5.2).
		this.#encodingsSet = this.#encodingsSet.then(() => this.#setEncodings(wish)).catch(() => {});
		return this.#encodingsSet;
	}

	close(): void {
		this.connection.close();
	}

	async #setEncodings({ mid, rids }: SendEncodings): Promise<void> {
		const sender = [...this.#senders.values()].find((transceiver) => transceiver.mid === mid)?.sender;
		if (sender === undefined) return;
		const parameters = sender.getParameters();
		const wanted = (rid?: string) => rids.includes(rid ?? "*") || rids.includes("*");
		if (parameters.encodings.every(({ active, rid }) => active === wanted(rid))) return;
		for (const encoding of parameters.encodings) encoding.active = wanted(encoding.rid);
		await sender.setParameters(parameters);
	}

	#handleIceState(): void {
		switch (this.connection.iceConnectionState) {
			case "connected":
			case "completed":
				return this.emit("connected", undefined);
			case "disconnected":
			case "failed":
				return this.emit("failing", undefined);
		}
	}
}
