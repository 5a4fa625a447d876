// Rows of the tables that both pages have.

import { number, row } from "./dom.js";
import { spaced } from "./units.js";

export const BREAKERS = { closed: "good", "half-open": "warn", open: "bad" };

/** Of the providers of a health report. */
export function providerRows(providers) {
  return providers.map(({ name, model, usable, problem, breaker, loaded, running, waiting }) => {
    const state = !usable ? ["bad", spaced(problem) || "not usable"] : problem ? ["warn", spaced(problem)] : ["good", "usable"];
    const memory = loaded === null ? "unknown" : loaded ? "yes" : "no";
    const cells = [[{ "data-state": state[0] }, state[1]], [{ "data-state": BREAKERS[breaker] }, breaker], memory];
    return row(name, model, ...cells, number(running), number(waiting));
  });
}
