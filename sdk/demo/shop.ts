/** The demo shop's script: cart, search, checkout. The pages are complete HTML without it, but for the cart. */
import { devToken } from "../src/dev_token";
import type { TillsideHelp } from "../src/widget";
import { add, type Line, productOf, readCart, setQuantity, totals, writeCart } from "./cart";
import { money } from "./catalog";
import { drawing } from "./drawings";

const BASE = "/demo";
const ORDER_KEY = "harrow-finch-order";

/** What the order page shows. Never how it was paid. */
interface Order {
	number: string;
	name: string;
	lines: Line[];
}

const find = <Found extends Element>(selector: string) => document.querySelector<Found>(selector);

// A real shop's page would ask its own back end, or just name it: <tillside-help token-url="…">.
const help = find<TillsideHelp>("tillside-help");
if (help !== null) help.tokenProvider = ({ name, room }) => devToken("shopper", name, room);

showCount();
find<HTMLFormElement>("[data-add]")?.addEventListener("submit", addToCart);
showSearch();
showCart();
startCheckout();
showOrder();

function showCount(): void {
	const count = readCart().reduce((sum, { quantity }) => sum + quantity, 0);
	const badge = find<HTMLElement>("[data-cart-count]");
	if (badge === null) return;
	badge.textContent = String(count);
	badge.hidden = count === 0;
}

function addToCart(event: SubmitEvent): void {
	event.preventDefault();
	const form = event.currentTarget as HTMLFormElement;
	const fields = new FormData(form);
	const quantity = Math.max(1, Number(fields.get("quantity")) || 1);
	writeCart(add(readCart(), { slug: form.dataset.add ?? "", choice: String(fields.get("choice")), quantity }));
	showCount();
	const status = find("[data-added]");
	const link = Object.assign(document.createElement("a"), { href: `${BASE}/cart.html`, textContent: "See your cart" });
	status?.replaceChildren("Added. ", link);
}

function showSearch(): void {
	const results = find("[data-search-results]");
	if (results === null) return;
	const query = new URLSearchParams(location.search).get("q")?.trim() ?? "";
	const input = find<HTMLInputElement>("#search-field");
	if (input !== null) input.value = query;
	const words = query.toLowerCase().split(/\s+/).filter(Boolean);
	let found = 0;
	for (const card of results.querySelectorAll<HTMLElement>("[data-words]")) {
		card.hidden = !words.every((word) => card.dataset.words?.includes(word));
		if (!card.hidden) found++;
	}
	const status = find("[data-search-status]");
	if (status === null || query === "") return;
	status.textContent =
		found === 0
			? `Nothing here for “${query}”. Try another word, or ask us.`
			: `${found} ${found === 1 ? "thing" : "things"} for “${query}”.`;
}

function showCart(): void {
	const cart = find("[data-cart]");
	if (cart === null) return;
	const lines = readCart();
	if (lines.length === 0) {
		cart.innerHTML = `<p class="lead">There is nothing in it yet.</p><p><a class="button" href="${BASE}/index.html">Look around</a></p>`;
		return;
	}
	cart.innerHTML = `<ul class="lines">${lines.map(cartLine).join("")}</ul>
<aside>${summary(lines)}<a class="button wide" href="${BASE}/checkout.html">Go to checkout</a></aside>`;
	for (const [index, row] of [...cart.querySelectorAll("li")].entries()) {
		const change = (quantity: number) => {
			const line = lines[index];
			if (line === undefined) return;
			writeCart(setQuantity(lines, line, quantity));
			showCart();
			showCount();
		};
		const input = row.querySelector("input");
		input?.addEventListener("change", () => change(Number(input.value) || 0));
		row.querySelector("button")?.addEventListener("click", () => change(0));
	}
}

