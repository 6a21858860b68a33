/** The questions about a shared page: whether to show it, and whether an agent may act in it. */
import type { IconName } from "../design/icons";
import type { Rung } from "../protocol";
import { button, element, icon } from "./dom";
import type { Strings } from "./strings";

/** For how many minutes control may be given. */
const MINUTES = [5, 15, 30] as const;

/** A question that stands, and may become pointless before it is answered. */
export interface Question<Answer> {
	/** Undefined: the shopper said no, closed the question, or it became pointless. */
	answer: Promise<Answer | undefined>;
	/** Takes the question away. */
	withdraw: () => void;
}

/** @param name of the agent who asks; undefined: the shopper offers */
export function askShare(parent: ParentNode, { sharing }: Strings, name: string | undefined): Question<true> {
	const title = name === undefined ? sharing.offerTitle : sharing.askTitle(name);
	const list = element("ul", { class: "facts" }, fact("eye", sharing.shown), fact("lock", sharing.hidden));
	const body = [element("p", { class: "soft", text: sharing.askText }), list];
	const { question, answer } = ask<true>(parent, "share-consent", title, body);
	const yes = button(sharing.accept, { testId: "share-accept", class: "primary", onClick: () => answer(true) });
	const no = button(sharing.decline, { testId: "share-decline", onClick: () => answer(undefined) });
	return question([yes, no]);
}

/** @returns the minutes for which control is given */
export function askControl(parent: ParentNode, { sharing }: Strings, name: string, rung: Rung): Question<number> {
	const minutes = element("select", { attributes: { "data-testid": "control-minutes" } });
	for (const count of MINUTES) {
		minutes.append(element("option", { text: sharing.minutes(count), attributes: { value: String(count) } }));
	}
	const body = [
		element("ul", { class: "facts" }, fact("hand", sharing.rungs[rung]), fact("lock", sharing.controlNever)),
		element("label", { class: "field" }, element("span", { text: sharing.controlTime }), minutes),
		element("p", { class: "soft small", text: sharing.controlStop }),
	];
	const { question, answer } = ask<number>(parent, "control-consent", sharing.controlTitle(name), body);
	const allow = () => answer(Number(minutes.value));
	const yes = button(sharing.controlAccept, { testId: "control-accept", class: "primary", onClick: allow });
	const no = button(sharing.decline, { testId: "control-decline", onClick: () => answer(undefined) });
	return question([yes, no]);
}

function fact(name: IconName, text: string): HTMLElement {
	return element("li", {}, icon(name), element("span", { text }));
}

/** A modal dialog that gives one answer; Esc gives none. */
function ask<Answer>(parent: ParentNode, testId: string, title: string, body: HTMLElement[]) {
	const heading = element("h2", { text: title, attributes: { id: `${testId}-title` } });
	const attributes = { "aria-labelledby": `${testId}-title`, "data-testid": testId };
	const dialog = element("dialog", { class: "form", attributes }, heading, ...body);
	let given: Answer | undefined;
	const answer = (what: Answer | undefined) => {
		given = what;
		dialog.close();
	};
	const question = (ways: HTMLElement[]): Question<Answer> => {
		dialog.append(element("div", { class: "actions" }, ...ways));
		parent.append(dialog);
		const answered = new Promise<Answer | undefined>((resolve) => {
			dialog.addEventListener("close", () => {
				dialog.remove();
				resolve(given);
			});
		});
		dialog.showModal();
		return { answer: answered, withdraw: () => dialog.open && dialog.close() };
	};
	return { question, answer };
}
