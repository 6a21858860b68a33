/** Who is here, and what a moderator may do about it. */
import { useState } from "preact/hooks";
import type { TillsideClient } from "../client/client";
import { type Participant, publicationOf } from "../client/roster";
import { Icon, IconButton, QualityBars } from "./parts";
import { SidePanel } from "./side_panel";

interface PeoplePanelProps {
	client: TillsideClient;
	scores: ReadonlyMap<string, number>;
	onClose: () => void;
}

export function PeoplePanel({ client, scores, onClose }: PeoplePanelProps) {
	const [isEnding, setEnding] = useState(false);
	const mayModerate = client.you?.can.moderate ?? false;
	return (
		<SidePanel title="People" testId="people" onClose={onClose}>
			<ul class="people">
				<li>
					<span class="person">
						<b>{client.you?.name || "You"}</b>
						<span class="soft">{client.you?.role}, you</span>
					</span>
				</li>
				{[...client.participants.values()].map((person) => (
					<Person
						key={person.id}
						client={client}
						person={person}
						score={scores.get(person.id)}
						mayModerate={mayModerate}
					/>
				))}
			</ul>
			{mayModerate && (
				<footer class="actions">
					<button
						type="button"
						class="button"
						data-testid="lock-room"
						aria-pressed={client.isLocked}
						onClick={() => client.moderate({ action: client.isLocked ? "unlock" : "lock" })}
					>
						<Icon name={client.isLocked ? "unlock" : "lock"} />
						{client.isLocked ? "Let others in again" : "Let nobody else in"}
					</button>
					{isEnding ? (
						<fieldset class="confirm">
							<legend>End the call for everybody?</legend>
							<button
								type="button"
								class="button danger"
								data-testid="end-room-confirm"
								onClick={() => client.moderate({ action: "end" })}
							>
								End the call
							</button>
							<button type="button" class="button" onClick={() => setEnding(false)}>
								Go on
							</button>
						</fieldset>
					) : (
						<button type="button" class="button" data-testid="end-room" onClick={() => setEnding(true)}>
							End for everybody
						</button>
					)}
				</footer>
			)}
		</SidePanel>
	);
}

interface PersonProps {
	client: TillsideClient;
	person: Participant;
	score: number | undefined;
	mayModerate: boolean;
}

function Person({ client, person, score, mayModerate }: PersonProps) {
	const name = person.name || "Guest";
	const microphone = publicationOf(person, "microphone");
	const isMuted = microphone?.muted ?? true;
	// A publication's id is its participant's, a colon, and the m-line.
	const mid = microphone?.id.slice(person.id.length + 1);
	return (
		<li data-testid="participant">
			<span class="person">
				<b>
					{name} <QualityBars score={score} name={name} />
				</b>
				<span class="soft">
					{person.role}
					{isMuted ? ", muted" : ""}
				</span>
			</span>
			{mayModerate && (
				<>
					{!isMuted && mid !== undefined && (
						<IconButton
							icon="micOff"
							label={`Mute ${name}`}
							testId="mute-participant"
							onClick={() => client.moderate({ action: "mute", participant: person.id, mid })}
						/>
					)}
					<IconButton
						icon="remove"
						label={`Remove ${name}`}
						testId="remove-participant"
						onClick={() => client.moderate({ action: "kick", participant: person.id })}
					/>
				</>
			)}
		</li>
	);
}
