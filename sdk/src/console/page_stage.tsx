/** The main place of a call with a shared page: the page, or why there is none to see. */
import { useRef } from "preact/hooks";
import type { TillsideClient } from "../client/client";
import type { KnownShare } from "../client/viewing";
import type { Participant } from "../client/roster";
import { Empty } from "./parts";
import { PageWindow, Paused } from "./page_window";

interface PageStageProps {
	client: TillsideClient;
	share: KnownShare;
	sharer: Participant | undefined;
	onNotice: (text: string) => void;
}

export function PageStage({ client, share, sharer, onNotice }: PageStageProps) {
	// Who is on the way to the next page keeps the name.
	const known = useRef("");
	known.current = sharer?.name || known.current;
	const name = known.current || "The customer";
	if (share.ticket !== undefined && share.phase !== "requested") {
		return (
			<PageWindow
				key={share.ticket}
				client={client}
				share={share}
				name={name}
				ticket={share.ticket}
				onNotice={onNotice}
			/>
		);
	}
	if (share.phase === "requested") {
		const isOwn = share.by === client.you?.id;
		return (
			<div class="page-blank main" role="status" data-testid="page-requested">
				<Empty icon="page" title={`Waiting for ${name}`}>
					<p>They see your question and decide. Card and account numbers stay with them either way.</p>
					{isOwn && (
						<button
							type="button"
							class="button"
							data-testid="withdraw-page"
							onClick={() => client.viewing.withdraw(share.share)}
						>
							Take the question back
						</button>
					)}
				</Empty>
			</div>
		);
	}
	return (
		<div class="page-blank main">
			<Paused why={share.why} />
		</div>
	);
}
