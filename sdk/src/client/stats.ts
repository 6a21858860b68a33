/** Digests `getStats` into what people and tests ask for. Pure: reports in, a digest out. */

export interface StatsDigest {
	/** Round trip to the node, in milliseconds. */
	rttMs: number | undefined;
	/** What the browser believes it can send, in bits per second. */
	sendBitrate: number | undefined;
	/** The negotiated SRTP profile, as `AEAD_AES_128_GCM`. */
	srtpCipher: string | undefined;
	/** As the browser says it: `FEFC` is DTLS 1.3, `FEFD` 1.2. */
	dtlsVersion: string | undefined;
	/** How media travels: `udp` or `tcp`. */
	protocol: string | undefined;
	received: ReceivedStream[];
	sent: SentStream[];
}

export interface ReceivedStream {
	mid: string | undefined;
	kind: "audio" | "video";
	codec: string | undefined;
	packets: number;
	bytes: number;
	/** Lost since the beginning; the SRTP layer's late arrivals are not lost. */
	packetsLost: number;
	jitterMs: number;
	/** Video. */
	framesDecoded: number;
	framesPerSecond: number;
	frameHeight: number;
	freezes: number;
	/** Audio: grows while there is sound. */
	audioEnergy: number;
}

export interface SentStream {
	mid: string | undefined;
	rid: string | undefined;
	kind: "audio" | "video";
	active: boolean;
	codec: string | undefined;
	packets: number;
	bytes: number;
	framesEncoded: number;
	frameHeight: number;
	/** What keeps quality down: `cpu`, `bandwidth` or `none`. */
	limitedBy: string;
	/** Share of packets that the node missed lately, from 0 to 1. */
	lossFraction: number;
}

type Entry = Record<string, unknown> & { id: string; type: string };

/** Reads a report of `RTCPeerConnection.getStats()`; what a browser does not tell is undefined or 0. */
export function digestStats(report: RTCStatsReport, transceivers: RTCRtpTransceiver[]): StatsDigest {
	const entries = [...(report as unknown as Map<string, Entry>).values()];
	const byId = new Map(entries.map((entry) => [entry.id, entry]));
	const find = (id: unknown) => byId.get(String(id));
	const transport = entries.find(({ type }) => type === "transport");
	const pair =
		find(transport?.selectedCandidatePairId) ??
		entries.find((entry) => entry.type === "candidate-pair" && (entry.selected || entry.nominated));
	const codec = (entry: Entry) => text(find(entry.codecId)?.mimeType)?.replace(/^(audio|video)\//, "");
	const mid = (entry: Entry) =>
		text(entry.mid) ??
		transceivers.find(({ receiver }) => receiver.track.id === entry.trackIdentifier)?.mid ??
		undefined;
	return {
		rttMs: milliseconds(pair?.currentRoundTripTime),
		sendBitrate: optionalNumber(pair?.availableOutgoingBitrate),
		// Firefox, and Chromium for some profiles, write a prefix.
		srtpCipher: text(transport?.srtpCipher)?.replace(/^SRTP_/, ""),
		dtlsVersion: text(transport?.tlsVersion),
		protocol: text(find(pair?.localCandidateId)?.protocol),
		received: entries
			.filter(({ type }) => type === "inbound-rtp")
			.map((entry) => receivedStream(entry, mid(entry), codec(entry))),
		sent: entries
			.filter(({ type }) => type === "outbound-rtp")
			.map((entry) => sentStream(entry, find(entry.remoteId), mid(entry), codec(entry))),
	};
}

function receivedStream(entry: Entry, mid: string | undefined, codec: string | undefined): ReceivedStream {
	return {
		mid,
		kind: entry.kind === "audio" ? "audio" : "video",
		codec,
		packets: number(entry.packetsReceived),
		bytes: number(entry.bytesReceived),
		packetsLost: number(entry.packetsLost),
		jitterMs: milliseconds(entry.jitter) ?? 0,
		framesDecoded: number(entry.framesDecoded),
		framesPerSecond: number(entry.framesPerSecond),
		frameHeight: number(entry.frameHeight),
		freezes: number(entry.freezeCount),
		audioEnergy: number(entry.totalAudioEnergy),
	};
}

function sentStream(
	entry: Entry,
	remote: Entry | undefined,
	mid: string | undefined,
	codec: string | undefined,
): SentStream {
	return {
		mid,
		rid: text(entry.rid),
		kind: entry.kind === "audio" ? "audio" : "video",
		active: entry.active !== false,
		codec,
		packets: number(entry.packetsSent),
		bytes: number(entry.bytesSent),
		framesEncoded: number(entry.framesEncoded),
		frameHeight: number(entry.frameHeight),
		limitedBy: text(entry.qualityLimitationReason) ?? "none",
		lossFraction: number(remote?.fractionLost),
	};
}

function optionalNumber(value: unknown): number | undefined {
	return typeof value === "number" ? value : undefined;
}

function number(value: unknown): number {
	return optionalNumber(value) ?? 0;
}

function milliseconds(seconds: unknown): number | undefined {
	return typeof seconds === "number" ? Math.round(seconds * 1000) : undefined;
}

function text(value: unknown): string | undefined {
	return typeof value === "string" ? value : undefined;
}
