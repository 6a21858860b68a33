/**
 * What a node is, whichever window it was made in, and what it stands in.
 *
 * A frame of the same origin has classes of its own: for a field in it, `instanceof HTMLInputElement` is false. What is
 * decided here by kind and name holds in every document of a page.
 */

/** What has children: those of a shadow root stand under its host's number, a frame's only child is its document. */
export type Container = Document | Element | ShadowRoot;

const HTML = "http://www.w3.org/1999/xhtml";

export function isElement(node: Node): node is Element {
	return node.nodeType === Node.ELEMENT_NODE;
}

export function isDocument(node: Node): node is Document {
	return node.nodeType === Node.DOCUMENT_NODE;
}

export function isShadowRoot(node: Node): node is ShadowRoot {
	return node.nodeType === Node.DOCUMENT_FRAGMENT_NODE && "host" in node;
}

export function isHtmlElement(node: Node): node is HTMLElement {
	return isElement(node) && node.namespaceURI === HTML;
}

/** Whether a node is the HTML element of that name. */
export function isHtml<Name extends keyof HTMLElementTagNameMap>(
	node: Node,
	name: Name,
): node is HTMLElementTagNameMap[Name] {
	return isHtmlElement(node) && node.localName === name;
}

/** What stands in a container; in a frame from elsewhere nothing, since the page may not look into it. */
export function nodesIn(container: Container): Node[] {
	if (!isHtml(container, "iframe")) return [...container.childNodes];
	const inner = container.contentDocument;
	return inner === null ? [] : [inner];
}

/** The frame that shows a document; null for the page's own, and for one that is no longer shown. */
export function frameOf(inner: Document): Element | null {
	return inner === document ? null : (inner.defaultView?.frameElement ?? null);
}

/** The container that a node stands in. */
export function containerOf(node: Node): Container | null {
	return isDocument(node) ? frameOf(node) : (node.parentNode as Container | null);
}

/** What a node stands in, through shadow roots and frames. */
export function parentOf(node: Node): Node | null {
	return containerOf(node) ?? (isShadowRoot(node) ? node.host : null);
}

/** The element or document whose number a container's children stand under. */
export function wireParent(container: Container): Element | Document {
	return isShadowRoot(container) ? container.host : container;
}
