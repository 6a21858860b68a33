/** A running call as the shopper sees it. Shows what the client says; changes nothing before the client says so. */
import type { TillsideClient } from "../client/client";
import { canShareScreen } from "../client/devices";
import { TillsideError } from "../client/error";
import { type Participant, publicationOf } from "../client/roster";
import type { Source } from "../protocol";
import { Chat } from "./chat";
import { button, element, iconButton, setIconButton } from "./dom";
import type { Strings } from "./strings";
import { Tile, type TileContent } from "./tile";

/** How long something passing is said, in milliseconds. */
const NOTICE_MS = 8_000;
/** Pictures beside the main one: the node has four video slots for us. */
const STRIP_TILES_MAX = 3;

export class CallView {
	readonly content: HTMLElement[];
	readonly #client: TillsideClient;
	readonly #strings: Strings;
	readonly #main: Tile;
	readonly #self: Tile;
	readonly #others = new Map<string, Tile>();
	readonly #strip = element("div", { class: "strip" });
	readonly #notices = element("div", { class: "notices", attributes: { role: "status" } });
	readonly #chat: Chat;
	readonly #buttons: Record<Source | "chat", HTMLButtonElement>;
	readonly #page: HTMLButtonElement;
	readonly #forget: (() => void)[];
	#speakers: readonly string[] = [];

	/** @param onSharePage is told when the shopper wants to show the page, or no longer */
	constructor(client: TillsideClient, strings: Strings, onSharePage: () => void) {
		this.#client = client;
		this.#strings = strings;
		this.#main = new Tile(client, "remote-video", "main");
		this.#self = new Tile(client, "self-video");
		this.#chat = new Chat(client, strings, () => this.#toggleChat(false));
		this.#strip.append(this.#self.root);
		this.#buttons = this.#makeButtons();
		const stage = element("div", { class: "stage" }, this.#main.root, this.#strip, this.#notices);
		const hangUp = iconButton("hangUp", strings.hangUp, {
			testId: "hang-up",
			class: "danger",
			onClick: () => client.leave(),
		});
		this.#page = iconButton("eye", strings.sharing.offer, {
			testId: "toggle-page",
			class: "active",
			onClick: onSharePage,
		});
		this.#page.hidden = client.you?.can.cobrowse !== "share";
		const { microphone, camera, screen, chat } = this.#buttons;
		screen.hidden = !canShareScreen();
		const attributes = { role: "toolbar", "aria-label": strings.inCall };
		const controls = element(
			"div",
			{ class: "controls", attributes },
			microphone,
			camera,
			screen,
			this.#page,
			chat,
			hangUp,
		);
		this.content = [stage, this.#chat.root, controls];
		this.#forget = this.#listen();
		this.#showPeople();
		for (const source of ["microphone", "camera", "screen"] as const) this.#showLocal(source);
	}

