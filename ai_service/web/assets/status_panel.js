// The status panel, updated every two seconds while the page is visible.

import { $, duration, h, say } from "./dom.js";
import { plot } from "./plot.js";

const EVERY_MS = 2000;
const STATES = {
  healthy: ["good", "healthy: the model responds"],
  degraded: ["warn", "degraded: fallback answers, the cache is down, or a problem is listed below"],
  critical: ["bad", "critical: only cached answers"],
};
const LATENCY_TICKS = [[1, "1 ms"], [10, "10 ms"], [100, "100 ms"], [1000, "1 s"], [10_000, "10 s"]];

const percent = (ratio) => (ratio === null ? "–" : `${Math.round(ratio * 100)} %`);
const perSecond = (rate) => (rate === null ? "–" : `${rate >= 10 ? Math.round(rate) : rate.toFixed(1)}/s`);

function showHeadline(problem, health) {
  const [state, words] = problem ? ["bad", "not reachable"] : STATES[health.status] ?? ["unknown", health.status];
  const badge = $("headline").firstElementChild;
  if (badge.textContent !== words) badge.textContent = words; // Unchanged words are not read out again.
  badge.dataset.state = state;
}

function showTiles(now, totals) {
  const tiles = [
    ["Answers", perSecond(now.rate)],
    ["Hit ratio", percent(now.hit_ratio)],
    ["Cached, p95", duration(now.cached)],
    ["Computed, p95", duration(now.computed)],
    ["Answers in total", totals ? totals.cached + totals.computed : "–"],
    ["Fallbacks in total", totals ? totals.fallbacks : "–"],
  ];
  $("tiles").replaceChildren(...tiles.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, String(value)))));
}

function showPlots(points, now) {
  const highest = Math.max(1, ...points.map((point) => point.rate ?? 0));
  $("plots").replaceChildren(
    plot({
      title: "Latency, p95: cached — and computed ╌",
      lines: [{ name: "cached" }, { name: "computed" }],
      scale: { low: 0.5, high: 60_000, log: true, ticks: LATENCY_TICKS.map(([at, label]) => ({ at, label })) },
      points,
      latest: `${duration(now.cached)} and ${duration(now.computed)}`,
    }),
    plot({
      title: "Hit ratio",
      lines: [{ name: "hit_ratio" }],
      scale: { low: 0, high: 1, ticks: [0, 0.5, 1].map((at) => ({ at, label: percent(at) })) },
      points,
      latest: percent(now.hit_ratio),
    }),
    plot({
      title: "Answers per second",
      lines: [{ name: "rate" }],
      scale: { low: 0, high: highest, ticks: [0, highest].map((at) => ({ at, label: perSecond(at) })) },
      points,
      latest: perSecond(now.rate),
    }),
  );
}

const BREAKERS = { closed: "good", "half-open": "warn", open: "bad" };

function showServers(servers, problems) {
  const rows = servers.map((server) => {
    const models = server.models.map(
      (model) => `${model.name} (${model.problem.replaceAll("_", " ") || (model.resident ? "resident" : "not in memory")})`,
    );
    const breaker = server.problem ? `${server.breaker} (${server.problem.replaceAll("_", " ")})` : server.breaker;
    return h("tr", {},
      h("th", { scope: "row" }, server.url),
      h("td", { "data-state": server.state === "ready" ? "good" : "warn" }, server.state),
      h("td", { "data-state": BREAKERS[server.breaker] }, breaker),
      h("td", { class: "number" }, String(server.running)),
      h("td", { class: "number" }, String(server.slots)),
      h("td", {}, models.join(", ")),
    );
  });
  $("servers").replaceChildren(...rows);
  $("servers-region").hidden = rows.length === 0;
  $("problems").replaceChildren(
    ...problems.map(({ problem, subject, detail }) => h("li", {}, `${problem.replaceAll("_", " ")}: ${subject}: ${detail}`)),
  );
  $("problems").hidden = problems.length === 0;
}

function showProviders(providers) {
  const rows = providers.map((provider) => {
    const problem = provider.problem.replaceAll("_", " ");
    const state = !provider.usable ? ["bad", problem || "not usable"] : problem ? ["warn", problem] : ["good", "usable"];
    const breaker = BREAKERS[provider.breaker];
    return h("tr", {},
      h("th", { scope: "row" }, provider.name),
      h("td", {}, provider.model),
      h("td", { "data-state": state[0] }, state[1]),
      h("td", { "data-state": breaker }, provider.breaker),
      h("td", {}, provider.loaded === null ? "unknown" : provider.loaded ? "yes" : "no"),
      h("td", { class: "number" }, String(provider.running)),
      h("td", { class: "number" }, String(provider.waiting)),
    );
  });
  $("providers").replaceChildren(...rows);
}

function show({ problem, health, totals, points }) {
  const now = points.at(-1) ?? { rate: null, hit_ratio: null, cached: null, computed: null };
  say($("status-panel-problem"), problem);
  showHeadline(problem, health);
  showTiles(now, totals);
  showPlots(points, now);
  if (health) {
    showProviders(health.providers);
    showServers(health.servers ?? [], health.problems ?? []);
    $("store").textContent = `${health.cache.store}, ${health.cache.available ? "available" : "not available"}`;
    $("digest").textContent = health.model_digest;
    $("version").textContent = health.version;
  }
  $("updated").textContent = `updated at ${new Date().toLocaleTimeString()}`;
}

async function update() {
  try {
    const response = await fetch("/status", { signal: AbortSignal.timeout(10_000) });
    show(await response.json());
  } catch {
    show({ problem: "The page's server does not respond; the figures are out of date.", health: null, totals: null, points: [] });
  }
}

/** Updates now and every two seconds, not while the page is hidden. */
export async function watch() {
  for (;;) {
    if (!document.hidden) await update();
    await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
  }
}