// Names and prices come from the catalog; what a person or a stored cart could have written is escaped.
function cartLine(line: Line): string {
	const product = productOf(line);
	if (product === undefined) return "";
	return `<li><span class="picture small ${product.category}">${drawing(product.drawing)}</span>
<div><a href="${BASE}/products/${product.slug}.html">${product.name}</a><br><small>${escapeText(line.choice)}</small></div>
<label class="quantity"><span class="hidden">Quantity of ${product.name}</span><input type="number" min="0" max="9" data-tillside="share" value="${Number(line.quantity)}"></label>
<b class="price">${money(product.price * line.quantity)}</b>
<button type="button" class="plain" aria-label="Remove ${product.name}">Remove</button></li>`;
}

function summary(lines: Line[]): string {
	const { goods, delivery, total } = totals(lines);
	const items = lines
		.map((line) => [productOf(line), line] as const)
		.map(([product, { quantity }]) => `<li>${Number(quantity)} × ${product?.name ?? ""}</li>`)
		.join("");
	return `<ul class="summary-lines">${items}</ul><dl class="sums"><div><dt>Goods</dt><dd>${money(goods)}</dd></div>
<div><dt>Delivery</dt><dd>${delivery === 0 ? "free" : money(delivery)}</dd></div>
<div class="total"><dt>Total</dt><dd>${money(total)}</dd></div></dl>`;
}

function escapeText(text: string): string {
	const holder = document.createElement("span");
	holder.textContent = text;
	return holder.innerHTML;
}

function startCheckout(): void {
	const form = find<HTMLFormElement>("[data-checkout]");
	if (form === null) return;
	const lines = readCart();
	const aside = find("[data-summary]");
	if (aside !== null) aside.innerHTML = lines.length > 0 ? summary(lines) : "<p>Your cart is empty.</p>";
	const pay = find("[data-pay]");
	if (pay !== null && lines.length > 0) pay.textContent = `Place order for ${money(totals(lines).total)}`;
	form.addEventListener("change", () => showMethod(form));
	form.addEventListener("submit", (event) => {
		event.preventDefault();
		placeOrder(form, lines);
	});
	showMethod(form);
}

/** Only the chosen way to pay is asked for. */
function showMethod(form: HTMLFormElement): void {
	const chosen = new FormData(form).get("method");
	for (const part of form.querySelectorAll<HTMLElement>("[data-method]")) {
		part.hidden = part.dataset.method !== chosen;
		for (const input of part.querySelectorAll("input")) input.disabled = part.hidden;
	}
}

function placeOrder(form: HTMLFormElement, lines: Line[]): void {
	const problem = find<HTMLElement>("[data-problem]");
	const wrong = [...form.elements].filter((field) => field instanceof HTMLInputElement && !field.validity.valid);
	for (const field of form.querySelectorAll("input")) field.toggleAttribute("aria-invalid", wrong.includes(field));
	const first = wrong[0] as HTMLInputElement | undefined;
	const text =
		lines.length === 0
			? "Your cart is empty. Put something in it first."
			: `Please check: ${wrong.map((field) => (field as HTMLInputElement).labels?.[0]?.firstChild?.textContent?.trim()).join(", ")}.`;
	const isFine = first === undefined && lines.length > 0;
	if (problem !== null) {
		problem.hidden = isFine;
		problem.textContent = isFine ? "" : text;
	}
	if (!isFine) return first?.focus();
	const name = String(new FormData(form).get("name")).split(" ")[0] ?? "";
	const number = `HF-${String(Math.floor(Math.random() * 90_000) + 10_000)}`;
	sessionStorage.setItem(ORDER_KEY, JSON.stringify({ number, name, lines } satisfies Order));
	writeCart([]);
	location.href = `${BASE}/order.html`;
}

function showOrder(): void {
	const target = find("[data-order-summary]");
	if (target === null) return;
	const order = JSON.parse(sessionStorage.getItem(ORDER_KEY) ?? "null") as Order | null;
	if (order === null) return;
	target.innerHTML = summary(order.lines);
	const put = (selector: string, text: string) => {
		const place = find(selector);
		if (place !== null) place.textContent = text;
	};
	put("[data-order-number]", order.number);
	put("[data-order-name]", order.name === "" ? "" : `, ${order.name}`);
}
