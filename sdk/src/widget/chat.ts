/** The lines that people write to each other. They live as long as the page's call and are kept nowhere. */
import type { TillsideClient } from "../client/client";
import { CHAT_BYTES_MAX } from "../protocol";
import { element, iconButton } from "./dom";
import type { Strings } from "./strings";

/** Old lines go, so that a long call does not fill the page's memory. */
const LINES_MAX = 200;

export class Chat {
	readonly root: HTMLElement;
	readonly #log = element("div", {
		class: "log",
		attributes: { role: "log", tabindex: "0", "data-testid": "chat-log" },
	});
	readonly #input: HTMLInputElement;
	readonly #status = element("p", { class: "small", attributes: { role: "status" } });
	readonly #client: TillsideClient;
	readonly #strings: Strings;

	constructor(client: TillsideClient, strings: Strings, onClose: () => void) {
		this.#client = client;
		this.#strings = strings;
		this.#log.setAttribute("aria-label", strings.message);
		this.#log.append(element("p", { class: "empty soft small", text: strings.noMessages }));
		this.#input = element("input", {
			attributes: {
				type: "text",
				autocomplete: "off",
				"aria-label": strings.writeMessage,
				placeholder: strings.writeMessage,
				"data-testid": "chat-input",
			},
		});
		const send = iconButton("send", strings.send, { testId: "chat-send", onClick: () => this.#send() });
		const form = element("form", { class: "compose" }, this.#input, send);
		form.addEventListener("submit", (event) => {
			event.preventDefault();
			this.#send();
		});
		this.root = element("section", { class: "chat", attributes: { hidden: true } }, this.#log, this.#status, form);
		this.root.addEventListener("keydown", (event) => {
			if (event.key !== "Escape") return;
			event.preventDefault();
			onClose();
		});
		client.on("chat", ({ from, text }) => this.#append(text, client.participants.get(from)?.name ?? strings.helper));
	}

	get isOpen(): boolean {
		return !this.root.hidden;
	}

	set isOpen(open: boolean) {
		this.root.hidden = !open;
		if (!open) return;
		this.#input.focus();
		this.#log.scrollTop = this.#log.scrollHeight;
	}

	#send(): void {
		const text = this.#input.value.trim();
		if (text === "" || new TextEncoder().encode(text).length > CHAT_BYTES_MAX) return;
		const isSent = this.#client.chat(text);
		this.#status.textContent = isSent ? "" : this.#strings.notSent;
		if (!isSent) return;
		this.#input.value = "";
		this.#append(text, undefined);
	}

	#append(text: string, from: string | undefined): void {
		this.#log.querySelector(".empty")?.remove();
		const author = from === undefined ? undefined : element("small", { text: from });
		this.#log.append(element("p", { class: from === undefined ? "bubble own" : "bubble" }, author, text));
		while (this.#log.childElementCount > LINES_MAX) this.#log.firstElementChild?.remove();
		this.#log.scrollTop = this.#log.scrollHeight;
	}
}
