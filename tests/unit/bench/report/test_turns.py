"""The page of two services measured in turns."""

from __future__ import annotations

from xml.etree import ElementTree as ET

from bench.report.turns import Turns, draw_rounds, render_turns
from tests.unit.bench.report.html_page import Page
from tests.unit.bench.report.shown_results import compared

EVIL = "http://h/<script>alert(1)</script>"


def page(**changes: object) -> Page:
    """Return the page of three rounds."""
    told: dict[str, object] = {
        "old": "http://old.example",
        "new": EVIL,
        "profile": "lab",
        "workloads": ("cached",),
        "started_at": "2026-01-02T03:04:05+00:00",
        "least_change": 0.05,
        "max_ratio": None,
        "comparison": compared(),
        "folders": [(f"old-{number}", f"new-{number}") for number in (1, 2, 3)],
    }
    return Page(render_turns(Turns(**(told | changes))))  # type: ignore[arg-type] # of the right types


def test_the_page_tells_what_became_of_every_scope() -> None:
    """The change with its interval, failures, how it was judged; names are no markup."""
    told = page()
    text = " ".join(told.text.split())
    for expected in (
        "FAIL The new one is worse.",
        "recipe hit p50 SLOWER old 1.00 ms new 2.00 ms new / old 2.00, 95 % sure: 1.90 to 2.10",
        "failed in cached recipe 0 of 100 20 of 100 0.001 MORE FAIL",
        "old http://old.example new " + EVIL,
        "3 rounds",
        "it is at least 5 %.",
    ):
        assert expected in text, expected
    assert "script" not in told.tags
    assert "at most 1.2 times" in " ".join(page(max_ratio=1.2).text.split())


def test_the_page_refers_to_the_runs_and_to_nothing_else() -> None:
    """By relative names, so that the folder can be moved."""
    links = [value for name, value in page().attributes if name in {"src", "href", "srcset", "data", "action"}]
    assert links == [f"{side}-{number}/report.html" for number in (1, 2, 3) for side in ("old", "new")]


def test_every_run_is_a_dot_in_its_round() -> None:
    """Old and new of a round stand above each other, the slower one higher."""
    (row,) = compared().rows
    svg = ET.fromstring(str(draw_rounds(row)))  # noqa: S314 - made here
    dots = {
        css: [dot for dot in svg if dot.tag.endswith("circle") and dot.get("class") == css] for css in ("old", "new")
    }
    assert [dot.get("cx") for dot in dots["old"]] == [dot.get("cx") for dot in dots["new"]]
    pairs = zip(dots["old"], dots["new"], strict=True)
    assert all(float(new.get("cy", "")) < float(old.get("cy", "")) for old, new in pairs)
