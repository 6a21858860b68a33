/** A running call as the agent sees it: stage, controls, and one side panel at a time. */
import { useEffect, useRef, useState } from "preact/hooks";
import type { TillsideClient } from "../client/client";
import type { Ended } from "../client/client_events";
import { canShareScreen } from "../client/devices";
import { TillsideError } from "../client/error";
import type { Source } from "../protocol";
import { type ChatLine, ChatPanel } from "./chat_panel";
import { ConnectionPanel } from "./connection_panel";
import { useEvent, useEvents, useNow, useShortcuts } from "./hooks";
import { endWords } from "./page_words";
import { duration, Empty, Icon, IconButton } from "./parts";
import { PeoplePanel } from "./people_panel";
import { Stage } from "./stage";

/** How long something passing is shown, in milliseconds. */
const NOTICE_MS = 8_000;
/** Old lines go, so that a long call does not fill the page's memory. */
const CHAT_LINES_MAX = 200;

type Side = "people" | "chat" | "connection";

interface CallScreenProps {
	client: TillsideClient;
	onDone: () => void;
}

export function CallScreen({ client, onDone }: CallScreenProps) {
	const [ended, setEnded] = useState<Ended>();
	const [side, setSide] = useState<Side>();
	const [unread, setUnread] = useState(false);
	const [lines, setLines] = useState<ChatLine[]>([]);
	const [scores, setScores] = useState<ReadonlyMap<string, number>>(new Map());
	const [speakers, setSpeakers] = useState<readonly string[]>([]);
	const [soundBlocked, setSoundBlocked] = useState(false);
	const [notices, notify] = useNotices();
	const since = useRef(performance.now());
	useEvents(client, "state", "media", "participants", "slots", "local");
	useEvents(client.viewing, "shares");
	useEvent(client, "ended", setEnded);
	useEvent(client, "speakers", setSpeakers);
	useEvent(client, "quality", ({ participant, score }) => setScores((known) => new Map(known).set(participant, score)));
	useEvent(client, "error", ({ message }) => notify(message));
	useEvent(client, "audioblocked", () => setSoundBlocked(true));
	useEvent(client, "local", ({ mutedByModerator }) => mutedByModerator && notify("A moderator muted you."));

	const addLine = (line: Omit<ChatLine, "key">) =>
		setLines((known) => [...known.slice(1 - CHAT_LINES_MAX), { ...line, key: (known.at(-1)?.key ?? 0) + 1 }]);
	useEvent(client, "chat", ({ from, text }) => {
		addLine({ author: client.participants.get(from)?.name || "Guest", text, isOwn: false });
		if (side !== "chat") setUnread(true);
	});
	const open = (panel: Side) => {
		setSide((current) => (current === panel ? undefined : panel));
		if (panel === "chat") setUnread(false);
	};
	const toggle = (source: Source) => {
		client.publish(source, !client.media.of(source).on).catch((cause: unknown) => {
			if (source !== "screen" && cause instanceof TillsideError) notify(cause.message);
		});
	};
	const page = usePage(client, notify);
	useShortcuts({
		w: () => page.ask?.(),
		m: () => toggle("microphone"),
		v: () => toggle("camera"),
		s: () => toggle("screen"),
		c: () => open("chat"),
		p: () => open("people"),
		i: () => open("connection"),
	});

	if (ended !== undefined)
		return <CallEnd ended={ended} seconds={(performance.now() - since.current) / 1000} onDone={onDone} />;
	if (client.state === "connecting" || client.state === "idle") {
		return (
			<Empty icon="headset" title="Joining the call…" testId="joining">
				<button type="button" class="button" onClick={() => client.leave()}>
					Cancel
				</button>
			</Empty>
		);
	}
	return (
		<div class={`call ${side === undefined ? "" : "with-side"}`} data-testid="call">
			<section class="stage-area" aria-label="Call">
				<CallHead client={client} since={since.current} />
				<Stage client={client} speakers={speakers} scores={scores} share={page.share} onNotice={notify} />
				<div class="notices" role="status">
					{client.mediaState === "interrupted" && (
						<p>The connection is shaky. Sound and picture come back in a moment…</p>
					)}
					{client.state === "reconnecting" && <p>Reconnecting to the desk… The call goes on.</p>}
					{notices.map(({ key, text }) => (
						<p key={key}>{text}</p>
					))}
					{soundBlocked && (
						<button
							type="button"
							class="button primary"
							onClick={() => {
								client.resumeAudio();
								setSoundBlocked(false);
							}}
							data-testid="resume-audio"
						>
							Turn on sound
						</button>
					)}
				</div>
				<Controls client={client} side={side} unread={unread} onToggle={toggle} onOpen={open} onAskPage={page.ask} />
			</section>
			{side === "people" && <PeoplePanel client={client} scores={scores} onClose={() => setSide(undefined)} />}
			{side === "chat" && (
				<ChatPanel
					client={client}
					lines={lines}
					onSent={(text) => addLine({ author: "You", text, isOwn: true })}
					onClose={() => setSide(undefined)}
				/>
			)}
			{side === "connection" && <ConnectionPanel client={client} onClose={() => setSide(undefined)} />}
		</div>
	);
}

function CallHead({ client, since }: { client: TillsideClient; since: number }) {
	const now = useNow(1000);
	const shopper = [...client.participants.values()].find(({ role }) => role === "shopper");
	return (
		<header class="call-head">
			<h1>{shopper?.name || (shopper === undefined ? "Waiting for the shopper" : "Guest")}</h1>
			<time title="Length of the call">{duration((now - since) / 1000)}</time>
		</header>
	);
}