	/** The person whom the shopper talks to. */
	get helper(): Participant | undefined {
		const people = [...this.#client.participants.values()];
		return people.find(({ role }) => role === "agent") ?? people.find(({ role }) => role === "supervisor");
	}

	/** Says something for a moment, over the picture and to screen readers. */
	notify(text: string): void {
		const notice = element("p", { text });
		this.#notices.append(notice);
		setTimeout(() => notice.remove(), NOTICE_MS);
	}

	/** Whether the page is shared. */
	showSharing(isShared: boolean): void {
		const { offer, stop } = this.#strings.sharing;
		this.#page.setAttribute("aria-pressed", String(isShared));
		setIconButton(this.#page, "eye", isShared ? stop : offer);
	}

	remove(): void {
		for (const forget of this.#forget) forget();
		for (const tile of [this.#main, this.#self, ...this.#others.values()]) tile.remove();
	}

	#listen(): (() => void)[] {
		const client = this.#client;
		const connection = element("p");
		const showConnection = () => {
			const text =
				client.mediaState === "interrupted"
					? this.#strings.interrupted
					: client.state === "reconnecting"
						? this.#strings.reconnecting
						: "";
			connection.textContent = text;
			if (text === "") connection.remove();
			else this.#notices.append(connection);
		};
		return [
			client.on("participants", () => this.#showPeople()),
			client.on("speakers", (speakers) => {
				this.#speakers = speakers;
				this.#showPeople();
			}),
			client.on("local", ({ source, mutedByModerator }) => {
				this.#showLocal(source);
				if (mutedByModerator) this.notify(this.#strings.mutedByModerator);
			}),
			client.on("chat", () => this.#markUnread()),
			client.on("error", ({ message }) => this.notify(message)),
			client.on("state", showConnection),
			client.on("media", showConnection),
			client.on("audioblocked", () => this.#offerSound()),
		];
	}

	#makeButtons(): Record<Source | "chat", HTMLButtonElement> {
		const toggle = (source: Source) => () => {
			this.#client.publish(source, !this.#client.media.of(source).on).catch((cause: unknown) => {
				// Closing the browser's own picker is an answer, not a problem.
				if (source !== "screen" && cause instanceof TillsideError) this.notify(cause.message);
			});
		};
		const { unmuteMic, cameraOn, shareScreen, openChat } = this.#strings;
		return {
			microphone: iconButton("mic", unmuteMic, { testId: "toggle-microphone", onClick: toggle("microphone") }),
			camera: iconButton("camera", cameraOn, { testId: "toggle-camera", onClick: toggle("camera") }),
			screen: iconButton("screen", shareScreen, {
				testId: "toggle-screen",
				class: "active",
				onClick: toggle("screen"),
			}),
			chat: iconButton("chat", openChat, {
				testId: "toggle-chat",
				class: "active",
				onClick: () => this.#toggleChat(!this.#chat.isOpen),
			}),
		};
	}

	#showLocal(source: Source): void {
		const { on, track } = this.#client.media.of(source);
		const made = this.#buttons[source];
		const strings = this.#strings;
		made.setAttribute("aria-pressed", String(on));
		switch (source) {
			case "microphone":
				made.classList.toggle("off", !on);
				return setIconButton(made, on ? "mic" : "micOff", on ? strings.muteMic : strings.unmuteMic);
			case "camera":
				made.classList.toggle("off", !on);
				this.#self.showSelf(track, strings.you);
				return setIconButton(made, on ? "camera" : "cameraOff", on ? strings.cameraOff : strings.cameraOn);
			case "screen":
				return setIconButton(made, "screen", on ? strings.stopScreen : strings.shareScreen);
		}
	}

	#showPeople(): void {
		const { helper } = this;
		if (helper === undefined) return;
		const people = [...this.#client.participants.values()].filter(({ role }) => role !== "observer");
		const screen = people.map((person) => this.#picture(person, "screen")).find((shown) => shown.publication);
		const faces = people.map((person) => [person.id, this.#picture(person, "camera")] as const);
		const face = this.#picture(helper, "camera");
		this.#main.show(screen ?? face, 0);
		// The helper's face moves into the strip while a screen has the main place.
		const strip = faces.filter(([id]) => screen !== undefined || id !== helper.id).slice(0, STRIP_TILES_MAX);
		const kept = new Set(strip.map(([id]) => id));
		for (const [id, tile] of this.#others) {
			if (kept.has(id)) continue;
			tile.remove();
			this.#others.delete(id);
		}
		for (const [id, content] of strip) {
			const tile = this.#others.get(id) ?? new Tile(this.#client, "other-video");
			if (!this.#others.has(id)) this.#strip.prepend(tile.root);
			this.#others.set(id, tile);
			tile.show(content, 1);
		}
	}

	#picture(person: Participant, source: "camera" | "screen"): TileContent {
		const publication = publicationOf(person, source);
		return {
			name: person.name || this.#strings.helper,
			publication: publication?.muted === false ? publication.id : undefined,
			isScreen: source === "screen",
			isMuted: publicationOf(person, "microphone")?.muted ?? true,
			isSpeaking: this.#speakers.includes(person.id),
		};
	}

	#markUnread(): void {
		if (this.#chat.isOpen) return;
		this.#buttons.chat.classList.add("unread");
		setIconButton(this.#buttons.chat, "chat", this.#strings.unreadChat);
	}

	#toggleChat(open: boolean): void {
		const { chat } = this.#buttons;
		this.#chat.isOpen = open;
		chat.setAttribute("aria-pressed", String(open));
		chat.classList.remove("unread");
		setIconButton(chat, "chat", open ? this.#strings.closeChat : this.#strings.openChat);
		if (!open) chat.focus();
	}

	#offerSound(): void {
		if (this.#notices.querySelector("button") !== null) return;
		const offer = button(this.#strings.soundBlocked, {
			testId: "resume-audio",
			onClick: () => {
				this.#client.resumeAudio();
				offer.remove();
			},
		});
		this.#notices.append(offer);
	}
}
