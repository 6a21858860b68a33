import { expect, test } from "vitest";
import { fold } from "../../src/share/payment";
import { holdsPaymentData } from "../../src/share/scan";

test.each([
	"4242424242424242",
	"Card: 4242 4242 4242 4242.",
	"3782-822463-10005",
	"5555\u00a05555\u00a05555\u00a04444 12/29",
	"42\u200b42424242424242",
	"\uff14\uff12\uff14\uff1242424242424242"[0] + "\uff1242424242424242",
	"x99424242424242424299",
	"order 17, card 2223003122003222",
	"IBAN DE89 3704 0044 0532 0130 00",
	"gb29nwbk60161331926819",
	"CVC: 123",
	"Your security code 1234",
])("“%s” is payment data", (text) => {
	expect(holdsPaymentData(text)).toBe(true);
});

test.each([
	"•••• 4242",
	"4006381333931",
	"+49 171 1234567890",
	"52.520008, 13.404954",
	"4242424242424241",
	"1234567890123456",
	"2026-11-21 12:00:00",
	"DE89 3704 0044 0532 0130 01",
	"CVC is the 3-digit number",
	"",
])("“%s” is none", (text) => {
	expect(holdsPaymentData(text)).toBe(false);
});

test("folding evens out spelling", () => {
	expect(fold("cardNumber_2[0]")).toBe("card number 2 0");
	expect(fold("Numéro de CARTE:")).toBe("numero de carte");
	expect(fold("Gültig bis")).toBe("gultig bis");
});
