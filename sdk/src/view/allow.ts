/**
 * What may be built in a view: the second wall behind the relay's allow-list (`cobrowse/src/admit`), decided at the
 * moment of building. A stream that nobody masked or cleaned still builds nothing that runs, loads, nests or submits.
 */

/** HTML elements. Absent: all that runs, loads or nests by itself. `link` and `iframe` are built as something tame. */
const HTML: ReadonlySet<string> = new Set(
	`a abbr acronym address area article aside audio b bdi bdo big blockquote body br button canvas caption center cite code
	col colgroup data datalist dd del details dfn dialog dir div dl dt em fieldset figcaption figure font footer form h1 h2 h3
	h4 h5 h6 head header hgroup hr html i iframe img input ins kbd label legend li link main map mark marquee menu meter nav nobr
	ol optgroup option output p picture pre progress q rp rt ruby s samp search section select selectedcontent slot small source
	span strike strong style sub summary sup table tbody td textarea tfoot th thead time title tr track tt u ul var video wbr`.split(
		/\s+/,
	),
);

/** SVG elements, by their lower-case names. Absent: scripts, animation, foreign content. */
const SVG: ReadonlyMap<string, string> = byLowerCase(
	`a circle clipPath defs desc ellipse feBlend feColorMatrix feComponentTransfer feComposite feConvolveMatrix
	feDiffuseLighting feDisplacementMap feDistantLight feDropShadow feFlood feFuncA feFuncB feFuncG feFuncR feGaussianBlur
	feMerge feMergeNode feMorphology feOffset fePointLight feSpecularLighting feSpotLight feTile feTurbulence filter g image
	line linearGradient marker mask metadata path pattern polygon polyline radialGradient rect stop style svg switch symbol
	text textPath title tspan use`,
);

/** SVG attributes whose names are not lower case. */
const SVG_ATTRIBUTES: ReadonlyMap<string, string> = byLowerCase(
	`baseFrequency clipPathUnits diffuseConstant edgeMode filterUnits gradientTransform gradientUnits kernelMatrix lengthAdjust
	limitingConeAngle markerHeight markerUnits markerWidth maskContentUnits maskUnits numOctaves pathLength
	patternContentUnits patternTransform patternUnits preserveAspectRatio primitiveUnits refX refY specularConstant
	specularExponent spreadMethod startOffset stdDeviation stitchTiles surfaceScale tableValues targetX targetY textLength
	viewBox xChannelSelector yChannelSelector`,
);

function byLowerCase(names: string): ReadonlyMap<string, string> {
	return new Map(names.split(/\s+/).map((name) => [name.toLowerCase(), name]));
}

/** A custom element's name, as the relay lets it pass. Without scripts it stays a plain box. */
const CUSTOM = /^[a-z][a-z0-9._]*-[a-z0-9._-]*$/;
const NOT_CUSTOM: ReadonlySet<string> = new Set(["annotation-xml", "color-profile", "font-face", "missing-glyph"]);

/** How an element is built; undefined: not at all. */
export function elementNameOf(tag: string, isSvg: boolean): string | undefined {
	if (isSvg) return SVG.get(tag);
	// A link that carries its sheet is that sheet; any other one is an empty sheet, which keeps its place.
	if (tag === "link") return "style";
	return HTML.has(tag) || (CUSTOM.test(tag) && !NOT_CUSTOM.has(tag)) ? tag : undefined;
}

/** What becomes of an attribute. */
export type Treatment =
	/** Set as it is. */
	| "plain"
	/** Words of the page: not on hidden elements. */
	| "words"
	/** What a control holds: on hidden elements nothing but glyphs. */
	| "value"
	/** Shapes and paints, which refer into their own document or nowhere. */
	| "geometry"
	/** Uploaded assets only. */
	| "asset"
	/** `#name` only. */
	| "fragment"
	/** Never followed from here: kept beside, for the title. */
	| "link"
	/** A whole style sheet. */
	| "sheet"
	/** Where an element was scrolled to, or how large a box is: done, not set. */
	| "done"
	| "style"
	| "refused";

