// Cached answers: how many of each task, which, and their purge, which is asked twice.

import { $, fill, h, number, row, say } from "./dom.js";
import { bytes, count, duration } from "./units.js";

const CONFIRM_MS = 10_000;

/** Buttons that purge a task's answers at the second click; purge() resolves to what was done, in words. */
function purgeButtons(task, purge) {
  const cell = h("span");
  const first = h("button", { type: "button" }, `Purge ${task}`);
  const back = () => cell.replaceChildren(first);
  first.addEventListener("click", () => {
    const second = h("button", { type: "button", class: "danger" }, `Really purge ${task}`);
    const keep = h("button", { type: "button" }, "Keep");
    const timer = setTimeout(back, CONFIRM_MS);
    second.addEventListener("click", () => {
      clearTimeout(timer);
      back();
      purge();
    });
    keep.addEventListener("click", () => {
      clearTimeout(timer);
      back();
      first.focus();
    });
    cell.replaceChildren(second, keep);
    keep.focus();
  });
  back();
  return cell;
}

/** Wires the section; api(): with the key. Returns the function that reads it. */
export function wireCache(api) {
  const rows = new Map(); // By task: made once, so that a question that is asked stays.

  /** Resolves to whether it was done; why not is said. */
  async function attempt(act) {
    try {
      await act();
    } catch (error) {
      say($("cache-problem"), error.message);
      return false;
    }
    say($("cache-problem"), "");
    return true;
  }

  const readCounts = () =>
    attempt(async () => {
      const { store } = await api().get("/operator/cache/stats");
      for (const [task, entries] of Object.entries(store.entries)) {
        if (!rows.has(task)) {
          rows.set(task, row(task, number("–"), purgeButtons(task, () => purge(task))));
          $("counts").append(rows.get(task));
          $("counts").closest("table").hidden = false;
        }
        rows.get(task).children[1].textContent = count(entries);
      }
      if (!store.available) throw new Error("The store is down: it cannot count its answers.");
    });

  async function purge(task) {
    $("cache-said").textContent = "";
    say($("cache-problem"), "");
    const isDone = await attempt(async () => {
      const { purged, reach } = await api().purge(task);
      const where = reach === "store" ? "Every instance follows within 2 s." : "Of this instance alone: no store is shared.";
      $("cache-said").textContent = `Purged answers of ${task}: ${count(purged[task])}. ${where}`;
    });
    if (isDone) await readCounts(); // Else why not would give way to the counts.
  }

  const list = () =>
    attempt(async () => {
      const task = $("cached-task").value;
      const { answers, complete } = await api().get(`/operator/cache/entries?task=${encodeURIComponent(task)}`);
      const shown = answers.map(({ id, age_s: age, fresh_s: fresh, hits_today: hits, provider, model, degraded, confidence, bytes: size }) =>
        row(h("code", {}, id.slice(0, 12)), number(duration(age * 1000)),
          fresh > 0 ? `for ${duration(fresh * 1000)}` : [{ "data-state": "warn" }, `stale for ${duration(-fresh * 1000)}`],
          number(count(hits)), [degraded ? { "data-state": "warn" } : {}, `${provider} (${model})`], number(confidence.toFixed(2)), number(bytes(size))),
      );
      fill("cached", shown);
      $("cached-said").textContent = `${answers.length} answers${complete ? "" : ", any of more"}, those with the most hits first.`;
    });

  const read = async () => {
    if (await readCounts()) await list();
  };
  $("list-cached").addEventListener("click", read);
  return read;
}
