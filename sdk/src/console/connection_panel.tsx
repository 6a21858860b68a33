/** How the own connection does, in numbers that help to find what is wrong. */
import { useEffect, useState } from "preact/hooks";
import type { TillsideClient } from "../client/client";
import type { StatsDigest } from "../client/stats";
import { SidePanel } from "./side_panel";

const EVERY_MS = 2_000;

interface ConnectionPanelProps {
	client: TillsideClient;
	onClose: () => void;
}

export function ConnectionPanel({ client, onClose }: ConnectionPanelProps) {
	const [stats, setStats] = useState<StatsDigest>();
	useEffect(() => {
		const read = () => client.stats().then(setStats, () => setStats(undefined));
		void read();
		const timer = setInterval(read, EVERY_MS);
		return () => clearInterval(timer);
	}, [client]);
	const received = stats?.received.filter(({ packets }) => packets > 0) ?? [];
	const sent = stats?.sent.filter(({ packets }) => packets > 0) ?? [];
	return (
		<SidePanel title="Connection" testId="connection" onClose={onClose}>
			<div class="stats">
				{stats === undefined && <p class="soft">Measuring…</p>}
				{stats !== undefined && (
					<>
						<dl>
							<Figure name="Round trip" value={stats.rttMs === undefined ? "–" : `${stats.rttMs} ms`} />
							<Figure name="Can send" value={bitrate(stats.sendBitrate)} />
							<Figure name="Encryption" value={stats.srtpCipher?.replaceAll("_", " ") ?? "–"} />
							<Figure name="Way" value={stats.protocol?.toUpperCase() ?? "–"} />
						</dl>
						<h3>Received</h3>
						<table>
							<thead>
								<tr>
									<th scope="col">What</th>
									<th scope="col">Codec</th>
									<th scope="col">Lost</th>
								</tr>
							</thead>
							<tbody>
								{received.map((stream, index) => (
									<tr key={stream.mid ?? index}>
										<td>
											{stream.kind === "audio"
												? "Sound"
												: `${stream.frameHeight} lines, ${Math.round(stream.framesPerSecond)} fps`}
										</td>
										<td>{stream.codec ?? "–"}</td>
										<td>{share(stream.packetsLost, stream.packets)}</td>
									</tr>
								))}
							</tbody>
						</table>
						<h3>Sent</h3>
						<table>
							<thead>
								<tr>
									<th scope="col">What</th>
									<th scope="col">Codec</th>
									<th scope="col">Held back by</th>
								</tr>
							</thead>
							<tbody>
								{sent.map((stream, index) => (
									<tr key={`${stream.mid ?? index}${stream.rid ?? ""}`} class={stream.active ? "" : "soft"}>
										<td>
											{stream.kind === "audio"
												? "Sound"
												: `${stream.frameHeight} lines${stream.active ? "" : ", resting"}`}
										</td>
										<td>{stream.codec ?? "–"}</td>
										<td>{stream.limitedBy === "none" ? "nothing" : stream.limitedBy}</td>
									</tr>
								))}
							</tbody>
						</table>
					</>
				)}
			</div>
		</SidePanel>
	);
}

function Figure({ name, value }: { name: string; value: string }) {
	return (
		<div>
			<dt>{name}</dt>
			<dd>{value}</dd>
		</div>
	);
}

function bitrate(bits: number | undefined): string {
	if (bits === undefined) return "–";
	return bits >= 1_000_000 ? `${(bits / 1_000_000).toFixed(1)} Mbit/s` : `${Math.round(bits / 1000)} kbit/s`;
}

function share(lost: number, packets: number): string {
	return `${((100 * Math.max(0, lost)) / Math.max(1, lost + packets)).toFixed(1)} %`;
}
