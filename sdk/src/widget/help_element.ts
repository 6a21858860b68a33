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
import tokens from "../design/tokens.css?inline";
import { CallView } from "./call_view";
import { askConsent, type Consent } from "./consent";
import { element, icon } from "./dom";
import { forget, type Remembered, recall, remember } from "./memory";
import { messageBody, Panel } from "./panel";
import { ENGLISH, type Strings } from "./strings";
import style from "./style.css?inline";
import { showTrack } from "./tile";
import { fetchToken, type TokenAnswer, type TokenProvider } from "./token";

export type Stage = "closed" | "consent" | "connecting" | "waiting" | "call" | "ended" | "problem";

/** Who was away for longer than the node keeps a call has to ask again. */
const RETURN_MS_MAX = 120_000;

export class TillsideHelp extends HTMLElement {
	/** Mints tokens where `token-url` is not enough. */
	tokenProvider: TokenProvider | undefined;
	#strings: Strings = ENGLISH;
	readonly #shadow = this.attachShadow({ mode: "open" });
	readonly #live = element("div", { class: "live", attributes: { "aria-live": "polite", "data-testid": "announcer" } });
	#launcher: HTMLButtonElement | undefined;
	#panel: Panel | undefined;
	#client: TillsideClient | undefined;
	#call: CallView | undefined;
	#remembered: Remembered | undefined;
	#timer: ReturnType<typeof setInterval> | undefined;
	readonly #onPageHide = () => this.#remember({ seenAt: Date.now() });

