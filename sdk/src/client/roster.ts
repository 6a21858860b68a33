/** Who else is in the room and what they publish, as the node last said it. */
import type { ParticipantState, PublicationState, SlotBinding, Source, State } from "../protocol";

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

	/** Whether packets should arrive in some of these slots: somebody plays there, unmuted and not held back. */
	isHeard(slots: readonly SlotBinding[]): boolean {
		const playing = new Set(slots.filter(({ why }) => why === undefined).map(({ publication }) => publication));
		const people = [...this.#participants.values()];
		return people.some(({ publications }) => publications.some(({ id, muted }) => !muted && playing.has(id)));
	}
}

/** What a participant publishes from a source. */
export function publicationOf(participant: Participant, source: Source): PublicationState | undefined {
	return participant.publications.find((publication) => publication.source === source);
}
