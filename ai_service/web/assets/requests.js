// The last requests, and one of them by its ID.

import { $, fill, h, markInvalid, number, patch, row, say } from "./dom.js";
import { clock, duration } from "./units.js";

const COVERS = { store: "Of all instances that share Redis.", instance: "Of one instance alone: no Redis is reached." };
const NAMES = {
  time: "Time", id: "ID", instance: "Instance", route: "Route", status: "Status", cache: "Cache", provider: "Provider", key: "Key",
  duration_ms: "Duration", fallback: "Skipped providers", error: "Error",
};

const state = (status) => (status >= 500 ? "bad" : status >= 400 ? "warn" : "good");
const at = (time) => clock(Date.parse(time) / 1000);

/** Shows the last requests. */
export function showRequests({ covers, requests }) {
  const rows = requests.map(({ time, route, status, cache, provider, duration_ms: ms, key, instance, id }) =>
    row(at(time), route, [{ class: "number", "data-state": state(status) }, String(status)], cache, provider || "–",
      number(duration(ms)), key || "–", instance || "–", h("code", {}, id)),
  );
  fill("last", rows);
  $("requests-said").textContent = `${requests.length} requests. ${COVERS[covers]}`;
}

/** Wires the look-up; api(): with the key. */
export function wireLookUp(api) {
  const [form, field, problem] = [$("look-up"), $("request-id"), $("request-problem")];
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const id = field.value.trim();
    $("request").hidden = true;
    let words = id ? "" : "Enter the X-Request-Id of an answer.";
    if (id) {
      try {
        const found = await api().get(`/operator/requests/${encodeURIComponent(id)}`);
        const shown = { ...found, time: at(found.time), duration_ms: duration(found.duration_ms), fallback: found.fallback.join(", ") };
        const rows = Object.keys(NAMES).map((name) => row(NAMES[name], String(shown[name] || "–")));
        patch($("request"), [h("table", {}, h("tbody", {}, ...rows))]);
        $("request").hidden = false;
      } catch (error) {
        words = error.message;
      }
    }
    say(problem, words);
    markInvalid(field, Boolean(words));
    if (words) field.focus();
  });
}
