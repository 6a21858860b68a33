/** What the demo shop sells. All of it is made up. */
import type { Drawing } from "./drawings";

export const CATEGORIES = {
	kitchen: { name: "Kitchen", line: "Tools that earn their hook on the wall." },
	table: { name: "Table", line: "Plates, cups and linen for long evenings." },
	home: { name: "Home", line: "Small things that make a room kinder." },
} as const;

export type Category = keyof typeof CATEGORIES;

export interface Product {
	slug: string;
	name: string;
	category: Category;
	/** In cents. */
	price: number;
	line: string;
	story: string;
	facts: [name: string, value: string][];
	/** Colours or sizes to choose from. */
	choice: { name: string; values: string[] };
	drawing: Drawing;
	isNew?: true;
}

export const PRODUCTS: readonly Product[] = [
	{
		slug: "stovetop-pot",
		name: "Alba stovetop coffee pot",
		category: "kitchen",
		price: 4900,
		line: "Eight sides, three cups, no filter papers.",
		story:
			"Fill the base to the valve, the basket to the brim, and listen. Alba is cast from thick aluminium so that it heats evenly, and its beech handle stays cool enough to pour without a cloth.",
		facts: [
			["Holds", "150 ml, three small cups"],
			["Material", "Cast aluminium, oiled beech"],
			["Hob", "Gas, electric, ceramic"],
		],
		choice: { name: "Size", values: ["3 cups", "6 cups"] },
		drawing: "pot",
		isNew: true,
	},
	{
		slug: "copper-kettle",
		name: "Morgen kettle",
		category: "kitchen",
		price: 11500,
		line: "A slow spout for people who pour carefully.",
		story:
			"The long neck gives a thin, steady stream for filter coffee and a gentle one for green tea. Spun from one sheet of steel and lined, so that nothing tastes of metal.",
		facts: [
			["Holds", "1.1 litres"],
			["Material", "Stainless steel, copper plated outside"],
			["Hob", "All, including induction"],
		],
		choice: { name: "Finish", values: ["Copper", "Brushed steel", "Matt black"] },
		drawing: "kettle",
	},
	{
		slug: "cooks-knife",
		name: "Brook cook’s knife",
		category: "kitchen",
		price: 8900,
		line: "One knife, if you only want one.",
		story:
			"A 19 cm blade with enough belly to rock through herbs and enough height to carry what you cut. We sharpen it for free once a year for as long as you keep it.",
		facts: [
			["Blade", "19 cm, 58 HRC"],
			["Handle", "Smoked oak, three rivets"],
			["Care", "Wash by hand, dry at once"],
		],
		choice: { name: "Hand", values: ["Right", "Left"] },
		drawing: "knife",
	},
	{
		slug: "oak-board",
		name: "Low Oak chopping board",
		category: "kitchen",
		price: 5400,
		line: "End grain up, so that it heals.",
		story:
			"Glued from offcuts of a staircase maker two streets from us. The end grain closes behind the knife, and a groove on one side keeps a roast’s juice off your counter.",
		facts: [
			["Size", "42 × 30 × 4 cm"],
			["Material", "Oak, food-safe oil"],
			["Care", "Oil it when it looks thirsty"],
		],
		choice: { name: "Size", values: ["Medium", "Large"] },
		drawing: "board",
	},
	{
		slug: "pepper-mill",
		name: "Twist pepper mill",
		category: "kitchen",
		price: 3900,
		line: "Ceramic burrs, an honest crunch.",
		story:
			"Turn the collar, not a screw, to go from cracked to dust. The ceramic burr will outlive the walnut around it, and you can order both apart.",
		facts: [
			["Height", "21 cm"],
			["Material", "Walnut, ceramic burr"],
			["Refill", "Lift the cap, no tools"],
		],
		choice: { name: "Wood", values: ["Walnut", "Ash"] },
		drawing: "mill",
	},
	{
		slug: "rim-bowl",
		name: "Rim bowl",
		category: "table",
		price: 2800,
		line: "For soup, pasta, or keys by the door.",
		story:
			"Thrown thin and glazed twice. The wide rim is there to hold it by when the soup is hot, and to leave bread on.",
		facts: [
			["Width", "23 cm"],
			["Material", "Stoneware"],
			["Care", "Dishwasher and microwave safe"],
		],
		choice: { name: "Glaze", values: ["Oat", "Sea", "Rust"] },
		drawing: "bowl",
	},
	{
		slug: "morning-cup",
		name: "Morning cup",
		category: "table",
		price: 2200,
		line: "Two fingers fit the handle. That was the brief.",
		story:
			"We measured forty hands before the first mould. The foot ring is left raw, so that it sits quietly on wood and warms a little in the palm.",
		facts: [
			["Holds", "280 ml"],
			["Material", "Stoneware, raw foot"],
			["Care", "Dishwasher and microwave safe"],
		],
		choice: { name: "Glaze", values: ["Oat", "Sea", "Rust"] },
		drawing: "cup",
	},
	{
		slug: "linen-apron",
		name: "Crossback apron",
		category: "table",
		price: 6200,
		line: "No knots, no bow, two deep pockets.",
		story:
			"Washed linen that hangs from the shoulders instead of the neck. It starts crisp and ends up as the softest thing in the kitchen.",
		facts: [
			["Fits", "S to XL, straps cross at the back"],
			["Material", "Linen, 245 g/m²"],
			["Care", "Wash at 40 °C, never iron"],
		],
		choice: { name: "Colour", values: ["Fennel", "Flax", "Ink"] },
		drawing: "apron",
		isNew: true,
	},
	{
		slug: "supper-napkins",
		name: "Supper napkins, four",
		category: "table",
		price: 3400,
		line: "Large enough for ribs.",
		story:
			"Half-linen with a hem you can feel. Four in a bundle, because three is a shame and six is a drawer you cannot close.",
		facts: [
			["Size", "45 × 45 cm"],
			["Material", "Linen and cotton"],
			["Care", "Wash at 60 °C"],
		],
		choice: { name: "Colour", values: ["Flax", "Rust", "Sea"] },
		drawing: "napkins",
	},
	{
		slug: "bud-vase",
		name: "One-stem vase",
		category: "home",
		price: 3100,
		line: "Makes a single stem look deliberate.",
		story:
			"A heavy base and a neck as wide as a pencil. Put in whatever the garden, the market or the pavement offers this week.",
		facts: [
			["Height", "18 cm"],
			["Material", "Stoneware, glazed inside"],
			["Care", "Rinse, shake, dry"],
		],
		choice: { name: "Glaze", values: ["Rust", "Oat", "Ink"] },
		drawing: "vase",
	},
	{
		slug: "table-lamp",
		name: "Harbour lamp",
		category: "home",
		price: 13900,
		line: "Light for one chair and one book.",
		story:
			"A dimmer under the thumb, a shade that tips, and a cable long enough for old houses. The lamp takes any common bulb, so it need not be thrown away with its light.",
		facts: [
			["Height", "38 cm"],
			["Material", "Powder-coated steel, cotton cable"],
			["Bulb", "E14, not included"],
		],
		choice: { name: "Colour", values: ["Fennel", "Chalk", "Ink"] },
		drawing: "lamp",
	},
	{
		slug: "beeswax-candles",
		name: "Evening candles, pair",
		category: "home",
		price: 1800,
		line: "Seven hours each, and they smell of hay.",
		story:
			"Dipped, not pressed, from beeswax of one valley. They burn slowly without dripping if you keep them out of the draught.",
		facts: [
			["Burns", "About 7 hours each"],
			["Material", "Beeswax, cotton wick"],
			["Size", "25 × 2.2 cm"],
		],
		choice: { name: "Colour", values: ["Honey", "Chalk"] },
		drawing: "candles",
	},
];

/** As people write it: 49.00 → “€49.00”. */
export function money(cents: number): string {
	return `€${(cents / 100).toFixed(2)}`;
}
