/**
 * Writes a page down as viewers of a share get it: rrweb's full snapshot, with style sheets inlined and hidden fields
 * marked. A stand-in for recorder and relay, good for pictures only. Runs in the page.
 */
export function recordPage() {
	let count = 0;
	const css = (sheet) => [...sheet.cssRules].map((rule) => rule.cssText).join("\n");
	const attributesOf = (element) => {
		const kept = [...element.attributes].filter(({ name }) => !/^(on|src|href|name$|action|value$)/.test(name));
		const attributes = Object.fromEntries(kept.map(({ name, value }) => [name, value]));
		if (element.matches("a[href]")) attributes.href = new URL(element.href).pathname;
		if (element.matches("link[rel=stylesheet]")) attributes._cssText = css(element.sheet);
		if (element.matches("[autocomplete^=cc-]")) attributes["data-tillside-level"] = "payment";
		else if (element.matches("input:not([type=submit], [type=radio], [type=checkbox], [type=number]), textarea"))
			Object.assign(attributes, { "data-tillside-level": "masked", ...(element.value ? { value: "••••••" } : {}) });
		else if (element.matches("input, select")) attributes.value = element.value;
		if (element.checked) attributes.checked = true;
		return attributes;
	};
	const write = (node, isShadow) => {
		const id = ++count;
		const mark = isShadow ? { isShadow: true } : {};
		const children = (parent, shadow) => [...parent.childNodes].map((child) => write(child, shadow)).filter(Boolean);
		switch (node.nodeType) {
			case Node.DOCUMENT_NODE:
				return { type: 0, id, childNodes: children(node, false) };
			case Node.DOCUMENT_TYPE_NODE:
				return { type: 1, id, name: "html", publicId: "", systemId: "" };
			case Node.TEXT_NODE:
				return { type: 3, id, textContent: node.data, ...mark };
			case Node.ELEMENT_NODE: {
				if (node.matches("script, meta, noscript, tillside-help")) return undefined;
				const isSVG = node.namespaceURI.endsWith("svg");
				node.dataset.lookId = id;
				const shape = {
					type: 2,
					id,
					tagName: node.localName,
					attributes: attributesOf(node),
					...(isSVG ? { isSVG } : {}),
				};
				return { ...shape, ...mark, childNodes: children(node, false) };
			}
			default:
				return undefined;
		}
	};
	const node = write(document, false);
	const idOf = (selector) => Number(document.querySelector(selector)?.dataset.lookId);
	return {
		ids: { email: idOf("input[type=email]"), title: idOf("h1"), button: idOf("main button, main a.button") },
		events: [
			{ type: 5, data: { tag: "tillside.state", payload: { state: "live", why: "", epoch: 1 } }, timestamp: 0 },
			{
				type: 4,
				data: { href: location.origin + location.pathname, width: innerWidth, height: innerHeight },
				timestamp: 0,
			},
			{ type: 2, data: { node, initialOffset: { left: 0, top: 0 } }, timestamp: 0 },
		],
	};
}