	connectedCallback(): void {
		if (this.#launcher !== undefined) return;
		const sheet = new CSSStyleSheet();
		sheet.replaceSync(tokens + style);
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
		addEventListener("pagehide", this.#onPageHide);
		const remembered = recall();
		if (remembered !== undefined && Date.now() - remembered.seenAt < RETURN_MS_MAX) void this.#return(remembered);
		else this.#stage = "closed";
	}

	disconnectedCallback(): void {
		// Moving the element within the page disconnects it for a moment; that must not end the call.
		queueMicrotask(() => !this.isConnected && this.#client?.leave());
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
		try {
			await openDevices(media, consent);
		} catch (cause) {
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
		this.#showConnecting(this.#strings.connecting);
		try {
			const answer = await this.#requestToken(name);
			const on = (source: "microphone" | "camera") => media.of(source).on;
			const now = Date.now();
			const devices = { microphone: on("microphone"), camera: on("camera") };
			this.#remembered = { ...answer, ...devices, name, isSmall: false, since: 0, seenAt: now };
			this.#join(media, this.#remembered);
		} catch (cause) {
			media.stop();
			this.#showProblem(cause instanceof TillsideError ? cause.message : String(cause), [this.#wayToRetry()]);
		}
	}

	/** After a page change: joins at once, and opens the devices meanwhile. */
	async #return(remembered: Remembered): Promise<void> {
		this.#remembered = remembered;
		this.#showConnecting(this.#strings.returning);
		const media = new LocalMedia();
		this.#join(media, remembered);
		if (this.#panel !== undefined) this.#panel.isSmall = remembered.isSmall;
		await openDevices(media, remembered).catch((cause: unknown) => {
			if (cause instanceof TillsideError) this.#call?.notify(cause.message);
		});
	}

	#join(media: LocalMedia, { token, room, name }: Remembered): void {
		let first: string | undefined = token;
		const source = async () => {
			const known = first ?? (await this.#requestToken(name)).token;
			first = undefined;
			this.#remember({ token: known });
			return known;
		};
		const server = this.getAttribute("server") ?? "/";
		const client = new TillsideClient({ server, token: source, media, ...(room === undefined ? {} : { room }) });
		this.#client = client;
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

	async #requestToken(name: string): Promise<TokenAnswer> {
		const url = this.getAttribute("token-url") ?? undefined;
		return fetchToken(
			{ name, ...(this.#remembered?.room ? { room: this.#remembered.room } : {}) },
			url,
			this.tokenProvider,
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
		const strings = this.#strings;
		const { position } = client;
		const words = position > 1 ? strings.waitingPosition(position) : position === 1 ? strings.waitingNext : "";
		const camera = client.media.of("camera").track;
		const self = element("video", { class: "waiting-self tile mirrored", attributes: { playsinline: true } });
		showTrack(self, camera);
		const top =
			camera === undefined
				? element("div", { class: "badge pulse" }, icon("clock"))
				: element("div", { class: "tile mirrored waiting-self" }, self);
		const line = element("p", { text: words, attributes: { "data-testid": "position" } });
		const body = messageBody(
			top,
			strings.waitingTitle,
			[line, strings.waitingHint],
			[{ text: strings.stopWaiting, testId: "stop-waiting", onClick: () => client.leave() }],
		);
		this.#show("waiting", [body], strings.waitingTitle);
		this.#announce(`${strings.waitingTitle}. ${words}`);
	}

	#showCall(client: TillsideClient): void {
		const panel = this.#ensurePanel();
		if (this.#call === undefined) {
			this.#call = new CallView(client, this.#strings);
			this.#show("call", this.#call.content, "");
			this.#announce(this.#strings.arrived(this.#call.helper?.name || this.#strings.helper));
			if (!this.#remembered?.since) this.#remember({ since: Date.now() });
			this.#timer = setInterval(() => this.#showTime(), 1000);
			this.#showTime();
		}
		panel.title = this.#call.helper?.name || this.#strings.helper;
	}

	#announceLeft(call: CallView): void {
		const { title } = this.#ensurePanel();
		if (title === this.#strings.waitingTitle) return;
		call.notify(this.#strings.gone(title));
		this.#announce(this.#strings.gone(title));
	}

	#showTime(): void {
		const seconds = Math.max(0, Math.floor((Date.now() - (this.#remembered?.since ?? Date.now())) / 1000));
		const two = (value: number) => String(value).padStart(2, "0");
		if (this.#panel !== undefined) this.#panel.time = `${Math.floor(seconds / 60)}:${two(seconds % 60)}`;
	}

	#showEnd({ reason, error }: Ended): void {
		forget();
		this.#remembered = undefined;
		this.#client = undefined;
		this.#endCallView();
		if (error !== undefined) return this.#showProblem(error.message, error.retryable ? [this.#wayToRetry()] : []);
		const strings = this.#strings;
		const text = strings.reasons[reason] ?? strings.endedText;
		const isGood = reason === "left" || reason === "room_ended";
		const top = element("div", { class: isGood ? "badge" : "badge warn" }, icon(isGood ? "check" : "warn"));
		const title = isGood ? strings.endedTitle : strings.inCall;
		const body = messageBody(
			top,
			title,
			[text],
			[
				{ text: strings.close, testId: "close", isPrimary: true, onClick: () => this.#close() },
				{ text: strings.askAgain, testId: "ask-again", onClick: () => void this.ask() },
			],
		);
		this.#show("ended", [body], title);
		this.#announce(`${title}. ${text}`);
		body.querySelector("h2")?.focus();
	}

	#showProblem(text: string, ways: Parameters<typeof messageBody>[3]): void {
		const strings = this.#strings;
		const top = element("div", { class: "badge warn" }, icon("warn"));
		const close = { text: strings.close, testId: "close", onClick: () => this.#close() };
		const body = messageBody(top, strings.problemTitle, [text], [...ways, close]);
		this.#show("problem", [body], strings.problemTitle);
		this.#announce(text);
		body.querySelector("h2")?.focus();
	}

	#wayToRetry() {
		return {
			text: this.#strings.tryAgain,
			testId: "try-again",
			isPrimary: true,
			onClick: () => void this.ask(),
		};
	}

	#showConnecting(text: string): void {
		const top = element("div", { class: "badge pulse" }, icon("headset"));
		this.#show("connecting", [messageBody(top, text, [], [])], text);
		this.#announce(text);
	}

	#show(stage: Stage, content: HTMLElement[], title: string): void {
		const panel = this.#ensurePanel();
		const wasSmall = panel.isSmall;
		panel.show(content, { title, compact: stage !== "call" });
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

	#close(): void {
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
