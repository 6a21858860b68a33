/**
 * Keeps media flowing: begins a Transport for each stay in a room, and restarts its ICE when packets stop.
 *
 * Owns the Transport and its watchdog; has no opinion on what is sent or shown.
 */
import type { Source } from "../protocol";
import type { LocalTrack } from "./local_media";
import { type SdpOffer, Transport } from "./transport";
import { Watchdog } from "./watchdog";

/** How often received packets are counted. */
const WATCH_INTERVAL_MS = 1_000;

/** `interrupted`: nothing arrives; a restart is tried until it works or the node gives up. */
export type MediaState = "idle" | "connecting" | "connected" | "interrupted";

/** What the path needs to know from, and tell to, its client. */
export interface MediaPathOwner {
	/** Whether some slot should be receiving now. */
	expectsPackets(): boolean;
	/** Whether an offer would reach the node. */
	canOffer(): boolean;
	offer(n: number, sdp: string, mids: Map<Source, string>): void;
	changed(state: MediaState): void;
}

export class MediaPath {
	readonly #iceServers: RTCIceServer[];
	readonly #owner: MediaPathOwner;
	#transport: Transport | undefined;
	#watchdog = new Watchdog();
	#timer: ReturnType<typeof setInterval> | undefined;
	#state: MediaState = "idle";
	#offerWasLost = false;

	constructor(iceServers: RTCIceServer[], owner: MediaPathOwner) {
		this.#iceServers = iceServers;
		this.#owner = owner;
	}

	get transport(): Transport | undefined {
		return this.#transport;
	}

	get state(): MediaState {
		return this.#state;
	}

	/** A new Transport in place of an old one, with these tracks, and its first offer. */
	async begin(tracks: LocalTrack[]): Promise<SdpOffer & { transport: Transport }> {
		this.#drop();
		const transport = new Transport(this.#iceServers);
		this.#transport = transport;
		this.#watchdog = new Watchdog();
		this.#offerWasLost = false;
		transport.on("connected", () => this.#setState("connected"));
		transport.on("failing", () => {
			this.#setState("interrupted");
			void this.#restart();
		});
		this.#setState("connecting");
		await Promise.all(tracks.map((track) => transport.sendTrack(track)));
		const offer = await transport.offer();
		this.#timer = setInterval(() => void this.#watch(transport), WATCH_INTERVAL_MS);
		return { ...offer, transport };
	}

	/** An offer that was under way when the socket died may never have arrived. */
	handleSessionResumed(): void {
		this.#offerWasLost = this.#transport?.isNegotiating ?? false;
		if (this.#offerWasLost || this.#state === "interrupted") void this.#restart();
	}

	end(): void {
		this.#drop();
		this.#setState("idle");
	}

	async #watch(transport: Transport): Promise<void> {
		const packets = this.#owner.expectsPackets() ? await packetsReceived(transport.connection) : undefined;
		if (transport !== this.#transport) return;
		const isDead = this.#watchdog.observe(performance.now(), packets);
		if (isDead) this.#setState("interrupted");
		else if (this.#state === "interrupted" && transport.isConnected) this.#setState("connected");
		if (this.#state === "interrupted") await this.#restart();
	}

	async #restart(): Promise<void> {
		const transport = this.#transport;
		if (transport === undefined || !this.#owner.canOffer()) return;
		if (transport.isNegotiating && !this.#offerWasLost) return;
		if (!this.#watchdog.mayRestart(performance.now())) return;
		this.#offerWasLost = false;
		const { n, sdp, mids } = await transport.offer();
		if (transport === this.#transport) this.#owner.offer(n, sdp, mids);
	}

	#drop(): void {
		clearInterval(this.#timer);
		this.#transport?.close();
		this.#transport = undefined;
	}

	#setState(state: MediaState): void {
		if (state === this.#state) return;
		this.#state = state;
		this.#owner.changed(state);
	}
}

async function packetsReceived(connection: RTCPeerConnection): Promise<number> {
	let packets = 0;
	for (const entry of (await connection.getStats()).values()) {
		if (entry.type === "inbound-rtp") packets += entry.packetsReceived ?? 0;
	}
	return packets;
}