const PLAIN: ReadonlySet<string> = new Set(
	`class id dir lang role disabled readonly required multiple size rows cols colspan rowspan span scope hidden open start
	reversed align valign border cellpadding cellspacing bgcolor color face noshade nowrap inert slot part controls loop muted wrap
	headers width height media for min max low high optimum shape coords datetime`.split(/\s+/),
);
const WORDS: ReadonlySet<string> = new Set(
	"title alt placeholder label abbr aria-label aria-description aria-valuetext aria-placeholder aria-roledescription".split(
		" ",
	),
);
const DONE: ReadonlySet<string> = new Set(
	"rr_width rr_height rr_scrollleft rr_scrolltop rr_open_mode checked selected".split(" "),
);
/** Shapes and paints. */
const GEOMETRY: ReadonlySet<string> = new Set(
	`viewbox d points transform x y x1 y1 x2 y2 cx cy r rx ry dx dy fx fy fill stroke opacity offset fill-opacity fill-rule
	clip-rule clip-path mask stroke-width stroke-linecap stroke-linejoin stroke-opacity stroke-dasharray stroke-dashoffset
	stroke-miterlimit stop-color stop-opacity gradientunits gradienttransform patternunits patterntransform
	patterncontentunits clippathunits maskunits preserveaspectratio text-anchor dominant-baseline font-size font-family
	font-weight letter-spacing version filter stddeviation flood-color flood-opacity in in2 result operator values mode
	shape-rendering vector-effect refx refy markerwidth markerheight orient spreadmethod pathlength display visibility overflow
	color-interpolation-filters filterunits primitiveunits`.split(/\s+/),
);
const ASSET_ON: ReadonlySet<string> = new Set(["img", "video", "audio", "source", "input", "image"]);
/** Here a value is a word of the page, not what somebody typed. */
const NAMED_VALUE: ReadonlySet<string> = new Set(["option", "li", "meter", "progress", "data"]);
const TYPED: ReadonlySet<string> = new Set(["input", "button", "ol", "ul", "li"]);

/** What becomes of the attribute `name` (lower case) of an element. */
export function treatmentOf(tag: string, isSvg: boolean, name: string): Treatment {
	switch (name) {
		case "style":
			return "style";
		case "_csstext":
			return tag === "style" || tag === "link" ? "sheet" : "refused";
		case "value":
			return NAMED_VALUE.has(tag) ? "words" : "value";
		case "type":
			return TYPED.has(tag) ? "plain" : "refused";
		case "href":
		case "xlink:href":
			if (tag === "a" || tag === "area") return "link";
			return tag === "image" ? "asset" : isSvg ? "fragment" : "refused";
		case "src":
		case "srcset":
		case "poster":
			return ASSET_ON.has(tag) ? "asset" : "refused";
	}
	if (DONE.has(name)) return "done";
	if (WORDS.has(name)) return "words";
	if (PLAIN.has(name) || /^(aria|data)-[a-z-]{1,40}$/.test(name)) return "plain";
	// Outside of SVG none of these means anything, but styles may hang on them.
	return GEOMETRY.has(name) ? "geometry" : "refused";
}

/** The attribute's name as the element knows it. */
export function attributeNameOf(isSvg: boolean, name: string): string {
	if (name === "xlink:href") return "href";
	return (isSvg && SVG_ATTRIBUTES.get(name)) || name;
}

/** Whether all that a shape or paint refers to stands in its own document. */
export function isGeometry(value: string): boolean {
	return !/url\((?!\s*["']?#)/i.test(value) && !/[\\:]/.test(value);
}

export function isFragment(value: string): boolean {
	return /^#[^\s]{1,128}$/.test(value);
}
