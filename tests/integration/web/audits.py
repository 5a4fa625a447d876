"""What is measured of a page: accessibility by axe-core, layout shifts as the browser counts them, Lighthouse."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING, Any

from tests.clients.environments import WEB_SOURCES, ensure_npm, node_command

if TYPE_CHECKING:
    from playwright.sync_api import Page

COUNT_SHIFTS = """
  window.shifts = [];
  new PerformanceObserver((list) => {
    for (const { value, hadRecentInput, sources } of list.getEntries()) {
      const moved = sources.map(({ node }) => node?.outerHTML?.slice(0, 80) ?? "text");
      if (!hadRecentInput) window.shifts.push([value, moved]);
    }
  }).observe({ type: "layout-shift", buffered: true });
"""
"""For a page's start; all shifts count, while the metric CLS takes the worst five seconds of them."""
_LIGHTHOUSE_S = 120


def violations(page: Page) -> list[str]:
    """Return what axe-core finds: rule, elements, and what would be right."""
    page.evaluate((ensure_npm(WEB_SOURCES) / "node_modules" / "axe-core" / "axe.min.js").read_text())
    found = page.evaluate("axe.run(document, { resultTypes: ['violations'] })")
    return [
        f"{each['id']}: {node['target']}: {node['failureSummary']}"
        for each in found["violations"]
        for node in each["nodes"]
    ]


def shifts(page: Page) -> list[tuple[float, list[str]]]:
    """Return each layout shift since the page's start, and what moved."""
    return [(value, moved) for value, moved in page.evaluate("window.shifts")]


def lighthouse(port: int, url: str) -> dict[str, Any]:
    """Audit a page as Lighthouse's phone; return `scores` from 0 to 100, and what is `lacking`.

    Args:
        port: Of the browser's debugger.
        url: The page.
    """
    command = [*node_command(WEB_SOURCES, "lighthouse"), str(port), url]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=_LIGHTHOUSE_S)
    report: dict[str, Any] = json.loads(done.stdout)
    assert report["error"] == ""
    return report
