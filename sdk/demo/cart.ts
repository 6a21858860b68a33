/** The cart: what, how many, and what it costs. Kept in this browser only. */
import { PRODUCTS, type Product } from "./catalog";

/** In cents; nothing from FREE_FROM on. */
const DELIVERY = 490;
const FREE_FROM = 8000;
/** Of one product. */
const QUANTITY_MAX = 9;
const KEY = "harrow-finch-cart";

export interface Line {
	slug: string;
	choice: string;
	quantity: number;
}

export interface Totals {
	goods: number;
	delivery: number;
	total: number;
}

export function readCart(): Line[] {
	try {
		const lines: unknown = JSON.parse(localStorage.getItem(KEY) ?? "[]");
		return Array.isArray(lines) ? lines.filter((line: Line) => productOf(line) !== undefined) : [];
	} catch {
		return [];
	}
}

export function writeCart(lines: Line[]): void {
	localStorage.setItem(KEY, JSON.stringify(lines));
}

export function productOf({ slug }: Line): Product | undefined {
	return PRODUCTS.find((product) => product.slug === slug);
}

/** The cart with something more in it. */
export function add(lines: Line[], { slug, choice, quantity }: Line): Line[] {
	const same = lines.find((line) => line.slug === slug && line.choice === choice);
	if (same === undefined) return [...lines, { slug, choice, quantity: Math.min(quantity, QUANTITY_MAX) }];
	return setQuantity(lines, same, same.quantity + quantity);
}

/** The cart with another number of one line; none takes the line out. */
export function setQuantity(lines: Line[], line: Line, quantity: number): Line[] {
	return lines.flatMap((other) => {
		if (other !== line) return [other];
		return quantity > 0 ? [{ ...line, quantity: Math.min(quantity, QUANTITY_MAX) }] : [];
	});
}

export function totals(lines: Line[]): Totals {
	const goods = lines.reduce((sum, line) => sum + (productOf(line)?.price ?? 0) * line.quantity, 0);
	const delivery = goods === 0 || goods >= FREE_FROM ? 0 : DELIVERY;
	return { goods, delivery, total: goods + delivery };
}
