/**
 * The DOM's own operations, taken from their prototypes. A form answers `form.setAttribute` with its child of that id,
 * and pages choose ids: on nodes of a page only these are used. They work on nodes of any document.
 */

type Getter<Type> = (this: Node) => Type;

function getter<Type>(prototype: object, name: string): Getter<Type> {
	const get = Object.getOwnPropertyDescriptor(prototype, name)?.get;
	if (get === undefined) throw new Error(`this browser has no ${name}`);
	return get as Getter<Type>;
}

const parentNode = getter<ParentNode | null>(Node.prototype, "parentNode");
const firstChild = getter<ChildNode | null>(Node.prototype, "firstChild");
const nextSibling = getter<ChildNode | null>(Node.prototype, "nextSibling");
const ownerDocument = getter<Document | null>(Node.prototype, "ownerDocument");
const nodeType = getter<number>(Node.prototype, "nodeType");
const isConnected = getter<boolean>(Node.prototype, "isConnected");
const shadowRoot = getter<ShadowRoot | null>(Element.prototype, "shadowRoot");
const htmlStyle = getter<CSSStyleDeclaration>(HTMLElement.prototype, "style");
const svgStyle = getter<CSSStyleDeclaration>(SVGElement.prototype, "style");
const { insertBefore, removeChild } = Node.prototype;
const { setAttribute, removeAttribute, getAttribute, getBoundingClientRect, scrollTo, scrollBy } = Element.prototype;

export const dom = {
	parent: (node: Node) => parentNode.call(node),
	document: (node: Node) => ownerDocument.call(node) ?? (node as Document),
	type: (node: Node) => nodeType.call(node),
	style: (element: Element, isSvg: boolean) => (isSvg ? svgStyle : htmlStyle).call(element),
	firstChild: (node: Node) => firstChild.call(node),
	nextSibling: (node: Node) => nextSibling.call(node),
	isConnected: (node: Node) => isConnected.call(node),
	shadowRoot: (element: Element) => shadowRoot.call(element),
	insert: (parent: Node, node: Node, next: Node | null) =>
		insertBefore.call<Node, [Node, Node | null], Node>(parent, node, next),
	remove: (node: Node) => {
		const parent = parentNode.call(node);
		if (parent !== null) removeChild.call<Node, [Node], Node>(parent, node);
	},
	set: (element: Element, name: string, value: string) => setAttribute.call(element, name, value),
	unset: (element: Element, name: string) => removeAttribute.call(element, name),
	attribute: (element: Element, name: string) => getAttribute.call(element, name),
	box: (element: Element) => getBoundingClientRect.call(element),
	scroll: (element: Element, to: ScrollToOptions) => scrollTo.call<Element, [ScrollToOptions], void>(element, to),
	scrollBy: (element: Element, by: ScrollToOptions) => scrollBy.call<Element, [ScrollToOptions], void>(element, by),
};
