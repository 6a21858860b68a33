/**
 * Finds payment data in text by its value: card numbers, bank account numbers, codes named as such.
 *
 * The relay scans again, with more knowledge. Here it only matters that nothing of that kind leaves the page.
 */

/** Card numbers have 13 to 19 digits (ISO/IEC 7812-1; shorter ones are no longer issued). */
const PAN_LENGTH_MIN = 13;
const PAN_LENGTH_MAX = 19;
/** A group of so many digits is no card number itself, but may hide one. */
const LONG_GROUP = 17;
/** Numbers as issuers of payment cards give them out: first digits and lengths, by the public tables of 2026. */
const ISSUED = new RegExp(
	`^(?:${[
		"4\\d{12}|4\\d{15}|4\\d{17,18}", // Visa
		"5[1-5]\\d{14}|2(?:2[2-9]|[3-6]\\d|7[0-2])\\d{13}|222[1-9]\\d{12}", // Mastercard
		"3[47]\\d{13}", // American Express
		"3(?:0[0-5]\\d|095|[689]\\d\\d)\\d{10,15}|35\\d{14,17}", // Diners, JCB
		"(?:50|5[6-8]|6\\d|8[12])\\d{14,17}", // Maestro, Discover, UnionPay, RuPay, Elo, Verve
		"220[0-4]\\d{12,15}|9(?:4|7)\\d{14,17}", // Mir, Troy, Napas
	].join("|")})$`,
);
/** Digits with at most three separators between two of them. Dots are left out: they make coordinates of numbers. */
const DIGIT_RUN = /\d(?:[\s\u00a0\u2000-\u200f\u2010-\u2015\u202f\u2060\ufeff_-]{0,3}\d){12,}/g;
const GROUP = /\d+/g;
const INVISIBLE = /[\u200b-\u200f\u2060\ufeff\u00ad]/g;
/** Zeros of the other scripts that shops are written in: Arabic (2), Devanagari, Bengali, Thai, fullwidth. */
const FOREIGN_DIGITS = /[\u0660-\u0669\u06f0-\u06f9\u0966-\u096f\u09e6-\u09ef\u0e50-\u0e59\uff10-\uff19]/g;
const FOREIGN_ZEROS = [0x0660, 0x06f0, 0x0966, 0x09e6, 0x0e50, 0xff10];

const IBAN = /(?<![a-z0-9])[a-z]{2}\d{2}(?:[ -]?[a-z0-9]){11,30}/gi;
/** Lengths by country (SWIFT's registry of ISO 13616). */
const IBAN_LENGTHS =
	"AD24AE23AL28AT20AZ28BA20BE16BG22BH22BI27BR29BY28CH21CR22CY28CZ24DE22DJ27DK18DO28EE20EG29ES24FI18FK18FO18FR27GB22" +
	"GE22GI23GL18GR27GT28HN28HR21HU28IE22IL23IQ23IS26IT27JO30KW30KZ20LB28LC32LI21LT20LU20LV21LY25MC27MD24ME22MK19MN20" +
	"MR27MT31MU30NI28NL18NO15OM23PK24PL28PS29PT25QA29RO24RS22RU33SA24SC31SD18SE24SI19SK24SM27SO23ST25SV28TL23TN24TR26" +
	"UA29VA22VG24XK20YE30";

/** Only short texts are read for a named code: in long ones the digits belong to something else. */
const NAMED_CODE_TEXT_MAX = 256;
const NAMED_CODE =
	/(?:\b(?:cvc|cvv|csc|cid)2?|security code|kartenprüfnummer|sicherheitscode|cryptogramme)[\s:=#\u00a0-]{0,16}\d{3,4}(?!\d)/i;

/** Whether a text holds a card number, a bank account number or a named code. */
export function holdsPaymentData(text: string): boolean {
	const digits = countDigits(text);
	if (digits < 3) return false;
	const plain = evenOut(text);
	if (digits >= PAN_LENGTH_MIN && holdsPan(plain)) return true;
	if (digits >= 10 && holdsIban(plain)) return true;
	return plain.length <= NAMED_CODE_TEXT_MAX && NAMED_CODE.test(plain);
}

/** Digits of all scripts that {@link holdsPaymentData} reads. */
export function countDigits(text: string): number {
	let count = 0;
	for (let at = 0; at < text.length; at++) {
		const code = text.charCodeAt(at);
		if (code >= 48 && code <= 57) count++;
		else if (code > 0x65f && FOREIGN_ZEROS.some((zero) => code >= zero && code < zero + 10)) count++;
	}
	return count;
}

function evenOut(text: string): string {
	return text.replace(INVISIBLE, "").replace(FOREIGN_DIGITS, (digit) => {
		const code = digit.charCodeAt(0);
		return String(code - (FOREIGN_ZEROS.find((zero) => code >= zero && code < zero + 10) ?? code));
	});
}

function holdsPan(text: string): boolean {
	return (text.match(DIGIT_RUN) ?? []).some((run) => {
		const groups = run.match(GROUP) ?? [];
		return groups.some((group) => group.length >= LONG_GROUP && hidesPan(group)) || joinsToPan(groups);
	});
}

/** A number that begins and ends at borders of groups. */
function joinsToPan(groups: string[]): boolean {
	return groups.some((_, start) => {
		let number = "";
		for (let at = start; at < groups.length && number.length < PAN_LENGTH_MAX; at++) {
			number += groups[at];
			if (isPan(number)) return true;
		}
		return false;
	});
}

function hidesPan(group: string): boolean {
	for (let start = 0; start + PAN_LENGTH_MIN <= group.length; start++) {
		for (let length = PAN_LENGTH_MIN; length <= PAN_LENGTH_MAX && start + length <= group.length; length++) {
			if (isPan(group.slice(start, start + length))) return true;
		}
	}
	return false;
}

function isPan(number: string): boolean {
	return ISSUED.test(number) && !/^(\d)\1+$/.test(number) && luhn(number);
}

function luhn(number: string): boolean {
	let sum = 0;
	for (let place = 0; place < number.length; place++) {
		const digit = number.charCodeAt(number.length - 1 - place) - 48;
		const weighed = place % 2 === 0 ? digit : digit * 2;
		sum += weighed > 9 ? weighed - 9 : weighed;
	}
	return sum % 10 === 0;
}

function holdsIban(text: string): boolean {
	return (text.match(IBAN) ?? []).some((found) => {
		const characters = found.replace(/[ -]/g, "").toUpperCase();
		const at = IBAN_LENGTHS.indexOf(characters.slice(0, 2));
		const length = at % 4 === 0 ? Number(IBAN_LENGTHS.slice(at + 2, at + 4)) : Number.NaN;
		return characters.length >= length && mod97(characters.slice(0, length)) === 1;
	});
}

/** ISO 7064 mod 97-10, the first four characters last. */
function mod97(iban: string): number {
	let rest = 0;
	for (const character of iban.slice(4) + iban.slice(0, 4)) {
		const value = Number.parseInt(character, 36);
		rest = (rest * (value > 9 ? 100 : 10) + value) % 97;
	}
	return rest;
}
