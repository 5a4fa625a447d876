// The plots of the service, on both pages: latency, hit ratio, rate.

import { $ } from "./dom.js";
import { Plot } from "./plot.js";
import { duration, percent, perSecond } from "./units.js";

const LATENCY_TICKS = [[1, "1 ms"], [10, "10 ms"], [100, "100 ms"], [1000, "1 s"], [10_000, "10 s"]];

/** Fills the figures of the page that there are; returns the function that shows points. */
export function servicePlots() {
  const plots = [];
  const add = (id, options) => $(id) && plots.push(new Plot($(id), options));
  add("plot-latency", {
    title: "Latency, p95",
    lines: [{ name: "cached", label: "cached" }, { name: "computed", label: "computed" }],
    scale: () => ({ low: 0.5, high: 60_000, log: true, ticks: LATENCY_TICKS.map(([at, label]) => ({ at, label })) }),
    format: duration,
  });
  add("plot-hits", {
    title: "Hit ratio",
    lines: [{ name: "hit_ratio", label: "" }],
    scale: () => ({ low: 0, high: 1, ticks: [0, 0.5, 1].map((at) => ({ at, label: percent(at) })) }),
    format: percent,
  });
  add("plot-rate", {
    title: "Answers per second",
    lines: [{ name: "rate", label: "" }],
    scale: (points) => {
      const high = Math.max(1, ...points.map((point) => point.rate ?? 0));
      return { low: 0, high, ticks: [0, high].map((at) => ({ at, label: perSecond(at) })) };
    },
    format: perSecond,
  });
  return (history) => plots.forEach((plot) => plot.show(history));
}
