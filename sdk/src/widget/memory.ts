/**
 * Remembers a running call over page changes, for this tab only (`sessionStorage`): the token that lets it back in,
 * what was switched on, and the ticket of a shared page. Nothing about the call's content.
 */
import type { Resume } from "../protocol";

export interface Remembered {
	token: string;
	/** Names the call for a back end that mints another token. */
	room: string;
	/** Ends the session that the last page left behind. */
	replaces?: Resume | undefined;
	name: string;
	microphone: boolean;
	camera: boolean;
	isSmall: boolean;
	/** When the helper came, in milliseconds since 1970; 0: not yet. */
	since: number;
	/** The share of this tab's pages, while there is one. As secret as the token. */
	sharing?: { share: string; ticket: string } | undefined;
	/** When the page was last left, in milliseconds since 1970. */
	seenAt: number;
}

const KEY = "tillside-call";

export function remember(call: Remembered): void {
	try {
		sessionStorage.setItem(KEY, JSON.stringify(call));
	} catch {
		// A page that may not store anything has calls that end with the page.
	}
}

export function recall(): Remembered | undefined {
	try {
		const call = JSON.parse(sessionStorage.getItem(KEY) ?? "null") as Partial<Remembered> | null;
		return typeof call?.token === "string" ? (call as Remembered) : undefined;
	} catch {
		return undefined;
	}
}

export function forget(): void {
	try {
		sessionStorage.removeItem(KEY);
	} catch {
		// Then nothing was stored either.
	}
}
