/**
 * `<tillside-help>`: the button on a store's page and everything behind it.
 *
 * Owns the stages of a visit (closed → consent → connecting → waiting → call → ended) and one client at a time. What a
 * stage looks like is told by the views; what a call is, by the client.
 */

import { TillsideClient } from "../client/client";
import type { Ended } from "../client/client_events";
import { TillsideError } from "../client/error";
import { LocalMedia } from "../client/local_media";
import parts from "../design/parts.css?inline";
import tokens from "../design/tokens.css?inline";
import { connectingBody, endBody, problemBody, type Way, waitingBody } from "./bodies";
import { CallView } from "./call_view";
import { askConsent, type Consent } from "./consent";
import { element, icon } from "./dom";
import { forget, type Remembered, recall, remember } from "./memory";
import { PageSharing } from "./page_sharing";
import { TabFollower } from "./share_tabs";
import { Panel } from "./panel";
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
	readonly #live = element("div", { class: "spoken", attributes: { "aria-live": "polite", "data-testid": "announcer" } });
	#launcher: HTMLButtonElement | undefined;
	#panel: Panel | undefined;
	/** The devices of this visit; undefined: there is none. */
	#media: LocalMedia | undefined;
	#client: TillsideClient | undefined;
	#sharing: PageSharing | undefined;
	/** Shows this page for a call in another tab of the store. */
	#follower: TabFollower | undefined;
	#call: CallView | undefined;
	/** Who helps, or helped last in this visit. */
	#helper: string | undefined;
	#helperHasLeft = false;
	#remembered: Remembered | undefined;
	#timer: ReturnType<typeof setInterval> | undefined;
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
			if (cause instanceof TillsideError) this.#call?.notify(cause.message);
		});
		this.#isOver(media);
	}

	/** Whether somebody went away while devices opened or a token was fetched; what has opened since is closed then. */
	#isOver(media: LocalMedia): boolean {
		if (this.#media === media) return false;
		media.stop();
		return true;
	}

	#join(media: LocalMedia, { token, name, replaces, sharing }: Remembered): void {
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
		const isCurrent = () => this.#client === client;
		client.on("waiting", () => this.#showRoom());
		client.on("participants", () => this.#showRoom());
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
		client.join().then(
			() => this.#showRoom(),
			// `ended` has told it.
			() => {},
		);
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
				this.#call?.notify(text);
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

	/** Waiting or in a call: whichever the client says. */
	#showRoom(): void {
		const client = this.#client;
		if (client === undefined || client.room === undefined || client.state === "ended") return;
		const isHelped = [...client.participants.values()].some(({ role }) => role === "agent" || role === "supervisor");
		if (isHelped) this.#showCall(client);
		else if (this.stage !== "call" || client.position > 0) this.#showWaiting(client);
		else if (this.#call !== undefined) this.#announceLeft(this.#call);
	}

	#showWaiting(client: TillsideClient): void {
		this.#endCallView();
		const camera = client.media.of("camera").track;
		const { position } = client;
		// Whoever was being helped and is not any more should know why.
		const note = this.#helper === undefined ? undefined : this.#strings.gone(this.#helper);
		if (note !== undefined) this.#remember({ since: 0 });
		const { root, text } = waitingBody(this.#strings, { position, note, camera }, () => client.leave());
		this.#show("waiting", [root]);
		this.#announce(text);
	}

	#showCall(client: TillsideClient): void {
		const panel = this.#ensurePanel();
		if (this.#call === undefined) {
			this.#call = new CallView(client, this.#strings, () => void this.#sharing?.toggle());
			this.#call.showSharing(client.share.isShared);
			this.#show("call", this.#call.content);
			this.#announce(this.#strings.arrived(this.#call.helper?.name || this.#strings.helper));
			if (!this.#remembered?.since) this.#remember({ since: Date.now() });
			this.#timer = setInterval(() => this.#showTime(), 1000);
			this.#showTime();
		}
		this.#helper = this.#call.helper?.name || this.#strings.helper;
		this.#helperHasLeft = false;
		panel.title = this.#helper;
	}

	#announceLeft(call: CallView): void {
		if (this.#helper === undefined || this.#helperHasLeft) return;
		const text = this.#strings.gone(this.#helper);
		this.#helperHasLeft = true;
		call.notify(text);
		this.#announce(text);
	}

	#showTime(): void {
		const seconds = Math.max(0, Math.floor((Date.now() - (this.#remembered?.since ?? Date.now())) / 1000));
		const two = (value: number) => String(value).padStart(2, "0");
		if (this.#panel !== undefined) this.#panel.time = `${Math.floor(seconds / 60)}:${two(seconds % 60)}`;
	}

	#showEnd({ reason, error }: Ended): void {
		this.#endSharing();
		forget();
		this.#remembered = undefined;
		this.#helper = undefined;
		this.#client = undefined;
		this.#endCallView();
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

	#endCallView(): void {
		clearInterval(this.#timer);
		this.#call?.remove();
		this.#call = undefined;
		if (this.#panel !== undefined) this.#panel.time = "";
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
		this.#call?.showSharing(isShared);
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
		this.#endCallView();
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
