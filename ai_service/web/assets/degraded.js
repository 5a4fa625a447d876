// Answers that are not what the configured model says now, and answers that failed a check: in words.

import { $, h, say } from "./dom.js";

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

/** Shows the banner above an answer, or hides it. */
export function showDegraded(author, header) {
  say($("degraded"), describeDegraded(author, header));
}

/** Shows the checks that an answer failed below it, or nothing. */
export function showWarnings(warnings = []) {
  $("warnings").hidden = warnings.length === 0;
  $("warnings-body").replaceChildren(
    ...warnings.map(({ check, message, outcome }) => h("li", {}, `${check}, ${CHECKS[outcome] ?? outcome}: ${message}`)),
  );
}
