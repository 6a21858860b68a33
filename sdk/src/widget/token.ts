/** Gets the shopper's token from the store's own back end, which alone may mint one. */
import { TillsideError } from "../client/error";

/** What the widget tells when it asks for a token. */
export interface TokenRequest {
	/** What the shopper wants to be called; never empty. */
	name: string;
	/** A new, unguessable name for the call's room, or that of the call that goes on. The back end may choose another. */
	room: string;
}

export interface TokenAnswer {
	token: string;
	/** The room that the token names, where that is not the one that was asked for. */
	room?: string;
}

export type TokenProvider = (request: TokenRequest) => Promise<string | TokenAnswer>;

/** @throws TillsideError `token_unavailable` */
export async function fetchToken(
	request: TokenRequest,
	url: string | undefined,
	provider: TokenProvider | undefined,
): Promise<Required<TokenAnswer>> {
	try {
		const answer = provider === undefined ? await post(request, url) : await provider(request);
		const { token, room } = typeof answer === "string" ? { token: answer } : answer;
		if (typeof token !== "string") throw new Error("no token in the answer");
		return { token, room: room ?? request.room };
	} catch (cause) {
		const message = "Help is not available right now. Please try again in a moment.";
		throw new TillsideError("token_unavailable", message, true, cause);
	}
}

async function post(request: TokenRequest, url: string | undefined): Promise<TokenAnswer> {
	if (url === undefined) throw new Error("<tillside-help> needs the attribute token-url or a tokenProvider");
	const response = await fetch(url, {
		method: "POST",
		headers: { "content-type": "application/json" },
		body: JSON.stringify({ role: "shopper", ...request }),
	});
	if (!response.ok) throw new Error(`${url} answered ${response.status}`);
	return (await response.json()) as TokenAnswer;
}

/** A name that nobody can guess. Short enough to be read out, long enough for 96 random bits. */
export function newRoom(): string {
	const bytes = crypto.getRandomValues(new Uint8Array(12));
	return `help-${[...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("")}`;
}
