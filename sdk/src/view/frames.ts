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
/** A frame that was taken out of the page meanwhile never loads. */
const LOAD_MS_MAX = 4_000;

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
	if (isStandard) return load(frame, "srcdoc", "<!doctype html>", "about:srcdoc");
	// What was shown before may have been laid out the other way.
	frame.removeAttribute("srcdoc");
	return load(frame, "src", QUIRKS_URL, QUIRKS_URL);
}

/** Loads the outermost frame. */
export function openStage(frame: HTMLIFrameElement): Promise<Document | undefined> {
	return load(frame, "src", STAGE_URL, new URL(STAGE_URL, document.baseURI).href);
}

/** Waits for the page at `url`: browsers differ in when they tell of the empty page that a frame has at first. */
function load(frame: HTMLIFrameElement, name: string, value: string, url: string): Promise<Document | undefined> {
	return new Promise((resolve) => {
		const done = () => {
			clearTimeout(timer);
			frame.removeEventListener("load", check);
			resolve(frame.contentDocument ?? undefined);
		};
		const check = () => frame.contentDocument?.URL === url && done();
		const timer = setTimeout(done, LOAD_MS_MAX);
		frame.addEventListener("load", check);
		frame.setAttribute(name, value);
	});
}
