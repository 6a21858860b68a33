/** Stand-ins for what the browser gives: sockets, connections, devices. They do what a test says and remember the rest. */
import { vi } from "vitest";
import type { ClientMessage, ServerFrame } from "../src/protocol";

type DistributiveOmit<Type, Key extends PropertyKey> = Type extends unknown ? Omit<Type, Key> : never;
/** A frame without its number. */
export type Said = DistributiveOmit<ServerFrame, "seq">;

export const GRANTS = { publish: ["microphone", "camera", "screen"], subscribe: true, moderate: false } as const;

export class FakeSocket {
	static all: FakeSocket[] = [];
	static install(): void {
		FakeSocket.all = [];
		vi.stubGlobal("WebSocket", FakeSocket);
	}
	static get last(): FakeSocket {
		return FakeSocket.all.at(-1) as FakeSocket;
	}

	onopen: (() => void) | undefined;
	onmessage: ((event: { data: string }) => void) | undefined;
	onclose: (() => void) | undefined;
	readonly sent: ClientMessage[] = [];
	isClosed = false;
	#seq = 0;

	constructor(readonly url: string) {
		FakeSocket.all.push(this);
	}

	send(text: string): void {
		this.sent.push(JSON.parse(text) as ClientMessage);
	}

	close(): void {
		this.isClosed = true;
	}

	/** What was sent of one type. */
	said<T extends ClientMessage["t"]>(t: T): Extract<ClientMessage, { t: T }>[] {
		return this.sent.filter((message) => message.t === t) as Extract<ClientMessage, { t: T }>[];
	}

	/** The node's side: the next numbered frame. */
	say(message: Said, seq = ++this.#seq): void {
		this.#seq = seq;
		this.onmessage?.({ data: JSON.stringify({ ...message, seq }) });
	}

	sayRaw(data: string): void {
		this.onmessage?.({ data });
	}

	/** The node's side: the socket opens and the session is welcomed. */
	welcome({ resumed = false, publish = [...GRANTS.publish] as string[], seq = 0 } = {}): void {
		this.onopen?.();
		const you = { id: "p_me", name: "Sam", role: "shopper", can: { ...GRANTS, publish } };
		const session = { session: "s_1", resume_secret: "secret", resumed, you, recording: false };
		this.#seq = seq;
		this.onmessage?.({
			data: JSON.stringify({ t: "welcome", seq, v: 1, ...session, ping_ms: 10_000, resume_ms: 30_000 }),
		});
	}

	/** The network's side: the socket is lost. */
	lose(): void {
		this.onclose?.();
	}
}

export class FakeTrack extends EventTarget {
	enabled = true;
	readyState = "live";
	contentHint = "";
	constructor(
		readonly kind: "audio" | "video",
		readonly id = `${kind}-${Math.random()}`,
	) {
		super();
	}
	stop(): void {
		this.readyState = "ended";
	}
	getSettings() {
		return { deviceId: this.id };
	}
}

export class FakeStream {
	constructor(readonly tracks: FakeTrack[] = []) {}
	getTracks() {
		return this.tracks;
	}
	getAudioTracks() {
		return this.tracks.filter(({ kind }) => kind === "audio");
	}
	getVideoTracks() {
		return this.tracks.filter(({ kind }) => kind === "video");
	}
}

export interface FakeTransceiver {
	mid: string | null;
	kind: "audio" | "video";
	direction: string;
	sendEncodings: RTCRtpEncodingParameters[];
	receiver: { track: FakeTrack };
	sender: {
		track: FakeTrack | null;
		replaceTrack: (track: FakeTrack | null) => Promise<void>;
		getParameters: () => { encodings: RTCRtpEncodingParameters[] };
		setParameters: (parameters: { encodings: RTCRtpEncodingParameters[] }) => Promise<void>;
	};
}

