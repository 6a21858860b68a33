/** Asks, before anything is opened or sent, how somebody wants to talk. A modal dialog: the browser keeps the focus. */
import type { IconName } from "../design/icons";
import { NAME_BYTES_MAX } from "../protocol";
import { button, element, icon } from "./dom";
import type { Strings } from "./strings";

/** What somebody agreed to. */
export interface Consent {
	microphone: boolean;
	camera: boolean;
	/** May be empty. */
	name: string;
}

/** A letter takes up to three bytes of the node's limit (rarer ones four; the node then says so). */
const NAME_LENGTH_MAX = Math.floor(NAME_BYTES_MAX / 3);

const CHOICES = [
	{ value: "video", icon: "camera", microphone: true, camera: true },
	{ value: "voice", icon: "mic", microphone: true, camera: false },
	{ value: "chat", icon: "chat", microphone: false, camera: false },
] as const satisfies { value: string; icon: IconName; microphone: boolean; camera: boolean }[];

/**
 * Opens the dialog in `parent`.
 *
 * @returns what was agreed to, or undefined when the dialog was closed (“not now”, Esc, a click beside it)
 */
export function askConsent(
	parent: ParentNode,
	strings: Strings,
	store: string | undefined,
): Promise<Consent | undefined> {
	const title = element("h2", {
		text: store === undefined ? strings.consentTitle : strings.consentTitleNamed(store),
		attributes: { id: "consent-title" },
	});
	const name = element("input", {
		attributes: { type: "text", autocomplete: "given-name", maxlength: String(NAME_LENGTH_MAX), "data-testid": "name" },
	});
	const form = element(
		"form",
		{ class: "form" },
		title,
		element("p", { class: "soft", text: strings.consentText }),
		choices(strings),
		element(
			"label",
			{ class: "field" },
			element("span", {}, `${strings.yourName} `, element("span", { class: "soft", text: `(${strings.optional})` })),
			name,
		),
		element("p", { class: "privacy" }, icon("lock"), element("span", { text: strings.privacy })),
		element(
			"div",
			{ class: "actions" },
			element("button", {
				class: "button primary",
				text: strings.agree,
				attributes: { type: "submit", "data-testid": "agree" },
			}),
			button(strings.notNow, { testId: "not-now", onClick: () => dialog.close() }),
		),
	);
	const attributes = { "aria-labelledby": "consent-title", "data-testid": "consent" };
	const dialog = element("dialog", { attributes }, form);
	parent.append(dialog);
	return new Promise((resolve) => {
		let consent: Consent | undefined;
		form.addEventListener("submit", (event) => {
			event.preventDefault();
			const chosen = form.querySelector<HTMLInputElement>("input[name=talk]:checked")?.value;
			const choice = CHOICES.find(({ value }) => value === chosen);
			if (choice !== undefined) {
				consent = { microphone: choice.microphone, camera: choice.camera, name: name.value.trim() };
			}
			dialog.close();
		});
		dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
		dialog.addEventListener("close", () => {
			dialog.remove();
			resolve(consent);
		});
		dialog.showModal();
	});
}

function choices(strings: Strings): HTMLFieldSetElement {
	const words = {
		video: [strings.videoChoice, strings.videoChoiceHint],
		voice: [strings.voiceChoice, strings.voiceChoiceHint],
		chat: [strings.chatChoice, strings.chatChoiceHint],
	} as const;
	const fieldset = element("fieldset", {}, element("legend", { text: strings.howToTalk }));
	for (const [index, choice] of CHOICES.entries()) {
		const [text, hint] = words[choice.value];
		const attributes = {
			type: "radio",
			name: "talk",
			value: choice.value,
			checked: index === 0,
			autofocus: index === 0,
			"data-testid": `talk-${choice.value}`,
		};
		const label = element(
			"label",
			{ class: "choice" },
			element("input", { attributes }),
			element("span", {}, element("b", { text }), element("span", { class: "soft small", text: hint })),
			icon(choice.icon),
		);
		fieldset.append(label);
	}
	return fieldset;
}
