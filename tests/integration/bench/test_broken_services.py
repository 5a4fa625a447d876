"""Broken services through the real program: they FAIL, with the reason, and are never INVALID or a PASS."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from bench.results import Verdict
from tests.integration.bench.fake_target import Behaviour
from tests.integration.bench.test_run import run_against

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.integration.bench.test_run import Run

pytestmark = pytest.mark.timeout(300)  # runs side by side, on whatever machine

BEHAVIOURS: Mapping[str, Behaviour] = {
    "half of the computed requests": Behaviour(failing_misses=2),
    "without a request id": Behaviour(fails_every=3, names_failures=False),
    "error bodies under 200": Behaviour(fails_every=3, failure_status=200),
    "every body another one": Behaviour(changes_bodies=True),
    "all 429": Behaviour(refuses_all=429),
    "no key": Behaviour(refuses_all=401),
}


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Run]:
    """Run against every behaviour, side by side: nothing here depends on how fast the machine is."""
    folders = [tmp_path_factory.mktemp("broken") for _ in BEHAVIOURS]
    with ThreadPoolExecutor() as pool:
        return dict(zip(BEHAVIOURS, pool.map(run_against, BEHAVIOURS.values(), folders), strict=True))


@pytest.mark.parametrize(
    ("what", "reason"),
    [
        ("half of the computed requests", "failures{phase:uncached}: count<=0 is FAIL (3 of 6 failed: 3 x HTTP 500)"),
        ("without a request id", "x HTTP 503)"),
        ("error bodies under 200", "x body)"),
        ("all 429", "the warm-up request failed 3 times: HTTP 429; nothing was measured"),
    ],
)
def test_a_broken_service_fails_with_its_reason(runs: dict[str, Run], what: str, reason: str) -> None:
    """Exit status 1; the reason has kinds and counts."""
    run = runs[what]
    assert (run.status, run.result.verdict) == (1, Verdict.FAIL), run.output
    assert any(reason in one for one in run.result.reasons), run.result.reasons
    junit = (run.folder / "junit.xml").read_text(encoding="utf-8")
    assert reason.rstrip(")").rpartition("(")[2].replace("<", "&lt;") in junit


def test_a_hit_whose_body_differs_every_time_is_no_hit(runs: dict[str, Run]) -> None:
    """Whatever answered, the cache did not."""
    run = runs["every body another one"]
    assert (run.status, run.result.verdict) == (3, Verdict.INVALID)
    assert any("a hit repeats the stored body" in reason for reason in run.result.reasons)


def test_a_refused_key_ends_the_run_at_once(runs: dict[str, Run]) -> None:
    """With a status of its own, and what to do."""
    run = runs["no key"]
    assert (run.status, run.left) == (77, None)
    assert "the warm-up request was refused: HTTP 401; it wants an API key" in run.output
