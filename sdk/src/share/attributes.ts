/** The attributes that leave the page, by what becomes of their values. The relay has its own, stricter list. */
import { isHtml } from "./nodes";
import { isControl } from "./payment";

/**
 * `plain` layout and state · `words` read by people · `state` one short word · `geometry` shapes, not scanned, since
 * coordinates look like card numbers · `link` an address to follow · `frame` tells whose frame it is · `asset` an
 * image's address · `style` declarations · `refused` stays in the page
 */
export type AttributeClass =
	"plain" | "words" | "state" | "geometry" | "link" | "frame" | "asset" | "style" | "refused";

const words = (list: string) => new Set(list.split(" "));

const PLAIN = words(
	"class id dir lang role disabled readonly required multiple size rows cols colspan rowspan span scope hidden open for " +
		"start reversed align valign border cellpadding cellspacing bgcolor color face nowrap inert contenteditable slot " +
		"part controls loop muted wrap popover headers width height media rel type data-tillside",
);
const WORDS = words(
	"title alt placeholder aria-label aria-description aria-valuetext aria-placeholder aria-roledescription label abbr",
);
const STATES = words(
	"aria-atomic aria-autocomplete aria-busy aria-checked aria-current aria-disabled aria-expanded aria-haspopup " +
		"aria-hidden aria-invalid aria-level aria-live aria-modal aria-multiline aria-multiselectable aria-orientation " +
		"aria-pressed aria-readonly aria-relevant aria-required aria-selected aria-sort data-state data-open data-closed " +
		"data-active data-selected data-checked data-disabled data-expanded data-collapsed data-orientation data-side " +
		"data-align data-theme data-variant data-size data-visible data-highlighted data-placement data-status data-mode " +
		"data-position data-direction",
);
/** What tells the relay's classifier what a control is; viewers never get these. */
const CLUES = words(
	"name autocomplete inputmode pattern maxlength minlength min max step aria-labelledby aria-describedby data-testid " +
		"data-cse data-braintree-name data-stripe data-recurly data-encrypted-name data-checkout",
);
const FRAME_CLUES = words("name title");
const REFUSED_IN_SVG = /^(?:on|data-|aria-)|^(?:href|xlink:href|src|id|class|style|tabindex|nonce)$/;

/** What becomes of an attribute; `name` in lower case, but in SVG as it is. */
export function attributeClass(element: Element, name: string): AttributeClass {
	if (name === "style") return "style";
	if (name === "value") return isButton(element) || isHtml(element, "option") ? "words" : "refused";
	if (PLAIN.has(name)) return "plain";
	if (WORDS.has(name)) return "words";
	if (STATES.has(name)) return "state";
	if (isControl(element)) return CLUES.has(name) ? "words" : name === "src" ? "asset" : "refused";
	switch (element.localName) {
		case "a":
		case "area":
			return name === "href" ? "link" : svg(element, name);
		case "iframe":
			return name === "src" ? "frame" : FRAME_CLUES.has(name) ? "words" : "refused";
		case "form":
			return name === "name" ? "words" : name === "action" ? "frame" : "refused";
		case "button":
			return name === "name" ? "words" : "refused";
		case "video":
			return name === "poster" ? "asset" : "refused";
		default:
			return svg(element, name);
	}
}

function svg(element: Element, name: string): AttributeClass {
	if (element.namespaceURI !== "http://www.w3.org/2000/svg") return "refused";
	if (name === "href" || name === "xlink:href") {
		if (element.localName === "image") return "asset";
		return element.getAttribute(name)?.startsWith("#") ? "plain" : "refused";
	}
	return REFUSED_IN_SVG.test(name) ? "refused" : "geometry";
}

/** Whose `value` is its label. */
function isButton(element: Element): boolean {
	return isHtml(element, "input") && /^(?:button|submit|reset)$/.test(element.type);
}
