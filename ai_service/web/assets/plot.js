// A plot over time: lines with gaps where nothing is known, values under the pointer or by arrow keys.

import { h, patch, s } from "./dom.js";
import { clock } from "./units.js";

const WIDTH = 320, HEIGHT = 120, LEFT = 54, RIGHT = 6, BOTTOM = 20, TOP = 8;
const GAP_STEPS = 2.5; // Between two points that are so many steps apart, nothing is known.

/** Runs of neighbouring points with a value. */
function runs(points, name, stepS) {
  const found = [];
  let last = null;
  for (const point of points) {
    if (point[name] === null) continue;
    if (last === null || point.time - last.time > GAP_STEPS * stepS) found.push([]);
    found.at(-1).push(point);
    last = point;
  }
  return found;
}

/**
 * A figure with a caption and an empty picture, which is filled again and again.
 * lines: [{ name, label }]. scale(points): { low, high, log, ticks: [{ at, label }] }. format: a value in words.
 */
export class Plot {
  constructor(figure, { title, lines, scale, format }) {
    Object.assign(this, { title, lines, scale, format, points: [], at: null });
    this.value = h("span", { class: "value" }, "–");
    figure.querySelector("figcaption").replaceChildren(h("span", { class: "title" }, title), this.value);
    this.svg = figure.querySelector("svg");
    this.drawing = s("g");
    this.cursor = s("g");
    this.svg.replaceChildren(this.drawing, this.cursor);
    for (const [name, value] of Object.entries({ role: "slider", tabindex: 0, "aria-label": title, "aria-valuemin": 0 })) {
      this.svg.setAttribute(name, value);
    }
    this.svg.addEventListener("pointermove", (event) => this.#point(event));
    this.svg.addEventListener("pointerleave", () => this.#choose(null));
    this.svg.addEventListener("blur", () => this.#choose(null));
    this.svg.addEventListener("keydown", (event) => this.#step(event));
    this.#choose(null);
  }

  /** Draws points, oldest first. from, to: bounds of the axis in seconds since the epoch; stepS: seconds between two points. */
  show({ points, from, to, stepS }) {
    Object.assign(this, { points, from, to });
    const scale = this.scale(points);
    const level = scale.log ? Math.log10 : (value) => value;
    this.y = (value) => {
      const share = (level(Math.max(value, scale.low)) - level(scale.low)) / (level(scale.high) - level(scale.low));
      return TOP + (1 - Math.min(share, 1)) * (HEIGHT - TOP - BOTTOM);
    };
    const nodes = scale.ticks.flatMap(({ at, label }) => [
      s("line", { class: "axis", x1: LEFT, x2: WIDTH - RIGHT, y1: this.y(at), y2: this.y(at) }),
      s("text", { x: LEFT - 5, y: this.y(at) + 4, "text-anchor": "end" }, label),
    ]);
    nodes.push(s("text", { x: LEFT, y: HEIGHT - 4 }, clock(from)));
    nodes.push(s("text", { x: WIDTH - RIGHT, y: HEIGHT - 4, "text-anchor": "end" }, clock(to)));
    for (const { name } of this.lines) {
      for (const run of runs(points, name, stepS)) {
        const path = run.map((point) => `${this.#x(point.time).toFixed(1)},${this.y(point[name]).toFixed(1)}`);
        if (path.length > 1) nodes.push(s("polyline", { class: `line ${name}`, points: path.join(" ") }));
        const [cx, cy] = path.at(-1).split(",");
        nodes.push(s("circle", { class: `dot ${name}`, cx, cy, r: 2.5 }));
      }
    }
    patch(this.drawing, nodes);
    this.svg.setAttribute("aria-valuemax", Math.max(0, points.length - 1));
    this.#choose(this.at);
  }

  #x(time) {
    return LEFT + ((time - this.from) / Math.max(1, this.to - this.from)) * (WIDTH - LEFT - RIGHT);
  }

  /** Shows the values of the point nearest to a time; the latest ones for null. */
  #choose(time) {
    this.at = time;
    const nearest = (best, point) => (Math.abs(point.time - time) < Math.abs(best.time - time) ? point : best);
    const chosen = time === null ? this.points.at(-1) : this.points.reduce(nearest, this.points[0]);
    const values = chosen ? this.lines.map(({ name, label }) => `${label}${label ? " " : ""}${this.format(chosen[name])}`).join(" · ") : "–";
    const words = time === null || !chosen ? values : `${clock(chosen.time)}: ${values}`;
    if (this.value.textContent !== words) this.value.textContent = words;
    this.svg.setAttribute("aria-valuenow", Math.max(0, this.points.indexOf(chosen)));
    this.svg.setAttribute("aria-valuetext", words);
    if (time === null || !chosen) {
      this.cursor.replaceChildren();
      return;
    }
    const x = this.#x(chosen.time);
    const dots = this.lines.filter(({ name }) => chosen[name] !== null);
    this.cursor.replaceChildren(
      s("line", { class: "cursor", x1: x, x2: x, y1: TOP, y2: HEIGHT - BOTTOM }),
      ...dots.map(({ name }) => s("circle", { class: `dot ${name}`, cx: x, cy: this.y(chosen[name]), r: 4 })),
    );
  }

  #point({ clientX }) {
    if (!this.points.length) return;
    const { left, width } = this.svg.getBoundingClientRect();
    const share = (((clientX - left) / width) * WIDTH - LEFT) / (WIDTH - LEFT - RIGHT);
    this.#choose(this.from + Math.min(1, Math.max(0, share)) * (this.to - this.from));
  }

  #step(event) {
    const now = Number(this.svg.getAttribute("aria-valuenow"));
    const index = { ArrowLeft: now - 1, ArrowRight: now + 1, Home: 0, End: this.points.length - 1 }[event.key];
    if (index === undefined || !this.points.length) return;
    event.preventDefault();
    this.#choose(this.points[Math.min(this.points.length - 1, Math.max(0, index))].time);
  }
}
