/**
 * `<tillside-help>`: the button on a store's page and everything behind it.
 *
 * Owns the stages of a visit (closed → consent → connecting → waiting → call → ended) and one client at a time. What a
 * stage looks like is told by the views, that of the room above all; what a call is, by the client.
 */

import { TillsideClient } from "../client/client";
import type { Ended } from "../client/client_events";
import { TillsideError } from "../client/error";
import { LocalMedia } from "../client/local_media";
import parts from "../design/parts.css?inline";
import tokens from "../design/tokens.css?inline";
import { connectingBody, endBody, problemBody, type Way } from "./bodies";
import { askConsent, type Consent } from "./consent";
import { element, icon } from "./dom";
import { forget, type Remembered, recall, remember } from "./memory";
import { PageSharing } from "./page_sharing";
import { TabFollower } from "./share_tabs";
import { Panel } from "./panel";
import { RoomView } from "./room_view";
import { ENGLISH, type Strings } from "./strings";
import style from "./style.css?inline";
import { fetchToken, newRoom, type TokenAnswer, type TokenProvider } from "./token";

export type Stage = "closed" | "consent" | "connecting" | "waiting" | "call" | "ended" | "problem";

/** Who was away for longer than the node keeps a call has to ask again. */
const RETURN_MS_MAX = 120_000;

