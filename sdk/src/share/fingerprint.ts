/** What a node of the page is, for comparison with what an agent believes it is. */
import { fingerprint } from "../fingerprint";
import { isElement } from "./nodes";

/** Elements whose `type` the relay keeps. */
const TYPED = /^(?:input|button|ol|ul|li|style)$/;

/** The fingerprint of a node of this page; a document has no properties. */
export function fingerprintOf(node: Element | Document): number {
	if (!isElement(node)) return fingerprint("", "", "", "");
	const tag = node.localName.toLowerCase();
	const attribute = (name: string) => node.getAttribute(name) ?? "";
	return fingerprint(tag, attribute("id"), TYPED.test(tag) ? attribute("type") : "", attribute("role"));
}