export class FakeConnection extends EventTarget {
	static all: FakeConnection[] = [];
	static install(): void {
		FakeConnection.all = [];
		vi.stubGlobal("RTCPeerConnection", FakeConnection);
		vi.stubGlobal("MediaStream", FakeStream);
		const sources = new WeakMap<object, unknown>();
		Object.defineProperty(HTMLMediaElement.prototype, "srcObject", {
			configurable: true,
			get() {
				return sources.get(this) ?? null;
			},
			set(source) {
				sources.set(this, source);
			},
		});
	}
	static get last(): FakeConnection {
		return FakeConnection.all.at(-1) as FakeConnection;
	}

	readonly transceivers: FakeTransceiver[] = [];
	readonly offers: RTCOfferOptions[] = [];
	readonly answers: string[] = [];
	iceConnectionState = "new";
	localDescription: { sdp: string } | null = null;
	stats = new Map<string, Record<string, unknown>>();
	refusesAnswers = false;
	isClosed = false;

	constructor(readonly configuration: RTCConfiguration) {
		super();
		FakeConnection.all.push(this);
	}

	addTransceiver(kind: "audio" | "video", { direction, sendEncodings = [] }: RTCRtpTransceiverInit): FakeTransceiver {
		let encodings = sendEncodings.map((encoding) => ({ active: true, ...encoding }));
		const transceiver: FakeTransceiver = {
			mid: null,
			kind,
			direction: direction ?? "sendrecv",
			sendEncodings,
			receiver: { track: new FakeTrack(kind) },
			sender: {
				track: null,
				replaceTrack: async (track) => {
					transceiver.sender.track = track;
				},
				getParameters: () => ({ encodings: encodings.map((encoding) => ({ ...encoding })) }),
				setParameters: async (parameters) => {
					encodings = parameters.encodings as typeof encodings;
				},
			},
		};
		this.transceivers.push(transceiver);
		return transceiver;
	}

	getTransceivers() {
		return this.transceivers;
	}

	async createOffer(options: RTCOfferOptions) {
		this.offers.push(options);
		return { type: "offer", sdp: `offer ${this.offers.length}` };
	}

	async setLocalDescription(offer: { sdp: string }) {
		this.localDescription = offer;
		for (const [index, transceiver] of this.transceivers.entries()) transceiver.mid = String(index);
	}

	async setRemoteDescription({ sdp }: { sdp: string }) {
		if (this.refusesAnswers) throw new DOMException("no", "InvalidAccessError");
		this.answers.push(sdp);
	}

	async getStats() {
		return this.stats;
	}

	close(): void {
		this.isClosed = true;
	}

	/** The network's side. */
	become(state: string): void {
		this.iceConnectionState = state;
		this.dispatchEvent(new Event("iceconnectionstatechange"));
	}

	/** So many packets arrived so far. */
	receive(packetsReceived: number): void {
		this.stats.set("in", { id: "in", type: "inbound-rtp", kind: "audio", packetsReceived });
	}
}

/** Devices that open, unless `refuse` names why not. */
export function installDevices(refuse?: (kinds: string[]) => string | undefined) {
	const opened: FakeTrack[] = [];
	const open = (kinds: ("audio" | "video")[]) => {
		const name = refuse?.(kinds);
		if (name !== undefined) throw new DOMException(name, name);
		const tracks = kinds.map((kind) => new FakeTrack(kind));
		opened.push(...tracks);
		return new FakeStream(tracks);
	};
	const getUserMedia = vi.fn(async ({ audio, video }: MediaStreamConstraints) =>
		open([...(audio ? (["audio"] as const) : []), ...(video ? (["video"] as const) : [])]),
	);
	const getDisplayMedia = vi.fn(async () => open(["video"]));
	const mediaDevices = { getUserMedia, getDisplayMedia, enumerateDevices: async () => [], addEventListener() {} };
	Object.defineProperty(navigator, "mediaDevices", { configurable: true, value: mediaDevices });
	return { opened, getUserMedia, getDisplayMedia };
}

/** Lets everything that was promised happen. */
export async function settle(): Promise<void> {
	for (let turn = 0; turn < 20; turn++) await Promise.resolve();
}
