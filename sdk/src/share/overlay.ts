/** An agent's pointer, frames and strokes over the page. Not part of what is shared, and nothing can be clicked in it. */
import tokens from "../design/tokens.css?inline";
import style from "./overlay.css?inline";

/** How long a pointer that rests, a frame and a stroke stay, in milliseconds. */
const POINTER_MS = 4_000;
const HIGHLIGHT_MS = 3_000;
const STROKE_MS = 5_000;
/** Most strokes at a time; the oldest goes. */
const STROKES_MAX = 40;

const SVG = "http://www.w3.org/2000/svg";

export class Overlay {
	readonly #host = document.createElement("tillside-overlay");
	readonly #pointer = document.createElement("div");
	readonly #name = document.createElement("span");
	readonly #strokes = document.createElementNS(SVG, "svg");
	readonly #root: ShadowRoot;
	#pointerTimer: ReturnType<typeof setTimeout> | undefined;

	constructor() {
		this.#root = this.#host.attachShadow({ mode: "open" });
		const sheet = new CSSStyleSheet();
		sheet.replaceSync(tokens + style);
		this.#root.adoptedStyleSheets = [sheet];
		this.#host.setAttribute("aria-hidden", "true");
		this.#pointer.className = "pointer";
		this.#pointer.hidden = true;
		const arrow = document.createElementNS(SVG, "svg");
		arrow.setAttribute("viewBox", "0 0 24 24");
		const path = document.createElementNS(SVG, "path");
		path.setAttribute("d", "M3 2l7.5 19 2.4-8 8-2.6z");
		arrow.append(path);
		this.#pointer.append(arrow, this.#name);
		this.#strokes.setAttribute("class", "strokes");
		this.#root.append(this.#strokes, this.#pointer);
	}

	/** Shows where an agent points, in CSS pixels of the window. */
	point(x: number, y: number, name: string): void {
		this.#attach();
		this.#pointer.hidden = false;
		this.#pointer.style.transform = `translate(${x}px, ${y}px)`;
		if (this.#name.textContent !== name) this.#name.textContent = name;
		clearTimeout(this.#pointerTimer);
		this.#pointerTimer = setTimeout(() => {
			this.#pointer.hidden = true;
		}, POINTER_MS);
	}

	/** Frames a part of the page. */
	highlight(box: DOMRect, name: string): void {
		this.#attach();
		const frame = document.createElement("div");
		frame.className = "frame";
		frame.style.setProperty("left", `${box.left - 4}px`);
		frame.style.setProperty("top", `${box.top - 4}px`);
		frame.style.setProperty("width", `${box.width + 8}px`);
		frame.style.setProperty("height", `${box.height + 8}px`);
		const label = document.createElement("span");
		label.textContent = name;
		frame.append(label);
		this.#root.append(frame);
		setTimeout(() => frame.remove(), HIGHLIGHT_MS);
	}

	/** Draws a stroke through places of the window. */
	draw(points: readonly { x: number; y: number }[]): void {
		this.#attach();
		const stroke = document.createElementNS(SVG, "polyline");
		stroke.setAttribute("points", points.map(({ x, y }) => `${x.toFixed(1)},${y.toFixed(1)}`).join(" "));
		this.#strokes.append(stroke);
		if (this.#strokes.childElementCount > STROKES_MAX) this.#strokes.firstElementChild?.remove();
		setTimeout(() => stroke.remove(), STROKE_MS);
	}

	/** Takes everything away. */
	clear(): void {
		clearTimeout(this.#pointerTimer);
		this.#pointer.hidden = true;
		this.#strokes.replaceChildren();
		for (const frame of this.#root.querySelectorAll(".frame")) frame.remove();
	}

	remove(): void {
		this.clear();
		this.#host.remove();
	}

	#attach(): void {
		if (!this.#host.isConnected) document.documentElement.append(this.#host);
	}
}
