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

/** Milliseconds as people read them. */
export function duration(ms) {
  if (ms === null || ms === undefined) return "–";
  if (ms >= 5_400_000) return `${(ms / 3_600_000).toFixed(1)} h`;
  if (ms >= 90_000) return `${Math.round(ms / 60_000)} min`;
  if (ms >= 10_000) return `${(ms / 1000).toFixed(1)} s`;
  if (ms >= 1000) return `${(ms / 1000).toFixed(2)} s`;
  if (ms >= 10) return `${ms.toFixed(0)} ms`;
  return `${ms.toPrecision(2)} ms`;
}

export function say(element, text) {
  element.textContent = text;
  element.hidden = !text;
}
