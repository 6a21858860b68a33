import { expect, test } from "vitest";
import { digestStats } from "../src/client/stats";

const report = (...entries: Record<string, unknown>[]) =>
	new Map(entries.map((entry) => [entry.id, entry])) as unknown as RTCStatsReport;
const transceivers = [{ mid: "6", receiver: { track: { id: "track-6" } } }] as unknown as RTCRtpTransceiver[];

test("Chromium's report: the pair by the transport, streams by mid", () => {
	const digest = digestStats(
		report(
			{ id: "T", type: "transport", selectedCandidatePairId: "P", srtpCipher: "AEAD_AES_128_GCM", tlsVersion: "FEFC" },
			{
				id: "P",
				type: "candidate-pair",
				currentRoundTripTime: 0.042,
				availableOutgoingBitrate: 2e6,
				localCandidateId: "L",
			},
			{ id: "P2", type: "candidate-pair", currentRoundTripTime: 9, nominated: true },
			{ id: "L", type: "local-candidate", protocol: "udp" },
			{ id: "C", type: "codec", mimeType: "video/VP8" },
			{
				id: "I",
				type: "inbound-rtp",
				kind: "video",
				mid: "6",
				codecId: "C",
				packetsReceived: 9,
				framesDecoded: 4,
				frameHeight: 360,
			},
			{ id: "O", type: "outbound-rtp", kind: "video", mid: "1", rid: "h", active: false, codecId: "C", remoteId: "R" },
			{ id: "R", type: "remote-inbound-rtp", fractionLost: 0.25 },
		),
		transceivers,
	);
	expect(digest).toMatchObject({ rttMs: 42, sendBitrate: 2e6, srtpCipher: "AEAD_AES_128_GCM", protocol: "udp" });
	expect(digest.received).toMatchObject([{ mid: "6", codec: "VP8", packets: 9, framesDecoded: 4, frameHeight: 360 }]);
	expect(digest.sent).toMatchObject([{ mid: "1", rid: "h", active: false, lossFraction: 0.25 }]);
});

test("Firefox's report: no transport, the selected pair, streams by track", () => {
	const digest = digestStats(
		report(
			{ id: "P", type: "candidate-pair", selected: true, currentRoundTripTime: 0.005 },
			{ id: "I", type: "inbound-rtp", kind: "audio", trackIdentifier: "track-6", totalAudioEnergy: 0.5 },
		),
		transceivers,
	);
	expect(digest).toMatchObject({ rttMs: 5, srtpCipher: undefined });
	expect(digest.received).toMatchObject([{ mid: "6", kind: "audio", audioEnergy: 0.5, codec: undefined }]);
});
