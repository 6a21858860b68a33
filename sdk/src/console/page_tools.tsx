/** What an agent can do on a shared page: tools, asking for control, giving it back. */
import { useEffect, useRef, useState } from "preact/hooks";
import type { TillsideClient } from "../client/client";
import type { KnownControl, KnownShare } from "../client/viewing";
import type { IconName } from "../design/icons";
import type { Rung } from "../protocol";
import { covers, RUNGS } from "../view/verbs";
import { useNow } from "./hooks";
import { RUNG_WORDS } from "./page_words";
import { duration, Icon, IconButton } from "./parts";

export type Tool = "look" | "point" | "highlight" | "draw" | "act";

/** The rung a tool needs; looking needs none. */
export const RUNG_OF_TOOL: Record<Exclude<Tool, "look">, Rung> = {
	point: "point",
	highlight: "point",
	draw: "point",
	act: "click",
};

const TOOLS: readonly [tool: Tool, icon: IconName, label: string, key: string][] = [
	["look", "eye", "Look around", "1"],
	["point", "pointer", "Point", "2"],
	["highlight", "highlight", "Highlight", "3"],
	["draw", "draw", "Draw", "4"],
	["act", "hand", "Click and type", "5"],
];

interface PageToolsProps {
	client: TillsideClient;
	share: KnownShare;
	name: string;
	control: KnownControl | undefined;
	tool: Tool;
	onTool: (tool: Tool, rung?: Rung) => void;
}

export function PageTools({ client, share, name, control, tool, onTool }: PageToolsProps) {
	const granted = control?.phase === "granted" ? control : undefined;
	const mayAsk = client.you?.can.cobrowse === "control";
	return (
		<div class="page-tools" role="toolbar" aria-label="Tools on the customer’s page">
			{mayAsk &&
				TOOLS.map(([one, icon, label, key]) => {
					const isFree = one === "look" || covers(granted?.rung, RUNG_OF_TOOL[one]);
					return (
						<IconButton
							key={one}
							icon={icon}
							label={isFree ? label : `${label}: ask ${name} first`}
							shortcut={key}
							pressed={tool === one}
							class={`active ${isFree ? "" : "locked"}`}
							testId={`tool-${one}`}
							onClick={() => onTool(one)}
						/>
					);
				})}
			<i class="gap" />
			{control?.phase === "requested" && (
				<span class="page-asked" role="status" data-testid="control-requested">
					Asked {name} for control: {RUNG_WORDS[control.rung].name.toLowerCase()}…
					<button
						type="button"
						class="button small"
						data-testid="control-cancel"
						onClick={() => client.viewing.release(share.share)}
					>
						Cancel
					</button>
				</span>
			)}
			{granted !== undefined && (
				<span class="page-granted" data-testid="control-granted">
					<Icon name="hand" />
					<span>
						{RUNG_WORDS[granted.rung].name}
						<TimeLeft endsAt={granted.endsAt} />
					</span>
					<button
						type="button"
						class="button small"
						data-testid="control-release"
						onClick={() => client.viewing.release(share.share)}
					>
						Give back
					</button>
				</span>
			)}
			{mayAsk && control?.phase !== "requested" && granted?.rung !== "navigate" && (
				<AskForControl held={granted?.rung} onAsk={(rung) => onTool(rung === "point" ? "point" : "act", rung)} />
			)}
		</div>
	);
}

function TimeLeft({ endsAt }: { endsAt: number | undefined }) {
	const now = useNow(1000);
	if (endsAt === undefined) return null;
	return <time data-testid="control-left">{duration((endsAt - now) / 1000)} left</time>;
}

/** A button that opens the ladder: how far control should reach. */
function AskForControl({ held, onAsk }: { held: Rung | undefined; onAsk: (rung: Rung) => void }) {
	const [isOpen, setOpen] = useState(false);
	const menu = useRef<HTMLDivElement>(null);
	useEffect(() => {
		if (!isOpen) return;
		menu.current?.querySelector("button")?.focus();
		const close = (event: Event) => {
			if (!menu.current?.parentElement?.contains(event.target as Node)) setOpen(false);
		};
		addEventListener("pointerdown", close);
		return () => removeEventListener("pointerdown", close);
	}, [isOpen]);
	return (
		<span
			class="page-ask"
			onKeyDown={(event) => {
				if (event.key === "Escape") setOpen(false);
			}}
		>
			<button
				type="button"
				class="button small"
				aria-haspopup="true"
				aria-expanded={isOpen}
				data-testid="ask-control"
				onClick={() => setOpen(!isOpen)}
			>
				{held === undefined ? "Ask for control" : "Ask for more"}
			</button>
			{isOpen && (
				<div class="page-ladder" role="group" aria-label="How far control should reach" ref={menu}>
					{RUNGS.filter((rung) => !covers(held, rung)).map((rung) => (
						<button
							type="button"
							key={rung}
							data-testid={`ask-${rung}`}
							onClick={() => {
								setOpen(false);
								onAsk(rung);
							}}
						>
							<b>{RUNG_WORDS[rung].name}</b>
							<span>{RUNG_WORDS[rung].text}</span>
						</button>
					))}
				</div>
			)}
		</span>
	);
}
