/** Who waits, who is being helped. */
import type { DeskRoomSince } from "../client/desk";
import { useNow } from "./hooks";
import { duration, Icon } from "./parts";

/** From here on a wait is long, in seconds: most people leave a shop's queue after some two minutes. */
const LONG_WAIT_S = 90;

interface DeskPanelProps {
	rooms: readonly DeskRoomSince[];
	isLoading: boolean;
	/** The room that this agent is in. */
	current: string | undefined;
	onTake: (room: DeskRoomSince) => void;
}

export function DeskPanel({ rooms, isLoading, current, onTake }: DeskPanelProps) {
	const now = useNow(1000);
	const waiting = rooms.filter(({ agents }) => agents.length === 0);
	const running = rooms.filter(({ agents }) => agents.length > 0);
	const seconds = ({ since }: DeskRoomSince) => (now - since) / 1000;
	return (
		<aside class="desk" aria-label="Desk">
			<section aria-labelledby="waiting">
				<h2 id="waiting">
					Waiting <span class="count">{waiting.length}</span>
				</h2>
				<div role="status" class="spoken">
					{waiting.length === 1 ? "One shopper is waiting." : `${waiting.length} shoppers are waiting.`}
				</div>
				{isLoading && <div class="skeleton" aria-hidden="true" />}
				{!isLoading && waiting.length === 0 && <p class="soft">The queue is empty.</p>}
				<ol data-testid="queue">
					{waiting.map((room, index) => (
						<li key={room.room} data-testid="waiting-room" data-room={room.room}>
							<span class="person">
								<b>{room.shopper || "Guest"}</b>
								<time class={seconds(room) > LONG_WAIT_S ? "long" : ""}>
									<Icon name="clock" /> {duration(seconds(room))}
								</time>
							</span>
							<button
								type="button"
								class={`button ${index === 0 ? "primary" : ""}`}
								disabled={current !== undefined}
								onClick={() => onTake(room)}
								data-testid="take"
							>
								Take <span class="spoken">{room.shopper || "Guest"}</span>
							</button>
						</li>
					))}
				</ol>
			</section>
			{running.length > 0 && (
				<section aria-labelledby="running">
					<h2 id="running">
						In a call <span class="count">{running.length}</span>
					</h2>
					<ul>
						{running.map((room) => (
							<li key={room.room} class={room.room === current ? "current" : ""}>
								<span class="person">
									<b>{room.shopper || "Guest"}</b>
									<span class="soft">with {room.agents.join(", ")}</span>
								</span>
								{room.room === current ? (
									<span class="soft">you</span>
								) : (
									<button
										type="button"
										class="button"
										disabled={current !== undefined}
										onClick={() => onTake(room)}
										data-testid="join"
									>
										Join <span class="spoken">{room.shopper || "Guest"}</span>
									</button>
								)}
							</li>
						))}
					</ul>
				</section>
			)}
		</aside>
	);
}
