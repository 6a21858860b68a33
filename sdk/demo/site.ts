/** Writes the demo shop's pages: real HTML, one file each, so that following a link is a real navigation. */
import { CATEGORIES, type Category, money, PRODUCTS, type Product } from "./catalog";
import { checkoutPage } from "./checkout_page";
import { drawing } from "./drawings";
import { BASE, escapeHtml, layout } from "./layout";

/** Every page: its path below the shop's root, and its HTML. */
export function* pages(): Iterable<[path: string, html: string]> {
	yield ["index.html", homePage()];
	for (const category of Object.keys(CATEGORIES) as Category[]) yield [`${category}.html`, categoryPage(category)];
	for (const product of PRODUCTS) yield [`products/${product.slug}.html`, productPage(product)];
	yield ["search.html", searchPage()];
	yield ["cart.html", cartPage()];
	yield ["checkout.html", checkoutPage()];
	yield ["order.html", orderPage()];
	yield ["delivery.html", deliveryPage()];
}

function card(product: Product): string {
	return `<li class="card" data-product="${product.slug}" data-words="${escapeHtml(words(product))}">
<a href="${BASE}/products/${product.slug}.html">
<span class="picture ${product.category}">${product.isNew ? '<em class="new">New</em>' : ""}${drawing(product.drawing)}</span>
<span class="card-name">${escapeHtml(product.name)}</span>
<span class="card-line">${escapeHtml(product.line)}</span>
<span class="price">${money(product.price)}</span>
</a></li>`;
}

/** What a search looks through. */
function words({ name, line, category, facts }: Product): string {
	return [name, line, CATEGORIES[category].name, ...facts.map(([, value]) => value)].join(" ").toLowerCase();
}

function grid(products: readonly Product[]): string {
	return `<ul class="grid">${products.map(card).join("\n")}</ul>`;
}

function homePage(): string {
	const main = `<section class="hero">
<div><h1>Fewer things, kept for longer.</h1>
<p>We sell what we would put in our own kitchen: made to be repaired, explained by people who use it every day.</p>
<p class="row"><a class="button" href="${BASE}/kitchen.html">Start in the kitchen</a> <a href="${BASE}/delivery.html">How we deliver</a></p></div>
<div class="hero-art">${drawing("lamp")}${drawing("vase")}${drawing("cup")}</div>
</section>
<section aria-labelledby="all"><div class="section-head"><h2 id="all">All of it</h2><p>${PRODUCTS.length} things, and that is the whole shop.</p></div>
${grid(PRODUCTS)}</section>
<section class="promise"><h2>Not sure? Ask someone who knows.</h2><p>Press “Ask for help” and talk to a person from the shop, with a camera or without, while you keep looking around.</p></section>`;
	return layout({ title: "Kitchen, table and home", main, page: "front" });
}

function categoryPage(category: Category): string {
	const { name, line } = CATEGORIES[category];
	const main = `<div class="section-head"><h1>${name}</h1><p>${line}</p></div>
${grid(PRODUCTS.filter((product) => product.category === category))}`;
	return layout({ title: name, main, page: category });
}

function productPage(product: Product): string {
	const { slug, name, category, price, line, story, facts, choice } = product;
	const others = PRODUCTS.filter((other) => other.category === category && other !== product).slice(0, 4);
	const options = choice.values
		.map(
			(value, index) =>
				`<label class="pick"><input type="radio" name="choice" value="${escapeHtml(value)}"${index === 0 ? " checked" : ""}><span>${escapeHtml(value)}</span></label>`,
		)
		.join("");
	const main = `<nav class="crumbs" aria-label="You are here"><a href="${BASE}/index.html">Shop</a> <a href="${BASE}/${category}.html">${CATEGORIES[category].name}</a></nav>
<article class="product">
<div class="picture large ${category}">${drawing(product.drawing, escapeHtml(name))}</div>
<div class="product-text">
<h1>${escapeHtml(name)}</h1>
<p class="lead">${escapeHtml(line)}</p>
<p class="price big">${money(price)} <small>VAT included</small></p>
<form data-add="${slug}">
<fieldset><legend>${choice.name}</legend><div class="picks">${options}</div></fieldset>
<div class="row"><label class="quantity">Quantity <input name="quantity" type="number" min="1" max="9" value="1" inputmode="numeric" data-tillside="share"></label>
<button class="button" type="submit">Add to cart</button></div>
<p role="status" class="added" data-added></p>
</form>
<p>${escapeHtml(story)}</p>
<dl class="facts">${facts.map(([fact, value]) => `<div><dt>${fact}</dt><dd>${escapeHtml(value)}</dd></div>`).join("")}</dl>
<p class="fine">On your doorstep in two to four days. Send it back within 30.</p>
</div>
</article>
<section aria-labelledby="more"><div class="section-head"><h2 id="more">Goes well with it</h2></div>${grid(others)}</section>`;
	return layout({ title: name, main, page: "product" });
}

function searchPage(): string {
	const main = `<div class="section-head"><h1>Search</h1><p role="status" data-search-status>Type what you are looking for.</p></div>
<form class="big-search" action="${BASE}/search.html"><label for="search-field">What are you looking for?</label>
<div class="row"><input id="search-field" name="q" type="search" autocomplete="off" data-tillside="share"><button class="button" type="submit">Search</button></div></form>
<div data-search-results>${grid(PRODUCTS)}</div>`;
	return layout({ title: "Search", main, page: "search" });
}

function cartPage(): string {
	const main = `<h1>Your cart</h1>
<div class="cart" data-cart>
<noscript><p>The cart needs JavaScript.</p></noscript>
</div>`;
	return layout({ title: "Your cart", main, page: "cart" });
}

function orderPage(): string {
	const main = `<section class="thanks"><h1>Thank you<span data-order-name></span>.</h1>
<p>Your order <b data-order-number></b> is on our bench. We pack it today and write to you when it leaves.</p>
<div data-order-summary></div>
<p><a class="button" href="${BASE}/index.html">Back to the shop</a></p></section>`;
	return layout({ title: "Thank you", main, page: "order" });
}

function deliveryPage(): string {
	const main = `<article class="prose"><h1>Delivery and returns</h1>
<p>We pack on weekdays until two in the afternoon. Parcels take two to four days and cost €4.90, or nothing from €80 on. Bicycle delivery within town is free and usually the same evening.</p>
<h2>Changed your mind?</h2><p>Send it back within 30 days, used or not. We pay for the way back if something was wrong, and share it if it was not.</p>
<h2 id="repair">Repairs</h2><p>Handles, burrs, cables and straps can be ordered one by one. Bring a dull knife on any Thursday and drink a coffee while we sharpen it.</p></article>`;
	return layout({ title: "Delivery and returns", main, page: "delivery" });
}
