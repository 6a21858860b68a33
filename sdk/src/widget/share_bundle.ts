/** Where the bundle that shares pages comes from, and where it sends them. */

/** Loads it: beside the widget's own file. In one file with it, every page would load what few need. */
export function loadShare(): Promise<typeof import("../share")> {
	const here = import.meta.url;
	return import(/* @vite-ignore */ new URL("./share.js", here).href) as Promise<typeof import("../share")>;
}

/** The node's address for shared pages. */
export function shareUrl(server: string): string {
	const url = new URL("/v1/share", new URL(server || "/", location.href));
	url.protocol = url.protocol === "http:" || url.protocol === "ws:" ? "ws:" : "wss:";
	return url.href;
}
