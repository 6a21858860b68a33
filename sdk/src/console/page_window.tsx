/**
 * A shared page: its frame with address and tools, and the page itself, scaled to fit. Stays where it is while the page
 * is paused or the shopper goes to the next one, so that nothing has to be opened anew.
 */
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import type { TillsideClient } from "../client/client";
import { socketUrl } from "../client/session";
import type { KnownControl, KnownShare } from "../client/viewing";
import type { Rung, ShareWhy } from "../protocol";
import { PageView } from "../view/page_view";
import { shareUrl } from "../view/stream";
import { covers } from "../view/verbs";
import { useEvent, useEvents, useShortcuts, useSize } from "./hooks";
import { PageBar } from "./page_bar";
import { PageOverlay } from "./page_overlay";
import { PageTools, RUNG_OF_TOOL, type Tool } from "./page_tools";
import { controlEndWords, pauseWords, RUNG_WORDS } from "./page_words";
import { Empty } from "./parts";

interface PageWindowProps {
	client: TillsideClient;
	share: KnownShare;
	ticket: string;
	name: string;
	onNotice: (text: string) => void;
}

export function PageWindow({ client, share, ticket, name, onNotice }: PageWindowProps) {
	const view = useMemo(() => new PageView(shareUrl(socketUrl("/")), ticket), [ticket]);
	const home = useRef<HTMLDivElement>(null);
	const area = useRef<HTMLDivElement>(null);
	useEffect(() => {
		view.element.className = "page-holder";
		home.current?.prepend(view.element);
		return () => view.end();
	}, [view]);
	useEvents(view, "changed");
	useEvents(client.viewing, "shares", "control");
	const [tool, setTool] = useTool({ client, share, name, onNotice });
	const room = useSize(area);
	const { width, height } = view.replay.page;
	const scale = width > 0 && height > 0 ? Math.min(room.width / width, room.height / height, 1) : 1;
	const own = ownControl(client, share);
	const granted = own?.phase === "granted" ? own : undefined;
	// The session and the page's stream hear of a pause apart from each other: the first to know hides the page.
	const isHidden = share.phase === "paused" && share.why !== "sharer_left";
	const isLeft = view.isLeft && !isHidden;
	const isShown = view.isShown && !isHidden;
	return (
		<section class={`page-window main tool-${tool}`} aria-label={`Page of ${name}`} data-testid="page-window">
			<PageBar
				view={view}
				name={name}
				mayNavigate={isShown && covers(granted?.rung, "navigate")}
				viewers={share.viewers.length}
				scale={scale}
			/>
			<div class="page-area" ref={area}>
				<div
					class={`page-sheet ${granted === undefined ? "" : "in-control"} ${isLeft ? "left" : ""}`}
					ref={home}
					hidden={!isShown && !isLeft}
					style={{ inlineSize: `${width * scale}px`, blockSize: `${height * scale}px`, "--scale": scale }}
				>
					<PageOverlay view={view} name={name} scale={scale} tool={tool} rung={granted?.rung} />
				</div>
				{isLeft && (
					<p class="page-turning" role="status" data-testid="page-turning">
						{name} goes to the next page…
					</p>
				)}
				{!isShown && !isLeft && <Blank view={view} share={share} name={name} />}
			</div>
			<PageTools client={client} share={share} name={name} control={own} tool={tool} onTool={setTool} />
			<p class="spoken" role="status">
				{granted === undefined ? "" : `${name} gave you control: ${RUNG_WORDS[granted.rung].name}.`}
			</p>
		</section>
	);
}

/** Why nothing is to be seen of a paused share. */
export function Paused({ why }: { why: ShareWhy | undefined }) {
	const words = pauseWords(why);
	return (
		<Empty icon={words.icon} title={words.title} role="status" testId="page-paused">
			<p>{words.text}</p>
		</Empty>
	);
}

/** Why nothing is to be seen. */
function Blank({ view, share, name }: { view: PageView; share: KnownShare; name: string }) {
	if (share.phase === "paused") return <Paused why={share.why} />;
	if (view.isClosed) {
		return (
			<Empty icon="page" title="Shown elsewhere" testId="page-closed">
				<p>This page is open in another tab of yours.</p>
			</Empty>
		);
	}
	if (view.isAway) {
		return (
			<Empty icon="clock" title="Reconnecting…" testId="page-away">
				<p>The page comes back in a moment. The call goes on.</p>
			</Empty>
		);
	}
	const isDesynced = view.news?.state === "desynced" && view.news.why !== "no_snapshot";
	return (
		<Empty
			icon="page"
			title={isDesynced ? "Catching up with the page…" : `Opening ${name}’s page…`}
			testId="page-opening"
		>
			<p>{isDesynced ? "Something in it could not be followed. It is read anew." : "It is there in a moment."}</p>
		</Empty>
	);
}

/** What the node knows of our control: asked for, or given. */
function ownControl(client: TillsideClient, share: KnownShare): KnownControl | undefined {
	const control = client.viewing.controlOf(share.share);
	return control?.viewer === client.you?.id ? control : undefined;
}

type ToolOptions = Pick<PageWindowProps, "client" | "share" | "name" | "onNotice">;

/**
 * The tool in hand. One that needs control which we do not have asks the shopper for it and is taken up once given; when
 * control ends, the tool is put down.
 */
function useTool({ client, share, name, onNotice }: ToolOptions): [Tool, (tool: Tool, rung?: Rung) => void] {
	const [tool, setTool] = useState<Tool>("look");
	const isHeld = useRef(false);
	const wish = useRef<Tool | undefined>(undefined);
	const choose = (next: Tool, rung?: Rung) => {
		const own = ownControl(client, share);
		const needed = rung ?? (next === "look" ? undefined : RUNG_OF_TOOL[next]);
		if (needed === undefined || (own?.phase === "granted" && covers(own.rung, needed))) return setTool(next);
		wish.current = next;
		if (!client.viewing.askForControl(share.share, needed)) onNotice("Not asked: the connection is away.");
	};
	useEvent(client.viewing, "control", (control) => {
		if (control.share !== share.share || control.viewer !== client.you?.id) return;
		switch (control.phase) {
			case "granted": {
				isHeld.current = true;
				const wished = wish.current ?? (covers(control.rung, "click") ? "act" : "point");
				wish.current = undefined;
				setTool(wished !== "look" && covers(control.rung, RUNG_OF_TOOL[wished]) ? wished : "point");
				return;
			}
			case "denied":
				wish.current = undefined;
				return onNotice(`${name} would rather do it alone.`);
			case "ended":
				setTool("look");
				// A question that was taken back is no news to the one who took it back.
				if (isHeld.current || control.why !== "released") onNotice(controlEndWords(name, control.why));
				isHeld.current = false;
		}
	});
	const toggle = (next: Tool) => choose(tool === next ? "look" : next);
	useShortcuts({
		"1": () => setTool("look"),
		"2": () => toggle("point"),
		"3": () => toggle("highlight"),
		"4": () => toggle("draw"),
		"5": () => toggle("act"),
	});
	return [tool, choose];
}
