/** Gets the agent's token. In dev mode the node mints one; elsewhere the store's own sign-in hands it over. */
import { TillsideError } from "../client/error";

/** @throws TillsideError `forbidden` where the node does not run in dev mode, `unreachable` where it does not answer */
export async function devToken(name: string): Promise<string> {
	let response: Response;
	try {
		response = await fetch("/v1/dev/token", {
			method: "POST",
			headers: { "content-type": "application/json" },
			body: JSON.stringify({ role: "agent", name }),
		});
	} catch (cause) {
		throw new TillsideError(
			"unreachable",
			"The node does not answer. Check that it runs, then try again.",
			true,
			cause,
		);
	}
	const answer: unknown = response.ok ? await response.json() : undefined;
	const token = (answer as { token?: unknown } | undefined)?.token;
	if (typeof token === "string") return token;
	const message = "This node is not in dev mode, so it gives no tokens away. Sign in with a token of yours.";
	throw new TillsideError("forbidden", message, false);
}

const NAME_KEY = "tillside-agent-name";

/** The name that shoppers see; kept in this browser. */
export function agentName(): string {
	return localStorage.getItem(NAME_KEY) ?? "Robin";
}

export function setAgentName(name: string): void {
	localStorage.setItem(NAME_KEY, name);
}
