/**
 * Documents to build pages in: frames without scripts, without a network, empty.
 *
 * The outermost one is our own `stage.html`, whose Content Security Policy all frames within it inherit; each frame's
 * sandbox allows us to build in it (`allow-same-origin`) and nothing else.
 */

/** Where the node serves the empty page with the view's policy. */
export const STAGE_URL = "/console/stage.html";
/** Told apart from the empty page that every frame has at first. */
const QUIRKS_URL = "about:blank?page";
/** How often a frame is looked at that has not loaded yet: it may be gone, or the network have failed it. */
const LOOK_MS = 2_000;

/** An iframe that can be built in; not in the page yet. Never with `allow-scripts`. */
export function tameFrame(document: Document): HTMLIFrameElement {
	const frame = document.createElement("iframe");
	tame(frame);
	return frame;
}

/** Makes an iframe one that can be built in, whatever page it stands in. */
export function tame(frame: Element): void {
	frame.setAttribute("sandbox", "allow-same-origin");
	frame.setAttribute("referrerpolicy", "no-referrer");
	frame.setAttribute("tabindex", "-1");
}

/**
 * Gives the document of a frame that stands in a page.
 *
 * @param isStandard whether the page has a doctype: without one it is laid out as in the nineties (quirks mode). A
 *   `srcdoc` is never laid out so, an empty page always is.
 * @returns undefined when the frame left its page meanwhile
 */
export function openFrame(frame: HTMLIFrameElement, isStandard: boolean): Promise<Document | undefined> {
	const isGone = () => !frame.isConnected;
	if (isStandard) return load(frame, "srcdoc", "<!doctype html>", "about:srcdoc", isGone);
	// What was shown before may have been laid out the other way.
	frame.removeAttribute("srcdoc");
	return load(frame, "src", QUIRKS_URL, QUIRKS_URL, isGone);
}

/**
 * Loads the outermost frame, once it stands in the page, and again until the node has given its document.
 *
 * @returns undefined when `isGone` says that nobody waits for it any more
 */
export function openStage(frame: HTMLIFrameElement, isGone: () => boolean): Promise<Document | undefined> {
	return load(frame, "src", STAGE_URL, new URL(STAGE_URL, document.baseURI).href, isGone);
}

/**
 * Waits for the page at `url`, however long a busy machine takes: what is built into the empty page that a frame has at
 * first is thrown away when its own page comes. Browsers differ in when they tell of that empty page.
 */
function load(
	frame: HTMLIFrameElement,
	name: string,
	value: string,
	url: string,
	isGone: () => boolean,
): Promise<Document | undefined> {
	return new Promise((resolve) => {
		const done = (document: Document | undefined) => {
			clearInterval(timer);
			frame.removeEventListener("load", check);
			resolve(document);
		};
		const check = () => {
			const { contentDocument } = frame;
			if (contentDocument?.URL === url) done(contentDocument);
		};
		const look = () => {
			if (isGone()) done(undefined);
			// What a browser shows instead of a page that it could not get is nobody's to look into.
			else if (frame.isConnected && frame.contentDocument === null) frame.setAttribute(name, value);
		};
		const timer = setInterval(look, LOOK_MS);
		frame.addEventListener("load", check);
		frame.setAttribute(name, value);
	});
}
