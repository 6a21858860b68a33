/** The page with what nobody but the customer may see: contact, address, and how to pay. */
import { layout } from "./layout";

interface Field {
	name: string;
	label: string;
	autocomplete: string;
	type?: string;
	inputmode?: string;
	pattern?: string;
	hint?: string;
	/** Of the form's six columns. */
	columns?: 2 | 3 | 4;
	isOptional?: true;
}

const CONTACT: Field[] = [
	{ name: "name", label: "Full name", autocomplete: "name", columns: 3 },
	{ name: "email", label: "E-mail", autocomplete: "email", type: "email", columns: 3 },
	{ name: "phone", label: "Phone", autocomplete: "tel", type: "tel", columns: 3, isOptional: true },
];

const ADDRESS: Field[] = [
	{ name: "street", label: "Street and number", autocomplete: "address-line1" },
	{ name: "postcode", label: "Postcode", autocomplete: "postal-code", columns: 2 },
	{ name: "city", label: "Town", autocomplete: "address-level2", columns: 4 },
	{ name: "note", label: "Note for the courier", autocomplete: "off", isOptional: true },
];

const CARD: Field[] = [
	{
		name: "card-number",
		label: "Card number",
		autocomplete: "cc-number",
		inputmode: "numeric",
		pattern: "[0-9 ]{13,23}",
		hint: "13 to 19 digits",
	},
	{ name: "card-name", label: "Name on card", autocomplete: "cc-name" },
	{
		name: "card-expiry",
		label: "Valid until",
		autocomplete: "cc-exp",
		inputmode: "numeric",
		pattern: "(0[1-9]|1[0-2]) ?/ ?[0-9]{2}",
		hint: "MM / YY",
		columns: 3,
	},
	{
		name: "card-code",
		label: "Security code",
		autocomplete: "cc-csc",
		inputmode: "numeric",
		pattern: "[0-9]{3,4}",
		hint: "3 or 4 digits on the back",
		columns: 3,
	},
];

const BANK: Field[] = [
	{ name: "account-holder", label: "Account holder", autocomplete: "off" },
	{ name: "iban", label: "IBAN", autocomplete: "off", pattern: "[A-Za-z]{2}[0-9]{2}[A-Za-z0-9 ]{11,38}" },
];

function field({ name, label, hint, columns, isOptional, ...attributes }: Field): string {
	const hintId = hint === undefined ? "" : ` aria-describedby="${name}-hint"`;
	const given = Object.entries({ type: "text", ...attributes })
		.map(([attribute, value]) => ` ${attribute}="${value}"`)
		.join("");
	return `<div class="field${columns === undefined ? "" : ` columns-${columns}`}">
<label for="${name}">${label}${isOptional ? " <small>optional</small>" : ""}</label>
<input id="${name}" name="${name}"${given}${isOptional ? "" : " required"}${hintId}>
${hint === undefined ? "" : `<p class="hint" id="${name}-hint">${hint}</p>`}
</div>`;
}

function group(legend: string, fields: Field[]): string {
	return `<fieldset><legend>${legend}</legend><div class="fields">${fields.map(field).join("\n")}</div></fieldset>`;
}

export function checkoutPage(): string {
	const main = `<h1>Checkout</h1>
<div class="checkout">
<form data-checkout novalidate>
${group("Contact", CONTACT)}
${group("Delivery", ADDRESS)}
<fieldset><legend>Payment</legend>
<div class="picks">
<label class="pick"><input type="radio" name="method" value="card" checked><span>Card</span></label>
<label class="pick"><input type="radio" name="method" value="bank"><span>Bank transfer</span></label>
</div>
<div class="fields" data-method="card">${CARD.map(field).join("\n")}</div>
<div class="fields" data-method="bank" hidden>${BANK.map(field).join("\n")}</div>
</fieldset>
<p class="problem" role="alert" data-problem hidden></p>
<button class="button wide" type="submit" data-pay>Place order</button>
<p class="fine">Nothing leaves this page: the demo shop neither sends nor keeps what you type here.</p>
</form>
<aside aria-labelledby="summary"><h2 id="summary">Your order</h2><div data-summary></div></aside>
</div>`;
	return layout({ title: "Checkout", main, page: "checkout" });
}
