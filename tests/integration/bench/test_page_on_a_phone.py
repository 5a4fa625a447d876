"""The pages of the benchmark in a browser as narrow as a phone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from bench.report.page import render
from bench.report.turns import Turns, render_turns
from bench.results import Verdict
from tests.integration.web.browser import chromium
from tests.unit.bench.report.shown_results import CURVE, compared, failing_result, full_result

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser

LONG = "https://a-service-with-a-rather-long-name.kitchen.example.org:3010"
TOO_WIDE = """() => [...document.querySelectorAll('main *')]
    .filter(e => !e.closest('.scroll') && e.getBoundingClientRect().right > innerWidth + 0.5)
    .map(e => e.outerHTML.slice(0, 80))"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Return a browser for all widths."""
    with chromium() as running:
        yield running


def pages() -> dict[str, str]:
    """Return pages with everything in them, and long names."""
    whole, samples = full_result()
    failed, failures = failing_result()
    turns = Turns(LONG, LONG, "lab", ["cached"], whole.started_at, 0.05, None, compared(), [("old-1", "new-1")])
    return {
        "passed": render(replace(whole, target=LONG), samples, CURVE, ("the run of MONDAY", compared())),
        "failed": render(replace(failed, verdict=Verdict.FAIL, reasons=[LONG * 3]), failures),
        "turns": render_turns(turns),
    }


@pytest.mark.parametrize("width", [390, 320])
@pytest.mark.parametrize("name", ["passed", "failed", "turns"])
def test_a_page_is_as_wide_as_the_phone(browser: Browser, name: str, width: int) -> None:
    """It scrolls down only; tables scroll in themselves, also where everything is unfolded."""
    page = browser.new_page(viewport={"width": width, "height": 800})
    page.set_content(pages()[name])
    page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
    assert page.evaluate(TOO_WIDE) == []
    assert page.evaluate("document.documentElement.scrollWidth") == width


@pytest.mark.parametrize("width", [390, 320])
def test_verdict_and_bound_are_in_sight_together(browser: Browser, width: int) -> None:
    """Without scrolling; and what a row is about stays there while the figures are scrolled."""
    page = browser.new_page(viewport={"width": width, "height": 800})
    page.set_content(pages()["passed"])
    bound = page.locator("tr", has_text="latency recipe hit p(95)<200")
    for cell in (bound.locator("code"), bound.locator(".badge")):
        box = cell.bounding_box()
        assert box is not None
        assert box["x"] + box["width"] <= width
    bound.evaluate("row => row.closest('.scroll').scrollBy(999, 0)")
    box = bound.locator("code").bounding_box()
    assert box is not None
    assert box["x"] >= 0
