// The status panel, updated every two seconds while the page is visible.

import { $, fill, h, patch, say } from "./dom.js";
import { servicePlots } from "./service_plots.js";
import { providerRows } from "./tables.js";
import { clock, count, duration, percent, perSecond, spaced } from "./units.js";

const EVERY_MS = 2000;
const STATES = { healthy: "good", degraded: "warn", critical: "bad" };
const LOST = "The page's server does not respond; the figures are out of date.";

/** The status in a word, in the header's badge. */
export function showHeadline(badge, problem, health) {
  const state = problem ? "bad" : STATES[health.status] ?? "unknown";
  const word = problem ? "not reachable" : health.status;
  if (badge.textContent !== word) badge.textContent = word; // An unchanged word is not read out again.
  badge.dataset.state = state;
}

/** Why the service is not healthy, in a sentence or some. */
export function statusWords({ status, providers, problems, cache }) {
  if (status === "healthy") return "The model responds.";
  if (status === "critical") return "No provider responds: only cached answers.";
  const said = providers.filter(({ problem }) => problem).map(({ name, model, problem }) => `${name} (${model}): ${spaced(problem)}.`);
  said.push(...problems.map(({ subject, problem }) => `${subject}: ${spaced(problem)}.`));
  if (!cache.available) said.push("The cache is not reached.");
  return said.join(" ") || "Answers are samples, not from a model.";
}

/** Figures, each with its name. */
export function tileNodes(tiles) {
  return tiles.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, String(value))));
}

/** The figures of the last point and of all the time. */
export function figures(now, totals) {
  return [
    ["Answers", perSecond(now?.rate)],
    ["Hit ratio", percent(now?.hit_ratio)],
    ["Cached, p95", duration(now?.cached)],
    ["Computed, p95", duration(now?.computed)],
    ["Answers in total", count(totals && totals.cached + totals.computed)],
    ["Fallbacks in total", count(totals?.fallbacks)],
  ];
}

/** Marks a section's figures as out of date while nothing new comes. */
export function showAge(section, line, problem, seen) {
  section.classList.toggle("dead", Boolean(problem));
  const last = seen ? clock(seen) : "never";
  line.textContent = problem ? `Out of date: last updated ${seen ? `at ${last}` : last}.` : `Updated at ${last}.`;
}

/** Updates now and every two seconds, not while the page is hidden. */
export async function watch() {
  const showHistory = servicePlots();
  let last = { health: null, totals: null, points: [], seen: null, step_s: 2, span_s: 300 };

  function show({ problem, ...said }) {
    last = problem ? { ...last, points: said.points ?? last.points } : said;
    const { health, totals, points, seen } = last;
    say($("status-problem"), problem);
    showHeadline($("headline").firstElementChild, problem, health);
    showAge($("status"), $("updated"), problem, seen);
    say($("status-words"), problem ? "" : statusWords(health));
    patch($("tiles"), tileNodes(figures(problem ? null : points.at(-1), totals)));
    const to = points.at(-1)?.time ?? Date.now() / 1000;
    showHistory({ points, from: to - last.span_s, to, stepS: last.step_s });
    if (!health) return;
    fill("providers", providerRows(health.providers));
    $("store").textContent = `${health.cache.store}, ${health.cache.available ? "available" : "not available"}`;
    $("digest").textContent = health.model_digest;
    $("version").textContent = health.version;
  }

  for (;;) {
    if (!document.hidden) {
      try {
        const response = await fetch("/status", { signal: AbortSignal.timeout(10_000) });
        show(await response.json());
      } catch {
        show({ problem: LOST });
      }
    }
    await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
  }
}
