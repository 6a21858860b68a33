/**
 * The sign on a shared page: who sees it, what stays hidden, who acts, and the way to pause and stop.
 *
 * In a shadow root of its own, so that the page's styles neither hide nor change it; not part of what is shared.
 */
import parts from "../design/parts.css?inline";
import tokens from "../design/tokens.css?inline";
import type { Guard } from "../protocol";
import { button, element, icon } from "../widget/dom";
import type { Strings } from "../widget/strings";
import style from "./badge.css?inline";

export type BadgeStrings = Strings["sharing"];

export interface BadgeTarget {
	pause: () => void;
	resume: () => void;
	stop: () => void;
	revoke: () => void;
}

export class Badge {
	readonly #host = document.createElement("tillside-badge");
	readonly #root: ShadowRoot;
	readonly #strings: BadgeStrings;
	readonly #title = element("b");
	readonly #detail = element("span", { class: "detail" });
	readonly #live = element("p", { class: "spoken", attributes: { role: "status" } });
	readonly #box: HTMLElement;
	readonly #pause: HTMLButtonElement;
	readonly #resume: HTMLButtonElement;
	readonly #revoke: HTMLButtonElement;
	#dialog: HTMLDialogElement | undefined;
	#viewers: readonly string[] = [];
	#controller: string | undefined;
	#isPaused = false;

	constructor(strings: BadgeStrings, target: BadgeTarget) {
		this.#strings = strings;
		this.#root = this.#host.attachShadow({ mode: "open" });
		const sheet = new CSSStyleSheet();
		sheet.replaceSync(tokens + parts + style);
		this.#root.adoptedStyleSheets = [sheet];
		this.#pause = button(strings.pause, { testId: "share-pause", onClick: target.pause });
		this.#resume = button(strings.resume, { testId: "share-resume", class: "primary", onClick: target.resume });
		this.#revoke = button(strings.takeBack, { testId: "control-revoke", class: "primary", onClick: target.revoke });
		const stop = button(strings.stopShort, { testId: "share-stop", onClick: target.stop });
		stop.title = strings.stop;
		const words = element("div", { class: "words" }, this.#title, this.#detail);
		const attributes = { role: "region", "aria-label": strings.badge, "data-testid": "share-badge" };
		this.#box = element(
			"section",
			{ class: "badge", attributes },
			icon("eye"),
			words,
			element("div", { class: "ways" }, this.#revoke, this.#pause, this.#resume, stop),
		);
		this.#root.append(this.#box, this.#live);
		this.#show();
		document.documentElement.append(this.#host);
	}

	set viewers(names: readonly string[]) {
		this.#viewers = names;
		this.#show();
	}

	set isPaused(paused: boolean) {
		this.#isPaused = paused;
		this.#show();
	}

	/** Who may act in the page, by name. */
	set controller(name: string | undefined) {
		this.#controller = name;
		if (name === undefined) this.#dialog?.close();
		this.#show();
	}

	/** Asks whether an agent may do something that matters. Closing the question says no. */
	confirm(name: string, guard: Guard, label: string): Promise<boolean> {
		const strings = this.#strings;
		const dialog = element(
			"dialog",
			{
				attributes: {
					"aria-labelledby": "confirm-title",
					"aria-describedby": "confirm-text",
					"data-testid": "confirm-act",
				},
			},
			element("h2", { text: strings.confirmTitle(name), attributes: { id: "confirm-title" } }),
			element("p", { text: strings.confirm[guard](label), attributes: { id: "confirm-text" } }),
		);
		this.#dialog = dialog;
		return new Promise((resolve) => {
			let isAllowed = false;
			const answer = (yes: boolean) => () => {
				isAllowed = yes;
				dialog.close();
			};
			dialog.append(
				element(
					"div",
					{ class: "ways" },
					// The safe answer comes first and has the focus.
					button(strings.confirmNo, { testId: "confirm-no", onClick: answer(false) }),
					button(strings.confirmYes, { testId: "confirm-yes", class: "primary", onClick: answer(true) }),
				),
			);
			dialog.addEventListener("close", () => {
				dialog.remove();
				this.#dialog = undefined;
				resolve(isAllowed);
			});
			this.#root.append(dialog);
			dialog.showModal();
		});
	}

	remove(): void {
		this.#dialog?.close();
		this.#host.remove();
	}

	#show(): void {
		const strings = this.#strings;
		const [title, detail] = this.#words();
		this.#title.textContent = title;
		this.#detail.textContent = detail;
		this.#pause.hidden = this.#isPaused || this.#controller !== undefined;
		this.#resume.hidden = !this.#isPaused;
		this.#revoke.hidden = this.#controller === undefined;
		this.#box.classList.toggle("controlled", this.#controller !== undefined);
		this.#box.classList.toggle("paused", this.#isPaused);
		const said = `${strings.badge}: ${title}. ${detail}`;
		if (this.#live.textContent !== said) this.#live.textContent = said;
	}

	#words(): [string, string] {
		const strings = this.#strings;
		if (this.#isPaused) return [strings.paused, strings.typedIsHidden];
		if (this.#controller !== undefined) return [strings.controlledBy(this.#controller), strings.escape];
		const names = this.#viewers;
		if (names.length === 0) return [strings.seenByNobody, strings.typedIsHidden];
		const last = names.at(-1) as string;
		const list = names.length === 1 ? last : names.slice(0, -1).join(", ") + strings.and + last;
		return [names.length === 1 ? strings.seenBy(list) : strings.seenByMany(list), strings.typedIsHidden];
	}
}
