// Small plots of the last minutes: lines over time, gaps where nothing happened.

import { h, s } from "./dom.js";

const WIDTH = 320, HEIGHT = 120, LEFT = 44, BOTTOM = 18, TOP = 8, SPAN_S = 300;

/** Runs of points with a value. */
function runs(points, name) {
  const found = [[]];
  for (const point of points) {
    if (point[name] === null) found.push([]);
    else found.at(-1).push(point);
  }
  return found.filter((run) => run.length);
}

/**
 * A figure.
 * lines: [{ name, label }], scale: { low, high, log, ticks: [{ at, label }] }.
 */
export function plot({ title, lines, scale, points, latest }) {
  const end = points.at(-1)?.time ?? 0;
  const x = (time) => LEFT + ((time - end + SPAN_S) / SPAN_S) * (WIDTH - LEFT - 6);
  const level = scale.log ? Math.log10 : (value) => value;
  const y = (value) => {
    const share = (level(Math.max(value, scale.low)) - level(scale.low)) / (level(scale.high) - level(scale.low));
    return TOP + (1 - Math.min(share, 1)) * (HEIGHT - TOP - BOTTOM);
  };
  const svg = s("svg", { class: "plot", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": `${title}. Now: ${latest}` });
  for (const { at, label } of scale.ticks) {
    svg.append(s("line", { class: "axis", x1: LEFT, x2: WIDTH - 6, y1: y(at), y2: y(at) }));
    svg.append(s("text", { x: LEFT - 5, y: y(at) + 4, "text-anchor": "end" }, label));
  }
  svg.append(s("text", { x: LEFT, y: HEIGHT - 4 }, "5 min ago"));
  svg.append(s("text", { x: WIDTH - 6, y: HEIGHT - 4, "text-anchor": "end" }, "now"));
  for (const { name } of lines) {
    for (const run of runs(points, name)) {
      const path = run.map((point) => `${x(point.time).toFixed(1)},${y(point[name]).toFixed(1)}`);
      if (path.length > 1) svg.append(s("polyline", { class: `line ${name}`, points: path.join(" ") }));
      const [cx, cy] = path.at(-1).split(",");
      svg.append(s("circle", { class: `dot ${name}`, cx, cy, r: 2.5 }));
    }
  }
  return h("figure", {}, h("figcaption", {}, `${title}: ${latest}`), svg);
}
