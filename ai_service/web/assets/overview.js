// Load, edge, instances and models: what is read every few seconds.

import { $, fill, h, number, patch, row, say } from "./dom.js";
import { servicePlots } from "./service_plots.js";
import { figures, showAge, showHeadline, tileNodes } from "./status_panel.js";
import { BREAKERS, providerRows } from "./tables.js";
import { count, spaced } from "./units.js";

const UP = { UP: "good", DOWN: "bad", NOLB: "warn", MAINT: "warn", DRAIN: "warn" };
const SOURCES = { prometheus: "From Prometheus.", samples: "The page's own samples, while somebody watched." };
const RANGES = { "5m": "5 minutes", "1h": "1 hour", "6h": "6 hours", "24h": "24 hours", "7d": "7 days" };

const residency = (resident) => (resident === null ? [{}, "unknown"] : resident ? [{ "data-state": "good" }, "yes"] : [{}, "no"]);

/** Shows a report of `/operator/overview`; the function that it returns takes each one, or { problem } where there is none. */
export function overview() {
  const showHistory = servicePlots();
  let last = null;

  function showEdge({ problem, frontends, servers }) {
    say($("edge-problem"), problem);
    const states = servers.map(({ edge, proxy, server, state, sessions }) =>
      row(server, proxy, edge, [{ "data-state": UP[state] ?? "unknown" }, state.toLowerCase()], number(sessions)),
    );
    fill("edge-servers", states);
    fill("edge-frontends", frontends.map(({ edge, proxy, sessions, requests }) => row(proxy, edge, number(sessions), number(count(requests)))));
  }

  function showHealth(health) {
    $("instance").textContent = health.instance || "(unnamed)";
    const { store, available } = health.cache;
    $("store").textContent = store === "memory" ? "none: answers are kept in memory" : available ? "reached" : "not reached";
    $("store").dataset.state = store === "memory" ? "unknown" : available ? "good" : "bad";
    const servers = health.servers.map(({ url, state, breaker, problem, running, slots }) => {
      const told = problem ? `${breaker} (${spaced(problem)})` : breaker;
      const isReady = [{ "data-state": state === "ready" ? "good" : "warn" }, state];
      return row(url, isReady, [{ "data-state": BREAKERS[breaker] }, told], number(running), number(slots));
    });
    fill("servers", servers);
    const models = health.servers.flatMap(({ url, models: of }) =>
      of.map(({ name, resident, digest, problem }) =>
        row(name, url, residency(resident), h("code", {}, digest || "–"), problem ? [{ "data-state": "bad" }, spaced(problem)] : ""),
      ),
    );
    fill("models", models);
    fill("providers", providerRows(health.providers));
    patch($("problems"), health.problems.map(({ problem, subject, detail }) => h("li", {}, `${spaced(problem)}: ${subject}: ${detail}`)));
    $("problems").hidden = health.problems.length === 0;
  }

  return (report) => {
    const { problem } = report;
    if (report.points) last = report;
    say($("overview-problem"), problem);
    showHeadline($("headline").firstElementChild, problem, report.health);
    for (const id of ["overview", "parts"]) showAge($(id), $("updated"), problem, last?.seen);
    if (!last) return;
    say($("course-problem"), last.course_problem ?? "");
    $("source").textContent = SOURCES[last.source];
    const choices = last.ranges.map((range) => h("option", { value: range }, RANGES[range]));
    if ($("range").options.length !== choices.length) $("range").replaceChildren(...choices);
    patch($("tiles"), tileNodes(figures(problem ? null : last.points.at(-1), last.totals)));
    const to = Math.max(last.points.at(-1)?.time ?? 0, problem ? 0 : (last.seen ?? 0));
    showHistory({ points: last.points, from: to - last.span_s, to, stepS: last.step_s });
    showEdge(last.edge);
    if (report.health) showHealth(report.health);
  };
}
