// Where an answer came from: Cache-Status in words, and Server-Timing as a bar.

import { h, row } from "./dom.js";
import { duration } from "./units.js";

const PARTS = { cache: "cache lookup", queue: "queue", load: "loading the model", provider: "model inference" };
const SPANS = { total: "", first_part: "" }; // From the request on, so that they are no parts of the total.
const LAYERS = { memory: "from memory", redis: "from Redis", stale: "stale", coalesced: "shared with an equal request" };

/** { cache: 0.2, total: 12.5 } in milliseconds. */
export function parseServerTiming(header) {
  const found = {};
  for (const part of (header ?? "").split(",")) {
    const match = /^\s*([\w-]+)\s*;.*?dur=([\d.]+)/.exec(part);
    if (match) found[match[1]] = Number(match[2]);
  }
  return found;
}

/** Cache-Status (RFC 9211) as { state, words }. */
export function describeCacheStatus(header) {
  const fields = (header ?? "").split(";").map((field) => field.trim());
  const value = (name) => fields.find((field) => field.startsWith(`${name}=`))?.slice(name.length + 1);
  if (fields.includes("hit")) {
    const ttl = Number(value("ttl"));
    const age = Number.isFinite(ttl) ? (ttl > 0 ? `, fresh for ${duration(ttl * 1000)}` : ", stale") : "";
    return { state: value("detail") === "stale" ? "warn" : "good", words: `hit, ${LAYERS[value("detail")] ?? "cached"}${age}` };
  }
  const forwarded = { miss: "miss: computed now", bypass: "cache skipped: computed now", stale: "stale: recomputed" }[value("fwd")];
  const shared = value("detail") === "coalesced" ? ", shared with an equal request" : "";
  return { state: "unknown", words: `${forwarded ?? "computed now"}${shared}${fields.includes("stored") ? ", and stored" : ""}` };
}

function timingNodes(timing) {
  const total = timing.total ?? Object.values(timing).reduce((sum, ms) => sum + ms, 0);
  const skipped = Object.keys(timing).filter((name) => !(name in PARTS) && !(name in SPANS));
  const parts = Object.keys(PARTS).filter((name) => timing[name] !== undefined);
  const other = total - [...skipped, ...parts].reduce((sum, name) => sum + timing[name], 0);
  const rows = skipped.map((name) => ["skipped", `${name} (no answer)`, timing[name]]);
  rows.push(...parts.map((name) => [name, PARTS[name], timing[name]]));
  if (other > 0) rows.push(["other", "other", other]);
  const bar = h("div", { class: "bar", "aria-hidden": "true" });
  for (const [name, , ms] of rows) {
    const piece = h("span", { class: `part-${name}` });
    piece.style.flexGrow = ms / total;
    bar.append(piece);
  }
  const key = (name) => h("span", { class: `key part-${name}`, "aria-hidden": "true" });
  const body = rows.map(([name, words, ms]) => {
    const line = row(words, [{ class: "number" }, duration(ms)]);
    line.firstChild.prepend(key(name));
    return line;
  });
  body.push(row("total in the service", [{ class: "number" }, duration(total)]));
  return [bar, h("table", {}, h("tbody", {}, ...body))];
}

/**
 * Nodes for the origin of an answer.
 * headers: of the response. meta: who wrote it, and what the service said of it. firstMs, totalMs: as the browser saw it.
 */
export function originNodes({ headers, meta, firstMs, totalMs }) {
  const { state, words } = describeCacheStatus(headers.get("Cache-Status"));
  const author = `${meta.provider} (${meta.model})`;
  const facts = [
    // What a fallback wrote is no success, wherever it was found.
    ["Cache", h("span", { class: "badge", "data-state": meta.degraded && state === "good" ? "warn" : state }, words)],
    ["Provider", meta.degraded ? h("span", { "data-state": "warn" }, `${author}, degraded`) : author],
    ["Latency in the browser", firstMs === null ? duration(totalMs) : `first piece ${duration(firstMs)}, total ${duration(totalMs)}`],
    ["Request", h("code", {}, headers.get("X-Request-Id") ?? "–")],
  ];
  if (meta.confidence !== undefined) facts.push(["Confidence", meta.confidence.toFixed(2)]);
  if (meta.generated_at) facts.push(["Computed", new Date(meta.generated_at).toLocaleString()]);
  if (meta.completion_tokens) facts.push(["Tokens written", String(meta.completion_tokens)]);
  if (meta.passed_over) facts.push(["Skipped providers", meta.passed_over.join(", ")]);
  if (meta.restarted) facts.push(["Restarted", "the first attempt was interrupted"]);
  const timing = { ...parseServerTiming(headers.get("Server-Timing")), ...meta.timings_ms };
  const table = h("table", {}, h("tbody", {}, ...facts.map(([name, value]) => row(name, value))));
  return [table, ...(Object.keys(timing).length ? timingNodes(timing) : [])];
}
