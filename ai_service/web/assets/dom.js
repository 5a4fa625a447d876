// Building blocks: elements from text, never from HTML, because answers are a model's words.

export const $ = (id) => document.getElementById(id);

/** An element: tag, attributes ("class", "data-…", properties as attributes), children (nodes or text). */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== undefined && value !== false) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children);
  return element;
}

/** An element of SVG. */
export function s(tag, attributes = {}, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

/** Sets an element's text, and hides it without one. */
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text; // Unchanged words are not read out again.
  element.hidden = !text;
}

/** Tells assistive programs whether a field is wrong. */
export function markInvalid(field, isInvalid) {
  if (isInvalid) field.setAttribute("aria-invalid", "true");
  else field.removeAttribute("aria-invalid");
}

const sameShell = (a, b) => a.nodeName === b.nodeName && a.nodeType === 1 && a.cloneNode(false).isEqualNode(b.cloneNode(false));

/** Makes these the children of an element; what is there already stays, so that nothing jumps, loses focus or is read out twice. */
export function patch(parent, nodes) {
  for (const child of [...parent.childNodes]) if (child.nodeType === 3 && !child.data.trim()) child.remove(); // Of the page's source.
  nodes.forEach((node, index) => {
    const old = parent.childNodes[index];
    if (!old) parent.append(node);
    else if (old.isEqualNode(node)) return;
    else if (sameShell(old, node)) patch(old, [...node.childNodes]);
    else old.replaceWith(node);
  });
  while (parent.childNodes.length > nodes.length) parent.lastChild.remove();
}

/** A row of a table, its first cell the header; a cell is text, a node, or [attributes, text or node]. */
export function row(first, ...cells) {
  const cell = (content) => (Array.isArray(content) ? h("td", content[0], content[1]) : h("td", {}, content));
  return h("tr", {}, h("th", { scope: "row" }, first), ...cells.map(cell));
}

/** Fills the body of a table, which is shown where it has rows. */
export function fill(id, rows) {
  patch($(id), rows);
  $(id).closest("table").hidden = rows.length === 0;
}

/** A cell with a number. */
export const number = (value) => [{ class: "number" }, String(value)];

/** Copies a text; browsers have a clipboard over TLS and on loopback only, and the older way elsewhere. */
export async function copy(text) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  const field = h("textarea", { readonly: true, class: "copied", "aria-hidden": "true" });
  field.value = text;
  document.body.append(field);
  field.select();
  const copied = document.execCommand("copy");
  field.remove();
  if (!copied) throw new Error("the browser did not copy");
}
