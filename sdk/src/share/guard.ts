/** What the shopper must confirm by the agent's name, as the page itself sees it; the relay tells its own view. */
import type { Act, Guard } from "../protocol";
import { isControl, isPaymentControl } from "./payment";

/** Words on buttons that commit the shopper to something. Parts of words count. */
const COMMITTING = new RegExp(
	[
		"buy|\\bpay|order|purchase|subscri|checkout|donat|delet|remove account|cancel|confirm|transfer|unsubscri",
		"kauf|bezahl|zahlung|bestell|lösch|abonn|kündig|überweis|bestätig",
		"achet|payer|command|supprim|s.abonn|confirmer",
		"compr|pagar|pedido|elimin|suscrib|borrar",
		"acquist|paga|ordin|elimina|abbonati|encomend|finaliz|excluir|assinar",
		"kopen|betal|bestel|verwijder|kup|zapłać|zamawiam|usuń",
		"koupit|zaplatit|objedna|smazat|kúpiť|fizet|megrendel|törl|cumpăr|plăt|comand",
		"купить|оплат|заказ|удалить|αγορ|πληρ|satın al|öde|köp|osta|maksa|slett|slet",
		"購入|注文|支払|削除|购买|下单|付款|支付|删除|購買|결제|주문|구매|삭제|ซื้อ|شراء|ادفع|קנה|שלם|खरीद",
	].join("|"),
	"i",
);

/** Longest label that is read. */
const LABEL_LENGTH_MAX = 256;
/** What is pressed when something inside it is clicked. */
const PRESSABLE =
	"button, a, summary, input[type=submit], input[type=button], input[type=image], [role=button], [role=link]";

/** What must be confirmed before `act` happens to an element. */
export function guardOf(element: Element, act: Act): Guard | undefined {
	if ("follow" in act) return "leaves";
	const isEnter = "press" in act && act.press.key === "enter";
	if (!("click" in act) && !isEnter) return undefined;
	const form = (element as Partial<HTMLInputElement>).form ?? element.closest("form");
	// Enter in a field presses the form's button.
	const submit = form?.querySelector(
		"button:not([type=button]):not([type=reset]), input[type=submit], input[type=image]",
	);
	const pressed = element.closest(PRESSABLE) ?? (isEnter ? submit : undefined) ?? element;
	if (COMMITTING.test(labelOf(pressed))) return "commits";
	const submits = pressed.matches("button:not([type=button]), input[type=submit], input[type=image]") || isEnter;
	if (submits && form !== null && [...form.elements].some((one) => isControl(one) && isPaymentControl(one))) {
		return "submits_payment";
	}
	const link = pressed.closest("a");
	return link !== null && leaves(link) ? "leaves" : undefined;
}

function labelOf(element: Element): string {
	const attributes = ["value", "aria-label", "title", "alt"].map((name) => element.getAttribute(name) ?? "");
	return [...attributes, element.textContent].join(" ").slice(0, LABEL_LENGTH_MAX);
}

/** To another origin, into a file, or into a scheme that opens a program. */
function leaves(link: HTMLAnchorElement): boolean {
	return link.href !== "" && (link.origin !== location.origin || link.hasAttribute("download"));
}
