/** What the panel shows while there is no call in it: an icon, words, and ways on. */
import type { IconName } from "../design/icons";
import { button, element, icon } from "./dom";
import type { Strings } from "./strings";
import { showTrack } from "./tile";

/** A button that leads on. */
export interface Way {
	text: string;
	testId: string;
	isPrimary?: boolean;
	onClick: () => void;
}

/** A body, and its words for screen readers. */
export interface Body {
	root: HTMLElement;
	text: string;
}

/** While devices open and the node is asked. */
export function connectingBody(text: string, cancel: Way): HTMLElement {
	return body(badge("headset", "pulse"), text, [], [cancel]);
}

export interface Waiting {
	/** In the queue; 0: not known. */
	position: number;
	/** What has just happened, if anything. */
	note: string | undefined;
	camera: MediaStreamTrack | undefined;
}

export function waitingBody(strings: Strings, { position, note, camera }: Waiting, onStop: () => void): Body {
	const words =
		position > 1 ? strings.waitingPosition(position) : position === 1 ? strings.waitingNext : strings.waitingSoon;
	const line = element("p", { text: words, attributes: { "data-testid": "position" } });
	const hint = element("p", { class: "soft", text: strings.waitingHint });
	const top = camera === undefined ? badge("clock", "pulse") : preview(camera);
	const ways = [{ text: strings.stopWaiting, testId: "stop-waiting", onClick: onStop }];
	const lines = note === undefined ? [line, hint] : [element("p", { text: note }), line, hint];
	const text = [note, `${strings.waitingTitle}.`, words].filter(Boolean).join(" ");
	return { root: body(top, strings.waitingTitle, lines, ways), text };
}

/** @param reason of the end, as the client tells it */
export function endBody(strings: Strings, reason: string, ways: Way[]): Body {
	const isGood = reason === "left" || reason === "room_ended";
	const title = isGood ? strings.endedTitle : strings.cutTitle;
	const words = strings.reasons[reason] ?? strings.endedText;
	const top = isGood ? badge("check", "") : badge("warn", "warn");
	return { root: body(top, title, [element("p", { class: "soft", text: words })], ways), text: `${title}. ${words}` };
}

export function problemBody(strings: Strings, text: string, ways: Way[]): HTMLElement {
	return body(badge("warn", "warn"), strings.problemTitle, [element("p", { class: "soft", text })], ways);
}

function body(top: Element, title: string, lines: HTMLElement[], ways: Way[]): HTMLElement {
	const actions = ways.map(({ text, testId, isPrimary, onClick }) =>
		button(text, { testId, onClick, ...(isPrimary ? { class: "primary" } : {}) }),
	);
	return element(
		"div",
		{ class: "message" },
		top,
		element("h2", { text: title, attributes: { tabindex: "-1" } }),
		...lines,
		element("div", { class: "actions" }, ...actions),
	);
}

function badge(name: IconName, extra: string): HTMLElement {
	return element("div", { class: `badge ${extra}` }, icon(name));
}

/** Waiting is a good time to see whether the camera shows what it should. */
function preview(camera: MediaStreamTrack): HTMLElement {
	const video = element("video", { attributes: { playsinline: true, "aria-hidden": "true" } });
	showTrack(video, camera);
	return element("div", { class: "tile mirrored waiting-self" }, video);
}
