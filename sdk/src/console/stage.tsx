/**
 * The pictures of a call: a shared page, a shared screen or the shopper has the main place, the others stand beside it.
 */
import type { TillsideClient } from "../client/client";
import { type Participant, publicationOf } from "../client/roster";
import type { KnownShare } from "../client/viewing";
import type { Why } from "../protocol";
import { PageStage } from "./page_stage";
import { SelfTile, Tile } from "./tile";

const NOTES: Record<Why, string | undefined> = {
	bandwidth: "Picture reduced: your connection is slow",
	codec: "This browser cannot show the picture",
	policy: "Not shown by the room’s rules",
	publisher_off: undefined,
	not_wanted: undefined,
};

interface StageProps {
	client: TillsideClient;
	speakers: readonly string[];
	scores: ReadonlyMap<string, number>;
	/** The shopper's page, if it is shared or was asked for. */
	share: KnownShare | undefined;
	onNotice: (text: string) => void;
}

export function Stage({ client, speakers, scores, share, onNotice }: StageProps) {
	const people = [...client.participants.values()].filter(({ role }) => role !== "observer");
	const shown = (person: Participant, source: "camera" | "screen") => {
		const publication = publicationOf(person, source);
		return publication?.muted === false ? publication.id : undefined;
	};
	const note = (publication: string | undefined) => {
		const why = client.slots.find((slot) => slot.publication === publication)?.why;
		return publication === undefined || why === undefined ? undefined : NOTES[why];
	};
	const sharer = people.find((person) => shown(person, "screen") !== undefined);
	const hasMain = share !== undefined || sharer !== undefined;
	const self = client.media.of("camera");
	const isMuted = !client.media.of("microphone").on;
	// The shopper first: whoever is helped comes before whoever helps.
	people.sort((a, b) => Number(b.role === "shopper") - Number(a.role === "shopper"));
	return (
		<div
			class={`stage ${hasMain ? "with-screen" : `faces-${Math.min(people.length, 4)}`} ${share === undefined ? "" : "with-page"}`}
		>
			{share !== undefined && (
				<PageStage client={client} share={share} sharer={client.participants.get(share.sharer)} onNotice={onNotice} />
			)}
			{share === undefined && sharer !== undefined && (
				<Tile
					client={client}
					name={sharer.name || "Guest"}
					publication={shown(sharer, "screen")}
					note={note(shown(sharer, "screen"))}
					priority={0}
					isScreen
					testId="remote-screen"
					class="main"
				/>
			)}
			<div class="faces">
				{people.map((person) => (
					<Tile
						key={person.id}
						client={client}
						name={person.name || "Guest"}
						publication={shown(person, "camera")}
						note={note(shown(person, "camera"))}
						priority={person.role === "shopper" ? 0 : 1}
						isMuted={publicationOf(person, "microphone")?.muted ?? true}
						isSpeaking={speakers.includes(person.id)}
						score={scores.get(person.id)}
						testId="remote-video"
					/>
				))}
				{people.length === 0 && <p class="nobody">Nobody else is here yet.</p>}
			</div>
			<SelfTile track={self.track} name="You" isMuted={isMuted} class="self" />
		</div>
	);
}
