/** Gets the shopper's token from the store's own back end, which alone may mint one. */
import { TillsideError } from "../client/error";

/** What the widget tells when it asks for a token. */
export interface TokenRequest {
	/** What the shopper wants to be called; may be empty. */
	name: string;
	/** The room of a call that goes on, for a back end that does not know it. It must check whose room that is. */
	room?: string;
}

export interface TokenAnswer {
	token: string;
	/** Where the token does not name the room itself. */
	room?: string;
}

export type TokenProvider = (request: TokenRequest) => Promise<string | TokenAnswer>;

/** @throws TillsideError `token_unavailable` */
export async function fetchToken(
	request: TokenRequest,
	url: string | undefined,
	provider: TokenProvider | undefined,
): Promise<TokenAnswer> {
	try {
		const answer = provider === undefined ? await post(request, url) : await provider(request);
		if (typeof answer === "string") return { token: answer };
		if (typeof answer?.token !== "string") throw new Error("no token in the answer");
		return { token: answer.token, ...(typeof answer.room === "string" ? { room: answer.room } : {}) };
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
