/** The frame's head: whose page it is, where it is, how far behind, and whether the view follows. */
import type { PageView } from "../view/page_view";
import { Icon, IconButton } from "./parts";

interface PageBarProps {
	view: PageView;
	name: string;
	mayNavigate: boolean;
	viewers: number;
	scale: number;
}

/** Over this a delay is worth a warning colour, in milliseconds. */
const SLOW_MS = 400;

export function PageBar({ view, name, mayNavigate, viewers, scale }: PageBarProps) {
	const { replay, acting } = view;
	const { host, path } = addressOf(replay.page.href);
	return (
		<header class="page-bar">
			<span class="page-whose">
				<Icon name="page" /> {name}’s page
			</span>
			{mayNavigate && (
				<span class="page-history">
					<IconButton
						icon="back"
						label="Go back on the customer’s page"
						testId="page-back"
						onClick={() => acting.navigate({ back: {} })}
					/>
					<IconButton
						icon="forward"
						label="Go forward on the customer’s page"
						testId="page-forward"
						onClick={() => acting.navigate({ forward: {} })}
					/>
					<IconButton
						icon="reload"
						label="Load the customer’s page again"
						testId="page-reload"
						onClick={() => acting.navigate({ reload: {} })}
					/>
				</span>
			)}
			<span class="page-address" title={`${host}${path}`} data-testid="page-address">
				<b>{host}</b>
				{path}
			</span>
			{view.isShown && (
				<button
					type="button"
					class={`page-follow ${replay.follows ? "on" : ""}`}
					aria-pressed={replay.follows}
					data-testid="page-follow"
					title={
						replay.follows
							? "The view scrolls with the customer. Scroll to look around."
							: "Scroll with the customer again"
					}
					onClick={() => {
						replay.follows = !replay.follows;
					}}
				>
					<Icon name="eye" /> {replay.follows ? "Following" : "Looking around · follow again"}
				</button>
			)}
			{viewers > 1 && <span class="page-viewers">{viewers} watch</span>}
			<Delay view={view} />
			<span class="spoken">Shown at {Math.round(scale * 100)} percent of its size.</span>
		</header>
	);
}

function Delay({ view }: { view: PageView }) {
	if (view.isAway) return <span class="page-delay slow">Reconnecting…</span>;
	if (view.delayMs === undefined || !view.isShown) return null;
	const ms = Math.round(view.delayMs / 10) * 10;
	return (
		<span
			class={`page-delay ${ms > SLOW_MS ? "slow" : ""}`}
			title="How far the view is behind the customer’s screen"
			data-testid="page-delay"
		>
			{ms < 10 ? "live" : `${ms} ms behind`}
		</span>
	);
}

/** Host and path, as the relay left them: without query and fragment. */
function addressOf(href: string): { host: string; path: string } {
	try {
		const url = new URL(href);
		return url.protocol === "about:" ? { host: "", path: "" } : { host: url.host, path: url.pathname };
	} catch {
		return { host: "", path: "" };
	}
}
