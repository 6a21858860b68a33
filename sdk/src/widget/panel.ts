/** The window that a call lives in: its head, its place on the page, large or small. Knows nothing of calls. */
import { element, iconButton, setIconButton } from "./dom";
import type { Strings } from "./strings";

/** How far one press of an arrow key moves the panel, in CSS pixels. */
const KEY_STEP = 24;
/** How much of the panel stays inside the window, in CSS pixels. */
const MARGIN = 8;

export class Panel {
	readonly root: HTMLElement;
	readonly #host: HTMLElement;
	readonly #strings: Strings;
	readonly #title = element("b");
	readonly #time = element("time", { attributes: { "aria-hidden": "true" } });
	readonly #dot = element("span", { class: "dot" });
	readonly #grip: HTMLElement;
	readonly #body = element("div", { class: "body" });
	readonly #resize: HTMLButtonElement;
	readonly #onSmall: (small: boolean) => void;
	#offset = { x: 0, y: 0 };
	#small = false;

	/** @param onSmall is told when somebody makes the panel small or large */
	constructor(host: HTMLElement, strings: Strings, onSmall: (small: boolean) => void) {
		this.#host = host;
		this.#strings = strings;
		this.#onSmall = onSmall;
		this.#grip = element(
			"button",
			{ class: "grip", attributes: { type: "button", "aria-label": strings.move, "data-testid": "grip" } },
			this.#dot,
			this.#title,
			this.#time,
		);
		this.#resize = iconButton("minimise", strings.minimise, {
			testId: "minimise",
			onClick: () => {
				this.isSmall = !this.#small;
				onSmall(this.#small);
			},
		});
		const head = element("header", { class: "head" }, this.#grip, this.#resize);
		const attributes = { "aria-label": strings.inCall, "data-testid": "panel" };
		this.root = element("section", { class: "panel", attributes }, head, this.#body);
		this.root.addEventListener("keydown", (event) => this.#handleEscape(event));
		this.#grip.addEventListener("pointerdown", (event) => this.#drag(event));
		this.#grip.addEventListener("keydown", (event) => this.#handleArrow(event));
	}

	/** Shows something in the panel. A call fills it; anything else makes it as high as it needs. */
	show(content: HTMLElement[], { isCall }: { isCall: boolean }): void {
		this.#body.replaceChildren(...content);
		this.root.classList.toggle("compact", !isCall);
		this.#dot.hidden = !isCall;
	}

	set title(text: string) {
		this.#title.textContent = text;
	}

	/** How long the call has been going on, as text; empty for none. */
	set time(text: string) {
		this.#time.textContent = text;
	}

	/** Whether the connection is away. */
	set isAway(away: boolean) {
		this.#dot.classList.toggle("away", away);
	}

	get isSmall(): boolean {
		return this.#small;
	}

	set isSmall(small: boolean) {
		this.#small = small;
		this.root.classList.toggle("small", small);
		this.#body.hidden = small;
		if (small) setIconButton(this.#resize, "expand", this.#strings.expand);
		else setIconButton(this.#resize, "minimise", this.#strings.minimise);
		this.#place();
	}

	/** Esc makes the call small, so that the page behind it can be used; it never hangs up. */
	#handleEscape(event: KeyboardEvent): void {
		if (event.key !== "Escape" || event.defaultPrevented || this.#small) return;
		event.preventDefault();
		this.isSmall = true;
		this.#onSmall(true);
		this.#resize.focus();
	}

	#handleArrow(event: KeyboardEvent): void {
		const steps: Record<string, [number, number]> = {
			ArrowLeft: [-KEY_STEP, 0],
			ArrowRight: [KEY_STEP, 0],
			ArrowUp: [0, -KEY_STEP],
			ArrowDown: [0, KEY_STEP],
		};
		const step = steps[event.key];
		if (step === undefined) return;
		event.preventDefault();
		this.#offset = { x: this.#offset.x + step[0], y: this.#offset.y + step[1] };
		this.#place();
	}

	#drag(start: PointerEvent): void {
		const from = { x: this.#offset.x - start.clientX, y: this.#offset.y - start.clientY };
		const move = (event: PointerEvent) => {
			this.#offset = { x: from.x + event.clientX, y: from.y + event.clientY };
			this.#place();
		};
		this.#grip.setPointerCapture(start.pointerId);
		this.#grip.addEventListener("pointermove", move);
		const stop = () => this.#grip.removeEventListener("pointermove", move);
		this.#grip.addEventListener("lostpointercapture", stop, { once: true });
	}

	/** Puts the panel where it was dragged to, but never out of the window. */
	#place(): void {
		this.#host.style.transform = "";
		const box = this.root.getBoundingClientRect();
		const clamp = (value: number, low: number, high: number) => Math.max(Math.min(value, high), Math.min(low, high));
		this.#offset = {
			x: clamp(this.#offset.x, MARGIN - box.left, innerWidth - MARGIN - box.right),
			y: clamp(this.#offset.y, MARGIN - box.top, innerHeight - MARGIN - box.bottom),
		};
		this.#host.style.transform = `translate(${this.#offset.x}px, ${this.#offset.y}px)`;
	}
}