interface ControlsProps {
	client: TillsideClient;
	side: Side | undefined;
	unread: boolean;
	onToggle: (source: Source) => void;
	onOpen: (panel: Side) => void;
	/** Asks to see the shopper's page; undefined where that is not possible now. */
	onAskPage: (() => void) | undefined;
}

function Controls({ client, side, unread, onToggle, onOpen, onAskPage }: ControlsProps) {
	const on = (source: Source) => client.media.of(source).on;
	const [mic, camera, screen] = [on("microphone"), on("camera"), on("screen")];
	const off = (isOn: boolean) => (isOn ? "" : "off");
	return (
		<div class="controls" role="toolbar" aria-label="Call controls">
			<IconButton
				icon={mic ? "mic" : "micOff"}
				label={mic ? "Mute microphone" : "Unmute microphone"}
				shortcut="m"
				pressed={mic}
				class={off(mic)}
				testId="toggle-microphone"
				onClick={() => onToggle("microphone")}
			/>
			<IconButton
				icon={camera ? "camera" : "cameraOff"}
				label={camera ? "Turn camera off" : "Turn camera on"}
				shortcut="v"
				pressed={camera}
				class={off(camera)}
				testId="toggle-camera"
				onClick={() => onToggle("camera")}
			/>
			{canShareScreen() && (
				<IconButton
					icon="screen"
					label={screen ? "Stop sharing your screen" : "Share your screen"}
					shortcut="s"
					pressed={screen}
					class="active"
					testId="toggle-screen"
					onClick={() => onToggle("screen")}
				/>
			)}
			{onAskPage !== undefined && (
				<button
					type="button"
					class="ask-page"
					data-testid="ask-page"
					aria-keyshortcuts="w"
					title="Ask to see the page (W)"
					onClick={onAskPage}
				>
					<Icon name="page" /> Ask to see the page
				</button>
			)}
			<i class="gap" />
			<IconButton
				icon="people"
				label="People"
				shortcut="p"
				pressed={side === "people"}
				class="active"
				testId="toggle-people"
				onClick={() => onOpen("people")}
			/>
			<IconButton
				icon="chat"
				label={unread ? "Chat, new message" : "Chat"}
				shortcut="c"
				pressed={side === "chat"}
				class={`active ${unread ? "unread" : ""}`}
				testId="toggle-chat"
				onClick={() => onOpen("chat")}
			/>
			<IconButton
				icon="chart"
				label="Connection"
				shortcut="i"
				pressed={side === "connection"}
				class="active"
				testId="toggle-connection"
				onClick={() => onOpen("connection")}
			/>
			<i class="gap" />
			<IconButton icon="hangUp" label="Hang up" class="danger" testId="hang-up" onClick={() => client.leave()} />
		</div>
	);
}

const ENDINGS: Record<string, [title: string, text: string]> = {
	left: ["Call ended", "Your camera and microphone are off."],
	room_ended: ["Call ended", "The call was ended for everybody."],
	kicked: ["You were removed", "Another moderator removed you from this call."],
	media_lost: ["Connection lost", "Sound and picture could not be brought back in time."],
	room_failed: ["The call was cut", "Something failed on the node. Its log says more."],
	replaced: ["Continued elsewhere", "You joined this call from another tab or machine."],
	shutdown: ["The node restarts", "Take the next call in a minute."],
	unauthorized: ["Signed out", "Your token has run out or was revoked. Sign in again."],
};

function CallEnd({ ended, seconds, onDone }: { ended: Ended; seconds: number; onDone: () => void }) {
	const back = useRef<HTMLButtonElement>(null);
	useEffect(() => back.current?.focus(), []);
	const [title, text] = ENDINGS[ended.reason] ?? ["The call did not work", "Try to take it again."];
	const isGood = ended.error === undefined && (ended.reason === "left" || ended.reason === "room_ended");
	return (
		<Empty icon={isGood ? "check" : "warn"} tone={isGood ? "calm" : "warn"} title={title} testId="call-ended">
			<p role="status">{ended.error?.message ?? text}</p>
			{isGood && <p class="soft">You talked for {duration(seconds)}. Nothing was recorded.</p>}
			<button type="button" ref={back} class="button primary" onClick={onDone} data-testid="back-to-desk">
				Back to the desk
			</button>
		</Empty>
	);
}

/** The shopper's page: shared, asked for, or to be asked for. Says once why it ended. */
function usePage(client: TillsideClient, notify: (text: string) => void) {
	const shopper = [...client.participants.values()].find(({ role }) => role === "shopper");
	const share = client.viewing.current;
	const isOver = share === undefined || share.phase === "ended";
	const told = useRef<string | undefined>(undefined);
	useEffect(() => {
		if (share?.phase !== "ended" || told.current === share.share) return;
		told.current = share.share;
		notify(endWords(shopper?.name || "The customer", share.why));
	}, [share]);
	const mayAsk =
		shopper !== undefined && isOver && client.you?.can.cobrowse !== undefined && client.you.role !== "observer";
	const ask = () => {
		if (shopper !== undefined && !client.viewing.ask(shopper.id)) notify("Not asked: the connection is away.");
	};
	return { share: isOver ? undefined : share, ask: mayAsk ? ask : undefined };
}

interface Notice {
	key: number;
	text: string;
}

/** Things that are said once and go away. */
function useNotices(): [Notice[], (text: string) => void] {
	const [notices, setNotices] = useState<Notice[]>([]);
	const key = useRef(0);
	const notify = (text: string) => {
		const notice = { key: ++key.current, text };
		setNotices((known) => [...known, notice]);
		setTimeout(() => setNotices((known) => known.filter((other) => other !== notice)), NOTICE_MS);
	};
	return [notices, notify];
}
