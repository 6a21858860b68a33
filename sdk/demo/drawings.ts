/** Our own drawings of the products, each on a square of 240. Flat shapes, five colours, one light from the left. */

const INK = "#2f3b37";
const CLAY = "#c4694a";
const CLAY_DARK = "#a4523a";
const FENNEL = "#8fa67f";
const FENNEL_DARK = "#6f8862";
const CREAM = "#f6ecda";
const CREAM_DARK = "#e2d2b6";
const BRASS = "#cf9f45";
const WOOD = "#b98a5b";
const WOOD_DARK = "#96693f";
const STEEL = "#c9d2d1";
const STEEL_DARK = "#9fabaa";

const shapes = {
	pot: `
		<path fill="${STEEL_DARK}" d="M84 122h72l14 78H70z"/><path fill="${STEEL}" d="M84 122h34l-6 78H70z"/>
		<path fill="${INK}" d="M82 114h76v10H82z"/>
		<path fill="${STEEL_DARK}" d="M78 62h84l-6 52H84z"/><path fill="${STEEL}" d="M78 62h40v52H84z"/>
		<path fill="${STEEL}" d="M78 62 58 54l16 34z"/><path fill="${INK}" d="M74 54h92l-4 10H78z"/>
		<path fill="${STEEL_DARK}" d="M96 44h48l12 10H84z"/><circle cx="120" cy="38" r="8" fill="${WOOD_DARK}"/>
		<path fill="none" stroke="${WOOD}" stroke-width="12" stroke-linecap="round" stroke-linejoin="round" d="M164 68h26v54"/>`,
	kettle: `
		<path fill="none" stroke="${CLAY_DARK}" stroke-width="11" stroke-linecap="round" d="M82 168C42 160 62 96 34 88"/>
		<path fill="${CLAY}" d="M78 92h88l14 92a14 14 0 0 1-14 14H78a14 14 0 0 1-14-14z"/>
		<path fill="#d98563" d="M78 92h26l-8 106H78a14 14 0 0 1-14-14z"/>
		<path fill="${CLAY_DARK}" d="M86 80h72l8 12H78z"/><circle cx="122" cy="72" r="8" fill="${INK}"/>
		<path fill="none" stroke="${INK}" stroke-width="11" stroke-linecap="round" d="M168 104c44-16 48 52 10 66"/>`,
	knife: `
		<g transform="rotate(-32 120 120)"><path fill="${STEEL}" d="M14 108h134v34H74C44 142 24 128 14 108z"/>
		<path fill="${STEEL_DARK}" d="M14 108h134v8H19z"/><path fill="${INK}" d="M148 104h10v32h-10z"/>
		<path fill="${WOOD_DARK}" d="M158 106h62a10 10 0 0 1 10 10v6a10 10 0 0 1-10 10h-62z"/>
		<g fill="${BRASS}"><circle cx="172" cy="119" r="4"/><circle cx="194" cy="119" r="4"/><circle cx="216" cy="119" r="4"/></g></g>`,
	board: `
		<rect x="46" y="56" width="148" height="138" rx="16" fill="${WOOD_DARK}"/>
		<rect x="46" y="50" width="148" height="136" rx="16" fill="${WOOD}"/>
		<g fill="#c99c6d"><path d="M62 50h26v136H62zM116 50h26v136h-26zM168 50h12v136h-12z"/></g>
		<rect x="60" y="64" width="120" height="108" rx="10" fill="none" stroke="${WOOD_DARK}" stroke-width="4"/>
		<g fill="${FENNEL_DARK}"><path d="M96 128c-4-26 22-40 46-36-2 26-20 42-46 36z"/></g>
		<path fill="none" stroke="${CREAM}" stroke-width="3" stroke-linecap="round" d="M94 138c10-16 22-26 36-34"/>`,
	mill: `
		<path fill="${WOOD_DARK}" d="M92 200c0-26 10-38 10-58s-8-22-8-40h52c0 18-8 20-8 40s10 32 10 58z"/>
		<path fill="${WOOD}" d="M92 200c0-26 10-38 10-58s-8-22-8-40h26v98z"/>
		<rect x="90" y="92" width="60" height="10" rx="4" fill="${BRASS}"/>
		<path fill="${WOOD_DARK}" d="M96 92c-6-26 6-44 24-44s30 18 24 44z"/><path fill="${WOOD}" d="M96 92c-6-26 6-44 24-44v44z"/>
		<circle cx="120" cy="40" r="9" fill="${BRASS}"/>
		<g fill="${INK}"><circle cx="164" cy="196" r="4"/><circle cx="176" cy="188" r="3"/><circle cx="182" cy="199" r="3.5"/></g>`,
	bowl: `
		<ellipse cx="120" cy="112" rx="92" ry="22" fill="${CREAM_DARK}"/>
		<path fill="${CREAM}" d="M28 112c8 52 44 78 92 78s84-26 92-78c-30 26-154 26-184 0z"/>
		<path fill="${CREAM_DARK}" d="M120 190c48 0 84-26 92-78-12 10-40 17-70 19-4 26-14 46-30 59z"/>
		<ellipse cx="120" cy="113" rx="72" ry="13" fill="${CLAY}"/>
		<path fill="none" stroke="${CREAM}" stroke-width="4" stroke-linecap="round" d="M98 112c8-6 20 6 30 0"/>
		<path fill="${INK}" opacity=".75" d="M90 188h60l-4 10H94z"/>`,
	cup: `
		<path fill="none" stroke="#6f93a0" stroke-width="14" d="M156 100c46-10 50 60-2 62"/>
		<path fill="#8fb0bb" d="M58 76h104l-8 98a22 22 0 0 1-22 20H88a22 22 0 0 1-22-20z"/>
		<path fill="#a8c5ce" d="M58 76h34l6 118H88a22 22 0 0 1-22-20z"/>
		<ellipse cx="110" cy="76" rx="52" ry="13" fill="#6f93a0"/><ellipse cx="110" cy="78" rx="42" ry="8" fill="#5a3d2b"/>
		<path fill="${CREAM_DARK}" d="M80 194h60l-4 8H84z"/>
		<g fill="none" stroke="${STEEL_DARK}" stroke-width="5" stroke-linecap="round"><path d="M94 54c-8-10 8-14 0-26M122 54c-8-10 8-14 0-26"/></g>`,
	apron: `
		<path fill="none" stroke="${FENNEL_DARK}" stroke-width="9" d="M88 66C92 20 148 20 152 66"/>
		<path fill="${FENNEL}" d="M88 58h64l8 48c18 6 30 10 34 14l-10 90H56l-10-90c4-4 16-8 34-14z"/>
		<path fill="${FENNEL_DARK}" d="M152 58l8 48c18 6 30 10 34 14l-10 90h-28z"/>
		<path fill="none" stroke="${CREAM}" stroke-width="3" stroke-dasharray="7 5" d="M78 142h84v40H78zM120 142v40"/>
		<path fill="none" stroke="${CREAM}" stroke-width="3" d="M92 70h56"/>`,
	napkins: `
		<path fill="${CLAY_DARK}" d="M48 158h144v28H48z"/><path fill="${CLAY}" d="M44 136h152v28H44z"/>
		<path fill="${CREAM_DARK}" d="M48 114h144v26H48z"/><path fill="${CREAM}" d="M44 92h152v28H44z"/>
		<path fill="none" stroke="${CLAY}" stroke-width="3" d="M44 100h152M44 112h152"/>
		<path fill="${FENNEL_DARK}" d="M110 84h20v108h-20z"/><path fill="${FENNEL}" d="M110 84h10v108h-10z"/>
		<path fill="none" stroke="${FENNEL_DARK}" stroke-width="8" stroke-linejoin="round" d="M120 88C84 86 82 50 102 54c14 4 18 24 18 34 0-10 4-30 18-34 20-4 18 32-18 34z"/>`,
	vase: `
		<path fill="none" stroke="${FENNEL_DARK}" stroke-width="5" stroke-linecap="round" d="M118 110C118 70 130 54 146 34"/>
		<g fill="${FENNEL}"><path d="M122 78c-22 0-34-12-36-28 20-2 34 8 36 28zM130 58c4-18 18-26 38-24-2 18-16 28-38 24z"/></g>
		<circle cx="148" cy="32" r="11" fill="${BRASS}"/><circle cx="148" cy="32" r="5" fill="${CLAY}"/>
		<path fill="${CLAY}" d="M110 102h20v32c32 8 42 30 34 52-4 12-12 18-22 18H98c-10 0-18-6-22-18-8-22 2-44 34-52z"/>
		<path fill="#d98563" d="M110 102h8v34c-18 10-26 40-14 68h-6c-10 0-18-6-22-18-8-22 2-44 34-52z"/>`,
	lamp: `
		<path fill="#f7e3a8" opacity=".75" d="M84 108h88l34 92H50z"/>
		<path fill="none" stroke="${INK}" stroke-width="8" stroke-linecap="round" d="M128 104v88"/>
		<path fill="${FENNEL}" d="M98 44h60l22 64H76z"/><path fill="${FENNEL_DARK}" d="M128 44h30l22 64h-52z"/>
		<rect x="88" y="190" width="80" height="12" rx="6" fill="${INK}"/>
		<path fill="none" stroke="${BRASS}" stroke-width="3" d="M146 108v22"/><circle cx="146" cy="134" r="5" fill="${BRASS}"/>`,
	candles: `
		<g><path fill="#e6b653" d="M78 84h28v116H78z"/><path fill="#f1cc78" d="M78 84h11v116H78z"/>
		<path fill="#e6b653" d="M134 64h28v136h-28z"/><path fill="#f1cc78" d="M134 64h11v136h-11z"/></g>
		<path stroke="${INK}" stroke-width="3" d="M92 84v-10M148 64V54"/>
		<path fill="${CLAY}" d="M92 42c14 16 12 32 0 32s-14-16 0-32zM148 22c14 16 12 32 0 32s-14-16 0-32z"/>
		<path fill="#f7e3a8" d="M92 56c6 8 5 16 0 16s-6-8 0-16zM148 36c6 8 5 16 0 16s-6-8 0-16z"/>
		<path fill="${INK}" d="M62 198h116l-10 12H72z"/>`,
} as const;

export type Drawing = keyof typeof shapes;

/** A drawing as an SVG element with a text for those who do not see it; none where words stand beside it. */
export function drawing(name: Drawing, label?: string): string {
	const role = label === undefined ? 'aria-hidden="true"' : `role="img" aria-label="${label}"`;
	return `<svg viewBox="0 0 240 240" ${role}><ellipse cx="120" cy="204" rx="84" ry="12" opacity=".12"/>${shapes[name]}</svg>`;
}
