/** The frame of every page of the demo shop: head, foot, and the help button. */
import { CATEGORIES } from "./catalog";

/** Where the node serves the shop. */
export const BASE = "/demo";
export const SHOP = "Harrow & Finch";

/** Makes text safe inside HTML, also within attributes. */
export function escapeHtml(text: string): string {
	return text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;").replace(/"/g, "&quot;");
}

const CART_ICON = `<svg viewBox="0 0 24 24" aria-hidden="true"><path d="M5 8h14l-1.2 11.5a1 1 0 0 1-1 .9H7.2a1 1 0 0 1-1-.9zM8.5 8V7a3.5 3.5 0 0 1 7 0v1"/></svg>`;
const SEARCH_ICON = `<svg viewBox="0 0 24 24" aria-hidden="true"><circle cx="10.5" cy="10.5" r="6"/><path d="M15 15l5 5"/></svg>`;

export function layout({ title, main, page }: { title: string; main: string; page: string }): string {
	const categories = Object.entries(CATEGORIES)
		.map(([slug, { name }]) => {
			const current = page === slug ? ' aria-current="page"' : "";
			return `<li><a href="${BASE}/${slug}.html"${current}>${name}</a></li>`;
		})
		.join("");
	return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(title)} · ${escapeHtml(SHOP)}</title>
<meta name="description" content="A small made-up shop that shows Tillside at work.">
<link rel="icon" href="data:,">
<link rel="stylesheet" href="${BASE}/shop.css">
<script type="module" src="${BASE}/shop.js"></script>

<!-- Tillside: these two lines put help on every page. -->
<script type="module" src="/sdk/widget.js"></script>
</head>
<body data-page="${page}">
<a class="skip" href="#main">Skip to content</a>
<p class="notice">This is a demo shop. Nothing is sold here: please do not enter a real card.</p>
<header class="top">
<a class="logo" href="${BASE}/index.html">Harrow <span>&amp;</span> Finch</a>
<nav aria-label="Categories"><ul>${categories}</ul></nav>
<form class="search" action="${BASE}/search.html" role="search">
<label class="hidden" for="q">Search the shop</label>
<input id="q" name="q" type="search" placeholder="Search" autocomplete="off" data-tillside="share">
<button type="submit" aria-label="Search">${SEARCH_ICON}</button>
</form>
<a class="cart-link" href="${BASE}/cart.html">${CART_ICON}<span>Cart</span> <b data-cart-count hidden></b></a>
</header>
<main id="main">
${main}
</main>
<footer class="foot">
<div><h2>Harrow &amp; Finch</h2><p>Things for kitchen, table and home, chosen by two people who use them.</p></div>
<div><h2>Good to know</h2><ul><li><a href="${BASE}/delivery.html">Delivery and returns</a></li><li><a href="${BASE}/delivery.html#repair">Repairs</a></li></ul></div>
<div><h2>Come by</h2><p>Old Mill Lane 12<br>Tuesday to Saturday, 10 to 18</p></div>
</footer>
<tillside-help store="${escapeHtml(SHOP)}"></tillside-help>
</body>
</html>
`;
}
