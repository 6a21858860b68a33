/** Builds elements without a framework, and without inline styles or handlers, so that a strict CSP is no obstacle. */
import { ICONS, type IconName } from "../design/icons";

type Child = Node | string | undefined | false;

export interface Properties {
	class?: string;
	text?: string;
	/** Attributes; `true` sets an empty one, `false` and `undefined` set none. */
	attributes?: Record<string, string | boolean | undefined>;
	onClick?: (event: MouseEvent) => void;
}

export function element<Name extends keyof HTMLElementTagNameMap>(
	name: Name,
	properties: Properties = {},
	...children: Child[]
): HTMLElementTagNameMap[Name] {
	const made = document.createElement(name);
	if (properties.class !== undefined) made.className = properties.class;
	if (properties.text !== undefined) made.textContent = properties.text;
	for (const [attribute, value] of Object.entries(properties.attributes ?? {})) {
		if (value !== undefined && value !== false) made.setAttribute(attribute, value === true ? "" : value);
	}
	if (properties.onClick !== undefined) made.addEventListener("click", properties.onClick as EventListener);
	made.append(...children.filter((child) => child !== undefined && child !== false));
	return made;
}

const SVG = "http://www.w3.org/2000/svg";

/** A decorative icon: whatever holds it must have a name of its own. */
export function icon(name: IconName): SVGSVGElement {
	const svg = document.createElementNS(SVG, "svg");
	svg.setAttribute("viewBox", "0 0 24 24");
	svg.setAttribute("aria-hidden", "true");
	for (const data of ICONS[name]) {
		const path = document.createElementNS(SVG, "path");
		path.setAttribute("d", data);
		svg.append(path);
	}
	return svg;
}

export interface ButtonProperties {
	/** Names it for tests. */
	testId: string;
	onClick: () => void;
	class?: string;
}

/** A button with words. */
export function button(text: string, { testId, onClick, class: name = "" }: ButtonProperties): HTMLButtonElement {
	const attributes = { type: "button", "data-testid": testId };
	return element("button", { class: `button ${name}`, text, attributes, onClick });
}

/** A round button with an icon; its name is for screen readers and shown as a tooltip. */
export function iconButton(
	name: IconName,
	label: string,
	{ testId, onClick, class: extra = "" }: ButtonProperties,
): HTMLButtonElement {
	const attributes = { type: "button", "data-testid": testId, "aria-label": label, title: label };
	return element("button", { class: `icon-button ${extra}`, attributes, onClick }, icon(name));
}

/** Gives an icon button another face. */
export function setIconButton(made: HTMLButtonElement, name: IconName, label: string): void {
	if (made.title === label) return;
	made.replaceChildren(icon(name));
	made.setAttribute("aria-label", label);
	made.title = label;
}
