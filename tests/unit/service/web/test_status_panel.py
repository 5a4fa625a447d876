"""The status panel."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ai_service.web.status_panel import StatusPanel
from tests.unit.service.web.fake_api import FakeApi, metrics

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


class Clock:
    """Seconds that a test moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        """Return the current time."""
        return self.now


@pytest.fixture
async def api() -> AsyncIterator[FakeApi]:
    """Run an API."""
    async with FakeApi() as server:
        yield server


@pytest.fixture
def clock() -> Clock:
    """Give a clock."""
    return Clock()


@pytest.fixture
def panel(api: FakeApi, clock: Clock) -> StatusPanel:
    """Give a status panel of that API with that clock."""
    return StatusPanel(api.client(), clock=clock)


async def test_many_watchers_cost_the_api_one_look(panel: StatusPanel, api: FakeApi, clock: Clock) -> None:
    """Every two seconds, not for every browser."""
    for _ in range(5):
        await panel.snapshot()
    clock.now += 2
    await panel.snapshot()
    assert api.looks == 2


async def test_points_tell_how_it_went(panel: StatusPanel, api: FakeApi, clock: Clock) -> None:
    """Rate, ratio and latencies of what came between two looks; totals since the start."""
    await panel.snapshot()
    api.metrics = metrics(hits=30, misses=10, fallbacks=2)
    clock.now += 10
    shown = await panel.snapshot()
    assert shown["problem"] == ""
    assert shown["health"] == {"status": "healthy"}
    assert shown["totals"] == {"cached": 30, "computed": 10, "fallbacks": 2}
    assert shown["points"][0]["hit_ratio"] is None
    assert shown["points"][1] == {
        "time": 1010.0,
        "rate": 4.0,
        "hit_ratio": 0.75,
        "cached": pytest.approx(0.975),
        "computed": pytest.approx(1950),
    }


async def test_an_api_that_is_down_is_said_to_be_and_leaves_a_gap(
    panel: StatusPanel, api: FakeApi, clock: Clock
) -> None:
    """Nothing old is shown as if it were new, and what comes after is not compared with what was before."""
    await panel.snapshot()
    api.down = True
    clock.now += 2
    shown = await panel.snapshot()
    assert shown["problem"] == f"The API at {api.url} cannot be reached."
    assert shown["health"] is None
    assert shown["points"][-1]["rate"] is None
    api.down = False
    api.metrics = metrics(hits=500)
    clock.now += 2
    assert (await panel.snapshot())["points"][-1]["rate"] is None


async def test_a_critical_api_is_shown_not_hidden(panel: StatusPanel, api: FakeApi) -> None:
    """Its report comes with status 503."""
    api.health_status = 503
    assert (await panel.snapshot())["health"] == {"status": "healthy"}


async def test_a_restarted_api_shows_nothing_negative(panel: StatusPanel, api: FakeApi, clock: Clock) -> None:
    """The counters begin anew."""
    api.metrics = metrics(hits=100)
    await panel.snapshot()
    api.metrics = metrics(hits=1)
    clock.now += 2
    assert (await panel.snapshot())["points"][-1]["rate"] is None


async def test_what_is_no_metrics_is_a_problem_in_words(panel: StatusPanel, api: FakeApi) -> None:
    """Another server on that port, say."""
    api.metrics = "<html>{{"
    assert (await panel.snapshot())["problem"] == "The API's report cannot be read."


async def test_it_says_when_its_figures_were_read(panel: StatusPanel, api: FakeApi, clock: Clock) -> None:
    """Also while the API is down; None before the first time."""
    api.down = True
    assert (await panel.snapshot())["seen"] is None
    api.down = False
    clock.now += 2
    await panel.snapshot()
    api.down = True
    clock.now += 2
    assert (await panel.snapshot())["seen"] == 1002.0


async def test_an_hour_of_points_is_thinned(panel: StatusPanel, clock: Clock) -> None:
    """The latest one is among them; the status panel itself shows five minutes, all of them."""
    for _ in range(400):
        await panel.snapshot()
        clock.now += 2
    clock.now -= 2
    hour = await panel.snapshot(3600)
    assert (len(hour["points"]), hour["step_s"], hour["span_s"]) == (200, 4.0, 3600)
    assert [point["time"] for point in hour["points"]][-2:] == [clock.now - 4, clock.now]
    minutes = await panel.snapshot()
    assert (len(minutes["points"]), minutes["step_s"]) == (150, 2.0)
