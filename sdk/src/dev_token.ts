/**
 * Tokens from a node in dev mode, for our own pages. In a real store the back end does this, with its API key: what is
 * sent here is what it would send to `/v1/tokens`.
 */
import { TillsideError } from "./client/error";
import type { Grants, Role } from "./protocol";

/** @throws TillsideError `forbidden` where the node is not in dev mode, `unreachable` where it does not answer */
export async function devToken(role: Role, name: string, room?: string): Promise<string> {
	const publish: Grants["publish"] = ["microphone", "camera", "screen"];
	const grants: Grants = {
		publish,
		subscribe: true,
		moderate: role === "agent",
		cobrowse: role === "shopper" ? "share" : "control",
		...(room === undefined ? {} : { room }),
	};
	const request = { sub: room ?? `${role} ${name}`, name, role, grants };
	let response: Response;
	try {
		response = await fetch("/v1/dev/token", {
			method: "POST",
			headers: { "content-type": "application/json" },
			body: JSON.stringify(request),
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
