/**
 * A scripted stand-in for the node, to look at the pages without one. Serves `dist/` under a strict Content Security
 * Policy and answers the protocol's messages as a script says. Media comes from a second RTCPeerConnection in the page.
 */
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { inflateRawSync } from "node:zlib";
import { extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";

const dist = fileURLToPath(new URL("../../dist", import.meta.url));
const TYPES = { ".html": "text/html; charset=utf-8", ".js": "text/javascript", ".css": "text/css" };
/** As strict as a store's page may be: nothing inline, nothing from elsewhere. */
const CSP =
	"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self' ws:; frame-src 'self'; form-action 'self'; base-uri 'none'";
/** Of the empty page in which shared pages are built; the node's own. */
const STAGE_CSP =
	"default-src 'none'; img-src blob:; font-src blob:; style-src 'unsafe-inline'; frame-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'; sandbox allow-same-origin";

/** Serves the built pages. @returns the address, and a function that stops serving */
export async function servePages() {
	const server = createServer(async (request, response) => {
		const { pathname } = new URL(request.url, "http://localhost");
		if (pathname === "/v1/dev/token") {
			let body = "";
			for await (const chunk of request) body += chunk;
			response.setHeader("content-type", "application/json");
			return response.end(JSON.stringify({ token: JSON.parse(body).role }));
		}
		const path = normalize(pathname.endsWith("/") ? `${pathname}index.html` : pathname);
		try {
			const content = await readFile(join(dist, path));
			response.setHeader("content-type", TYPES[extname(path)] ?? "application/octet-stream");
			response.setHeader("content-security-policy", path === "/console/stage.html" ? STAGE_CSP : CSP);
			response.end(content);
		} catch {
			response.statusCode = 404;
			response.end();
		}
	});
	await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
	return { address: `http://127.0.0.1:${server.address().port}`, stop: () => server.close() };
}

/**
 * Answers a page's WebSockets.
 *
 * @param script what to say after a session entered, and after it joined; see the scripts in look.mjs
 * @returns what the page said, and a function that says more
 */
export async function fakeNode(page, script) {
	const heard = [];
	const sockets = [];
	await page.addInitScript(installPeer);
	await page.routeWebSocket(/\/v1\/ws$/, (socket) => {
		let seq = 0;
		const say = (message) =>
			socket.send(JSON.stringify({ seq: message.t === "welcome" || message.t === "pong" ? 0 : ++seq, ...message }));
		sockets.push(say);
		socket.onMessage(async (text) => {
			const message = JSON.parse(text);
			heard.push(message);
			switch (message.t) {
				case "hello": {
					const role = message.token;
					const can = {
						publish: ["microphone", "camera", "screen"],
						subscribe: true,
						moderate: role === "agent",
						cobrowse: role === "agent" ? "control" : "share",
					};
					const you = { id: `p_${role}`, name: role === "agent" ? "Robin" : "Sam", role, can };
					say({
						t: "welcome",
						v: 1,
						session: "s",
						resume_secret: "x",
						resumed: false,
						you,
						ping_ms: 10000,
						resume_ms: 30000,
						recording: false,
					});
					for (const line of script.greeted ?? []) say(line);
					return;
				}
				case "join": {
					say({ t: "joined", room: "help-1", locked: false });
					const answer = await page.evaluate((sdp) => window.fakePeer.answer(sdp), message.offer);
					say({ t: "answer", n: 1, sdp: answer });
					for (const line of script.joined ?? []) say(line);
					return;
				}
				case "leave":
					return;
				case "ping":
					return say({ t: "pong", ts: message.ts });
			}
		});
	});
	const share = { heard: [], events: [], results: {}, say: () => {} };
	const stream = { records: [], texts: [], assets: 0, say: () => {} };
	await page.routeWebSocket(/\/v1\/share$/, (socket) => {
		if (page.url().includes("/console/")) answerViewer(socket, share);
		else answerSharer(socket, stream);
	});
	return { heard, share, stream, say: (message) => sockets.at(-1)(message) };
}

/** Wants a snapshot of a shopper's page at once, and keeps what comes. */
function answerSharer(socket, stream) {
	stream.say = (message) => socket.send(JSON.stringify(message));
	let parts = [];
	socket.onMessage((frame) => {
		if (typeof frame === "string") {
			const message = JSON.parse(frame);
			stream.texts.push(message);
			if (message.t !== "hello") return;
			stream.say({ t: "welcome", share: "h_1", as: "sharer", name_of_sharer: "Sam", images: true });
			return stream.say({ t: "snapshot", reason: "no_snapshot" });
		}
		if (frame[0] === 0x40) return (stream.assets += 1);
		const framed = (frame[0] & 0x80) !== 0;
		parts.push(framed ? frame.subarray(1) : frame);
		if (framed && frame[0] & 0x02) return;
		const whole = Buffer.concat(parts);
		parts = [];
		stream.records.push(...JSON.parse(framed && frame[0] & 0x01 ? inflateRawSync(whole) : whole));
	});
}

/** Answers a viewer's socket of a shared page. */
function answerViewer(socket, share) {
	share.say = (message) => socket.send(JSON.stringify(message));
	share.play = (...events) => socket.send(Buffer.from(JSON.stringify(events)));
	socket.onMessage((text) => {
		const message = JSON.parse(text);
		share.heard.push(message);
		if (message.t === "ping") share.say({ t: "pong", ts: message.ts - 60 });
		if (message.t === "verb") {
			const name = Object.keys(message.verb.act)[0];
			share.say({ t: "outcome", seq: message.verb.seq, result: share.results[name] ?? "done" });
		}
		if (message.t !== "hello") return;
		share.say({ t: "welcome", share: "s_1", as: "viewer", name_of_sharer: "Sam Okafor", images: true });
		share.say({ t: "delay", sharer_ms: 42 });
		share.play(...share.events);
	});
}

/** Runs in the page: the other end of its RTCPeerConnection, with drawn faces for cameras. */
function installPeer() {
	const face = (hue, shift) => {
		const canvas = Object.assign(document.createElement("canvas"), { width: 640, height: 480 });
		const context = canvas.getContext("2d");
		let tick = 0;
		const draw = () => {
			tick++;
			const wall = context.createLinearGradient(0, 0, 640, 480);
			wall.addColorStop(0, `hsl(${hue} 30% 72%)`);
			wall.addColorStop(1, `hsl(${hue} 26% 48%)`);
			context.fillStyle = wall;
			context.fillRect(0, 0, 640, 480);
			context.fillStyle = `hsl(${hue + 40} 30% 40%)`;
			context.fillRect(430 + shift, 60, 150, 120);
			const sway = Math.sin(tick / 20) * 6;
			context.fillStyle = `hsl(${hue + 160} 35% 34%)`;
			context.beginPath();
			context.ellipse(320, 500, 190, 160, 0, 0, 7);
			context.fill();
			context.fillStyle = "hsl(26 45% 66%)";
			context.fillRect(285, 300, 70, 70);
			context.beginPath();
			context.ellipse(320 + sway, 230, 88, 112, 0, 0, 7);
			context.fill();
			context.fillStyle = `hsl(${hue} 30% 18%)`;
			context.beginPath();
			context.ellipse(320 + sway, 165, 98, 74, 0, 0, 7);
			context.fill();
			context.beginPath();
			context.arc(288 + sway, 232, 8, 0, 7);
			context.arc(352 + sway, 232, 8, 0, 7);
			context.fill();
			context.strokeStyle = "hsl(8 45% 40%)";
			context.lineWidth = 6;
			context.beginPath();
			context.arc(320 + sway, 268, 30, 0.3, 2.8);
			context.stroke();
		};
		draw();
		setInterval(draw, 66);
		return canvas.captureStream(15).getVideoTracks()[0];
	};
	window.fakePeer = {
		async answer(sdp) {
			const peer = new RTCPeerConnection();
			await peer.setRemoteDescription({ type: "offer", sdp });
			let faces = 0;
			for (const transceiver of peer.getTransceivers()) {
				if (transceiver.receiver.track.kind !== "video" || !sdp.includes(`a=mid:${transceiver.mid}`)) continue;
				const section = sdp.split("\r\nm=").find((part) => part.includes(`a=mid:${transceiver.mid}\r\n`));
				if (!section.includes("a=recvonly")) continue;
				transceiver.direction = "sendonly";
				await transceiver.sender.replaceTrack(face(150 + 50 * faces++, -40 * faces));
			}
			await peer.setLocalDescription();
			await new Promise((resolve) => {
				const check = () => peer.iceGatheringState === "complete" && resolve();
				peer.addEventListener("icegatheringstatechange", check);
				check();
			});
			window.fakePeer.connection = peer;
			return peer.localDescription.sdp;
		},
	};
}
