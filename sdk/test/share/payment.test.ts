import { afterEach, expect, test } from "vitest";
import { type Control, isPaymentControl, isSecret } from "../../src/share/payment";

afterEach(() => document.body.replaceChildren());

function control(html: string): Control {
	document.body.innerHTML = html;
	return document.querySelector("#f") as Control;
}

test.each([
	'<input id=f autocomplete="billing cc-number">',
	'<input id=f name="cardNumber">',
	'<input id=f name="x"> <label for=f>Kreditkartennummer</label>',
	"<label>Numéro de carte <input id=f></label>",
	"<div>Número de la tarjeta</div><input id=f>",
	'<input id=f placeholder="Numer karty">',
	'<input id=f aria-label="カード番号">',
	'<span id=l>Номер карты</span><br><input id=f aria-labelledby="l">',
	'<input id=f name="cvv2">',
	'<input id=f placeholder="Prüfnummer">',
	'<input id=f name="iban">',
	'<input id=f placeholder="Gift card code">',
	'<form><input name=ccnumber><select id=f aria-label="Expiry month"></select></form>',
	'<form><input autocomplete=cc-csc><input id=f placeholder="Name on card"></form>',
])("%s takes payment data", (html) => {
	expect(isPaymentControl(control(html))).toBe(true);
});

test.each([
	'<input id=f name="q" placeholder="Search the shop">',
	'<input id=f name="quantity">',
	"<label>E-mail <input id=f></label>",
	'<form><input name=q><input id=f placeholder="Valid until"></form>',
	'<input id=f name="company">',
	'<input id=f placeholder="Voucher">',
	'<input id=f name="discard">',
])("%s takes none", (html) => {
	expect(isPaymentControl(control(html))).toBe(false);
});

test.each(["type=password", "autocomplete=one-time-code", 'autocomplete="section-a new-password"'])(
	"%s is secret",
	(attribute) => {
		expect(isSecret(control(`<input id=f ${attribute}>`))).toBe(true);
	},
);
