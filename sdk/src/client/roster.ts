/** Who else is in the room and what they publish, as the node last said it. */
import type { ParticipantState, PublicationState, Source, State } from "../protocol";

export type Participant = Readonly<ParticipantState>;

export class Roster {
	readonly #participants = new Map<string, Participant>();

	get participants(): ReadonlyMap<string, Participant> {
		return this.#participants;
	}

	handleState({ full, participants, left }: State): void {
		if (full) this.#participants.clear();
		for (const id of left) this.#participants.delete(id);
		for (const participant of participants) this.#participants.set(participant.id, participant);
	}

	/** The publication of that id, if its owner is still here. */
	publication(id: string): PublicationState | undefined {
		for (const { publications } of this.#participants.values()) {
			const found = publications.find((publication) => publication.id === id);
			if (found !== undefined) return found;
		}
		return undefined;
	}
}

/** What a participant publishes from a source. */
export function publicationOf(participant: Participant, source: Source): PublicationState | undefined {
	return participant.publications.find((publication) => publication.source === source);
}
