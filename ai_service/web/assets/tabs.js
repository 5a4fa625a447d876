// Tabs as the ARIA pattern has them: arrow keys, Home and End move between them.

import { $ } from "./dom.js";

/** Wires a tab list; a tab's panel gets the event "open" when it is chosen. */
export function wireTabs(list) {
  const tabs = [...list.querySelectorAll("[role=tab]")];

  function choose(chosen) {
    for (const tab of tabs) {
      const isChosen = tab === chosen;
      const panel = $(tab.getAttribute("aria-controls"));
      tab.setAttribute("aria-selected", String(isChosen));
      tab.tabIndex = isChosen ? 0 : -1;
      panel.hidden = !isChosen;
      if (isChosen) panel.dispatchEvent(new Event("open"));
    }
  }

  tabs.forEach((tab, index) => {
    tab.addEventListener("click", () => choose(tab));
    tab.addEventListener("keydown", (event) => {
      const target = { ArrowRight: index + 1, ArrowLeft: index - 1, Home: 0, End: tabs.length - 1 }[event.key];
      if (target === undefined) return;
      event.preventDefault();
      const next = tabs[(target + tabs.length) % tabs.length];
      choose(next);
      next.focus();
    });
  });
}
