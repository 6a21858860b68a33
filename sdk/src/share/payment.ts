/**
 * Which controls take payment data, as far as the page itself can tell cheaply: by autofill tokens, names and labels.
 *
 * The relay decides again with much more evidence. All inputs are private anyway; what is found here is not even shown
 * as filled, and no agent's act reaches it.
 */

/** Whoever types into these is never watched, whatever the page marks. */
const SECRET_TOKENS = /(?:^|\s)(?:one-time-code|current-password|new-password|webauthn)(?:\s|$)/i;
const CARD_TOKENS = /(?:^|\s)cc-/i;

/** Card numbers, security codes and bank accounts: each is enough alone. Folded texts, see {@link fold}. */
const ANCHORS = new RegExp(
	[
		"card ?(?:number|num|no|nr|code)\\b",
		"\\bcc ?(?:number|num|no|nr)\\b",
		"\\bpan\\b",
		"credit ?card",
		"debit ?card",
		"kartennummer",
		"kreditkart",
		"(?:numero|no|n) (?:de )?(?:la )?carte",
		"carte bancaire",
		"numero (?:de )?(?:la )?tarjeta",
		"numero (?:della )?carta",
		"numero do cartao",
		"kaartnummer",
		"numer karty",
		"cislo karty",
		"kartyaszam",
		"numar(?:ul)? card",
		"номер карт",
		"αριθμος καρτας",
		"kart(?:ın)? ?numara",
		"kortnummer",
		"kortnumret",
		"korttinumero",
		"nomor kartu",
		"カード番号",
		"卡号",
		"卡號",
		"카드 ?번호",
		"رقم البطاقة",
		"מספר ה?כרטיס",
		"หมายเลขบัตร",
		"\\bcv[vcn]2?\\b",
		"\\bcsc\\b",
		"\\bcid\\b",
		"security code",
		"card ?verification",
		"sicherheitscode",
		"prufnummer",
		"prufziffer",
		"code de securite",
		"cryptogramme",
		"codigo de seguran",
		"codigo de seguridad",
		"codice di sicurezza",
		"beveiligingscode",
		"kod zabezpiecz",
		"bezpecnostni kod",
		"код безопасности",
		"guvenlik kod",
		"sakerhetskod",
		"sikkerhedskode",
		"turvakoodi",
		"セキュリティコード",
		"安全码",
		"보안 ?코드",
		"\\biban\\b",
		"\\bbic\\b",
		"\\bswift\\b",
		"sort ?code",
		"routing ?number",
		"account ?number",
		"kontonummer",
		"numero de compte",
		"numero de cuenta",
		"rekeningnummer",
		"numer konta",
		"gift ?card",
		"geschenkkarte",
		"carte cadeau",
		"tarjeta regalo",
		"cadeaukaart",
	].join("|"),
);

/** These count only in a form that holds an anchor. */
const COMPANIONS =
	/expir|\bexp\b|valid (?:until|thru|to)|mm ?yy|mm ?jj|gultig|ablauf|caducidad|vencimiento|scadenza|validade|vervaldatum|waznosci|platnost|срок действия|有効期限|有效期|만료|son kullanma|utgang|voimassa|card ?holder|name on (?:the )?card|karteninhaber|titulaire|titular|intestatario|kaarthouder|posiadacz|\bpin\b/;

/** Most controls of a form that are looked at for an anchor. */
const FORM_CONTROLS_MAX = 60;

export type Control = HTMLInputElement | HTMLTextAreaElement | HTMLSelectElement;

export function isControl(node: Node): node is Control {
	return /^(?:INPUT|TEXTAREA|SELECT)$/.test(node.nodeName);
}

/** Passwords and one-time codes: what is typed there is shown by no mark. */
export function isSecret(element: Element): boolean {
	const type = element.getAttribute("type")?.toLowerCase();
	return type === "password" || SECRET_TOKENS.test(element.getAttribute("autocomplete") ?? "");
}

/** Whether a control takes payment data. */
export function isPaymentControl(control: Control): boolean {
	const autocomplete = control.getAttribute("autocomplete") ?? "";
	if (CARD_TOKENS.test(autocomplete)) return true;
	const words = wordsOf(control);
	if (ANCHORS.test(words)) return true;
	return COMPANIONS.test(words) && hasAnchor(control);
}

function hasAnchor(control: Control): boolean {
	const others =
		control.form?.elements ?? control.closest("fieldset, section, table")?.querySelectorAll("input, select");
	return [...(others ?? [])].slice(0, FORM_CONTROLS_MAX).some((other) => {
		return isControl(other) && (CARD_TOKENS.test(other.autocomplete) || ANCHORS.test(wordsOf(other)));
	});
}

/** Everything that names a control. */
function wordsOf(control: Control): string {
	const root = control.getRootNode() as Document | ShadowRoot;
	const byId = (control.getAttribute("aria-labelledby") ?? "").split(/\s+/).filter(Boolean);
	const texts = [
		...["name", "id", "placeholder", "aria-label", "title", "data-testid", "data-stripe", "data-checkout"].map((name) =>
			control.getAttribute(name),
		),
		...[...(control.labels ?? [])].map((label) => label.textContent),
		...byId.map((id) => root.getElementById?.(id)?.textContent),
		control.previousElementSibling?.matches("label, div, span, p") && control.previousElementSibling.textContent,
	];
	return texts.map((text) => fold((text || "").slice(0, 120))).join(" | ");
}

/** Lower case, without accents, camelCase split, everything but letters and digits as one space. */
export function fold(text: string): string {
	return text
		.replace(/(\p{Ll})(\p{Lu})/gu, "$1 $2")
		.normalize("NFKD")
		.replace(/[\u0300-\u036f]/g, "")
		.normalize("NFC")
		.toLowerCase()
		.replace(/[^\p{L}\p{N}\p{M}]+/gu, " ")
		.trim();
}
