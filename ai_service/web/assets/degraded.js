// Answers that are not what the configured model says now, and answers that failed a check: in words.

import { h, patch, say } from "./dom.js";

const CHECKS = { repaired: "corrected", failed: "impossible", unverified: "not verified" };

/** Words for a fallback's, a made-up or a stale answer; "" for one of the primary provider. */
export function describeDegraded({ provider, model, degraded, degraded_reason: reason }, header) {
  const [, kind, why] = /^(\w+);reason="(.*)"$/.exec(header ?? "") ?? [];
  const because = why || reason ? ` Reason: ${why || reason}.` : "";
  if (kind === "stale") return `Stale answer: no provider is available.${because}`;
  if (!degraded) return "";
  if (provider === "mock") return `Sample answer (not from a model).${because}`;
  return `Fallback answer from ${provider} (${model}), not from the primary provider.${because}`;
}

/** Shows the checks that an answer failed, or nothing. */
export function showWarnings(section, warnings = []) {
  say(section.querySelector("h3"), warnings.length ? "Failed checks" : "");
  const items = warnings.map(({ check, message, outcome }) => h("li", {}, `${check}, ${CHECKS[outcome] ?? outcome}: ${message}`));
  patch(section.querySelector("ul"), items);
  section.hidden = warnings.length === 0;
}
