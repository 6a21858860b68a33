/** One person's picture, or initials where there is none. */
import type { TillsideClient } from "../client/client";
import { initials } from "../design/initials";
import { element, icon } from "./dom";

/** What a tile shows. */
export interface TileContent {
	name: string;
	/** A picture from the room; undefined: initials. */
	publication: string | undefined;
	isScreen: boolean;
	isMuted: boolean;
	isSpeaking: boolean;
}

export class Tile {
	readonly root: HTMLElement;
	readonly #client: TillsideClient;
	readonly #video = element("video", { attributes: { playsinline: true, muted: true } });
	readonly #initials = element("div", { class: "initials", attributes: { "aria-hidden": "true" } }, element("span"));
	readonly #name = element("div", { class: "name" });
	#publication: string | undefined;
	#unwatch: (() => void) | undefined;

	constructor(client: TillsideClient, testId: string, extra = "") {
		this.#client = client;
		const attributes = { "data-testid": testId };
		this.root = element("div", { class: `tile ${extra}`, attributes }, this.#video, this.#initials, this.#name);
	}

	/** @param priority 0 is served first when the network is slow */
	show(content: TileContent, priority: number): void {
		if (content.publication !== this.#publication) {
			this.#unwatch?.();
			this.#publication = content.publication;
			this.#unwatch =
				content.publication === undefined ? undefined : this.#client.watch(content.publication, this.#video, priority);
		}
		this.#video.setAttribute("aria-label", content.name);
		this.#initials.hidden = content.publication !== undefined;
		(this.#initials.firstElementChild as HTMLElement).textContent = initials(content.name);
		this.#name.replaceChildren(...(content.isMuted ? [icon("micOff")] : []), content.name);
		this.root.classList.toggle("screen", content.isScreen);
		this.root.classList.toggle("speaking", content.isSpeaking);
	}

	/** Shows an own track instead, mirrored as people know themselves. */
	showSelf(track: MediaStreamTrack | undefined, name: string): void {
		showTrack(this.#video, track);
		this.root.classList.add("mirrored");
		this.#initials.hidden = track !== undefined;
		(this.#initials.firstElementChild as HTMLElement).textContent = initials(name);
		this.#video.setAttribute("aria-label", name);
		this.#name.textContent = name;
	}

	remove(): void {
		this.#unwatch?.();
		this.#video.srcObject = null;
		this.root.remove();
	}
}

/** Plays an own track in an element. */
export function showTrack(video: HTMLVideoElement, track: MediaStreamTrack | undefined): void {
	const shown = video.srcObject instanceof MediaStream ? video.srcObject.getTracks()[0] : undefined;
	if (shown === track) return;
	video.muted = true;
	video.autoplay = true;
	video.srcObject = track === undefined ? null : new MediaStream([track]);
}