export class TillsideHelp extends HTMLElement {
	#tokenProvider: TokenProvider | undefined;
	#strings: Strings = ENGLISH;
	readonly #shadow = this.attachShadow({ mode: "open" });
	readonly #live = element("div", {
		class: "spoken",
		attributes: { "aria-live": "polite", "data-testid": "announcer" },
	});
	#launcher: HTMLButtonElement | undefined;
	#panel: Panel | undefined;
	/** The devices of this visit; undefined: there is none. */
	#media: LocalMedia | undefined;
	#client: TillsideClient | undefined;
	#sharing: PageSharing | undefined;
	/** Shows this page for a call in another tab of the store. */
	#follower: TabFollower | undefined;
	/** The queue and the call of {@link #client}. */
	#room: RoomView | undefined;
	#remembered: Remembered | undefined;
	readonly #onPageHide = () => this.#remember({ seenAt: Date.now(), replaces: this.#client?.resumption });

	constructor() {
		super();
		// A page may set properties before this script has made the element what it is; they then hide our setters.
		for (const name of ["tokenProvider", "strings"] as const) {
			const early = Object.getOwnPropertyDescriptor(this, name)?.value as never;
			if (early === undefined) continue;
			delete (this as Partial<this>)[name];
			this[name] = early;
		}
	}

	/** Gets tokens where `token-url` is not enough. */
	set tokenProvider(provider: TokenProvider | undefined) {
		this.#tokenProvider = provider;
	}

	connectedCallback(): void {
		addEventListener("pagehide", this.#onPageHide);
		if (this.#launcher !== undefined) return;
		const sheet = new CSSStyleSheet();
		sheet.replaceSync(tokens + parts + style);
		this.#shadow.adoptedStyleSheets = [sheet];
		this.#launcher = element(
			"button",
			{
				class: "launcher",
				attributes: { type: "button", title: this.#strings.askHint, "data-testid": "ask" },
				onClick: () => void this.ask(),
			},
			icon("headset"),
			this.getAttribute("label") ?? this.#strings.ask,
		);
		this.#shadow.append(this.#launcher, this.#live);
		const remembered = recall();
		if (remembered !== undefined && Date.now() - remembered.seenAt < RETURN_MS_MAX) void this.#return(remembered);
		else {
			this.#stage = "closed";
			this.#follow();
		}
	}

	disconnectedCallback(): void {
		// Moving the element within the page disconnects it for a moment; that must not end the call.
		queueMicrotask(() => {
			if (this.isConnected) return;
			removeEventListener("pagehide", this.#onPageHide);
			this.#cancel();
			this.#follower?.stop();
			this.#follower = undefined;
		});
	}

	/** The running call. For the store's own scripts and for tests. */
	get client(): TillsideClient | undefined {
		return this.#client;
	}

	/** Replaces sentences; what is not given stays English. Set it before the element is used. */
	set strings(strings: Partial<Strings>) {
		this.#strings = { ...ENGLISH, ...strings };
	}

	get stage(): Stage {
		return (this.getAttribute("stage") as Stage | null) ?? "closed";
	}

	/** Opens the question how to talk, as the button does. */
	async ask(): Promise<void> {
		if (this.stage !== "closed" && this.stage !== "ended" && this.stage !== "problem") return;
		this.#close();
		this.#stage = "consent";
		const consent = await askConsent(this.#shadow, this.#strings, this.getAttribute("store") ?? undefined);
		if (consent !== undefined) return this.#start(consent);
		this.#stage = "closed";
		this.#launcher?.focus();
	}

	/** Opens the devices that were agreed to, then joins. */
	async #start(consent: Consent): Promise<void> {
		const strings = this.#strings;
		this.#showConnecting(strings.connecting);
		const media = new LocalMedia();
		this.#media = media;
		try {
			await openDevices(media, consent);
		} catch (cause) {
			if (this.#isOver(media)) return;
			const error = cause instanceof TillsideError ? cause : undefined;
			return this.#showProblem(error?.message ?? String(cause), [
				{
					text: strings.tryAgain,
					testId: "try-again",
					isPrimary: true,
					onClick: () => {
						media.stop();
						void this.#start(consent);
					},
				},
				{ text: strings.goOnWithout, testId: "go-on", onClick: () => void this.#enter(media, consent.name) },
			]);
		}
		await this.#enter(media, consent.name);
	}

	/** Asks the store's page for a token, then joins. */
	async #enter(media: LocalMedia, name: string): Promise<void> {
		if (this.#isOver(media)) return;
		this.#showConnecting(this.#strings.connecting);
		try {
			const answer = await this.#requestToken(name);
			if (this.#isOver(media)) return;
			const on = (source: "microphone" | "camera") => media.of(source).on;
			const now = Date.now();
			const devices = { microphone: on("microphone"), camera: on("camera") };
			this.#remembered = { ...answer, ...devices, name, isSmall: false, since: 0, seenAt: now };
			this.#join(media, this.#remembered);
		} catch (cause) {
			if (this.#isOver(media)) return;
			media.stop();
			this.#showProblem(cause instanceof TillsideError ? cause.message : String(cause), [this.#wayToRetry()]);
		}
	}

	/** After a page change: joins at once, and opens the devices meanwhile. */
	async #return(remembered: Remembered): Promise<void> {
		this.#remembered = remembered;
		this.#showConnecting(this.#strings.returning);
		const media = new LocalMedia();
		this.#media = media;
		this.#join(media, remembered);
		if (this.#panel !== undefined) this.#panel.isSmall = remembered.isSmall;
		await openDevices(media, remembered).catch((cause: unknown) => {
			if (cause instanceof TillsideError) this.#room?.notify(cause.message);
		});
		this.#isOver(media);
	}

	/** Whether somebody went away while devices opened or a token was fetched; what has opened since is closed then. */
	#isOver(media: LocalMedia): boolean {
		if (this.#media === media) return false;
		media.stop();
		return true;
	}

	#join(media: LocalMedia, { token, name, replaces, sharing, since }: Remembered): void {
		let first: string | undefined = token;
		const source = async () => {
			const known = first ?? (await this.#requestToken(name)).token;
			first = undefined;
			this.#remember({ token: known });
			return known;
		};
		const server = this.getAttribute("server") ?? "/";
		const client = new TillsideClient({ server, token: source, media, replaces });
		this.#client = client;
		this.#sharing = this.#shareWith(client, server);
		if (sharing !== undefined) this.#sharing.continue(sharing);
		const room = this.#viewOf(client, since);
		this.#room = room;
		const isCurrent = () => this.#client === client;
		const update = () => isCurrent() && room.update();
		client.on("waiting", update);
		client.on("participants", update);
		client.on("local", () => {
			this.#remember({ microphone: media.of("microphone").on, camera: media.of("camera").on });
		});
		const showAway = () => {
			const isAway = client.state === "reconnecting" || client.mediaState === "interrupted";
			if (this.#panel !== undefined) this.#panel.isAway = isAway;
		};
		client.on("state", showAway);
		client.on("media", showAway);
		client.on("ended", (ended) => isCurrent() && this.#showEnd(ended));
		// `ended` tells of a failure.
		client.join().then(update, () => {});
	}

	#viewOf(client: TillsideClient, since: number): RoomView {
		return new RoomView({
			client,
			strings: this.#strings,
			panel: this.#ensurePanel(),
			since,
			show: (stage, content) => this.#show(stage, content),
			announce: (text) => this.#announce(text),
			remember: (since) => this.#remember({ since }),
			onSharePage: () => void this.#sharing?.toggle(),
		});
	}

	/** A call in this tab shares by itself; without one, the page may be a part of another tab's. */
	#follow(): void {
		if (typeof BroadcastChannel !== "undefined") this.#follower ??= new TabFollower(this.#strings.sharing);
	}

	#shareWith(client: TillsideClient, server: string): PageSharing {
		this.#follower?.stop();
		this.#follower = undefined;
		return new PageSharing({
			client,
			server,
			parent: this.#shadow,
			strings: this.#strings,
			notify: (text) => {
				this.#room?.notify(text);
				this.#announce(text);
			},
			remember: (sharing) => this.#remember({ sharing }),
			changed: (isShared) => this.#showSharing(isShared),
		});
	}

	#requestToken(name: string): Promise<Required<TokenAnswer>> {
		const url = this.getAttribute("token-url") ?? undefined;
		return fetchToken(
			{ name: name || this.#strings.guest, room: this.#remembered?.room ?? newRoom() },
			url,
			this.#tokenProvider,
		);
	}

	#showEnd({ reason, error }: Ended): void {
		this.#endSharing();
		forget();
		this.#remembered = undefined;
		this.#client = undefined;
		this.#room?.end();
		if (error !== undefined) return this.#showProblem(error.message, error.retryable ? [this.#wayToRetry()] : []);
		const ways = [
			{ text: this.#strings.close, testId: "close", isPrimary: true, onClick: () => this.#close() },
			{ text: this.#strings.askAgain, testId: "ask-again", onClick: () => void this.ask() },
		];
		const { root, text } = endBody(this.#strings, reason, ways);
		this.#show("ended", [root]);
		this.#announce(text);
		root.querySelector("h2")?.focus();
	}

	#showProblem(text: string, ways: Way[]): void {
		const close = { text: this.#strings.close, testId: "close", onClick: () => this.#close() };
		const body = problemBody(this.#strings, text, [...ways, close]);
		this.#show("problem", [body]);
		this.#announce(text);
		body.querySelector("h2")?.focus();
	}

	#wayToRetry(): Way {
		return {
			text: this.#strings.tryAgain,
			testId: "try-again",
			isPrimary: true,
			onClick: () => void this.ask(),
		};
	}

	#showConnecting(text: string): void {
		const cancel = { text: this.#strings.cancel, testId: "cancel", onClick: () => this.#cancel() };
		this.#show("connecting", [connectingBody(text, cancel)]);
		this.#announce(text);
	}

	#show(stage: Stage, content: HTMLElement[]): void {
		const panel = this.#ensurePanel();
		const wasSmall = panel.isSmall;
		panel.show(content, { isCall: stage === "call" });
		panel.title = this.getAttribute("store") ?? this.#strings.inCall;
		if (wasSmall && (stage === "ended" || stage === "problem")) panel.isSmall = false;
		this.#stage = stage;
	}

	#ensurePanel(): Panel {
		if (this.#panel === undefined) {
			this.#panel = new Panel(this, this.#strings, (isSmall) => this.#remember({ isSmall }));
			this.#shadow.append(this.#panel.root);
		}
		return this.#panel;
	}

	/** Ends the visit without a word. */
	#cancel(): void {
		const client = this.#client;
		this.#client = undefined;
		this.#endSharing();
		client?.leave();
		forget();
		this.#remembered = undefined;
		this.#close();
	}

	#showSharing(isShared: boolean): void {
		if (this.#room !== undefined) this.#room.isShared = isShared;
		// On a phone the call covers what is being shown.
		if (isShared && this.#panel !== undefined && matchMedia("(max-width: 520px)").matches) this.#panel.isSmall = true;
	}

	#endSharing(): void {
		this.#sharing?.stop();
		this.#sharing = undefined;
		if (this.isConnected) this.#follow();
	}

	/** Back to the button. No device stays open. */
	#close(): void {
		this.#room?.end();
		this.#room = undefined;
		this.#media?.stop();
		this.#media = undefined;
		this.#panel?.root.remove();
		this.#panel = undefined;
		this.style.transform = "";
		this.#stage = "closed";
		this.#launcher?.focus();
	}

	set #stage(stage: Stage) {
		this.setAttribute("stage", stage);
		if (this.#launcher !== undefined) this.#launcher.hidden = stage !== "closed" && stage !== "consent";
		this.dispatchEvent(new CustomEvent("tillside-stage", { detail: stage, bubbles: true }));
	}

	#remember(change: Partial<Remembered>): void {
		if (this.#remembered === undefined) return;
		this.#remembered = { ...this.#remembered, ...change };
		remember(this.#remembered);
	}

	#announce(text: string): void {
		if (this.#live.textContent !== text) this.#live.textContent = text;
	}
}

/** Opens what was agreed to. */
async function openDevices(media: LocalMedia, agreed: { microphone: boolean; camera: boolean }): Promise<void> {
	if (agreed.microphone && agreed.camera) return media.startBoth();
	if (agreed.microphone) await media.set("microphone", true);
	if (agreed.camera) await media.set("camera", true);
}
