"""Requests are new or known on purpose, and the nonce stands at the front."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.load.plan import ClosedLoop, Load, OpenLoop, plan
from bench.load.workload import TASKS, nonce, request_body

NAMES = sorted(TASKS)


@given(st.sampled_from(NAMES), st.text(max_size=20), st.integers(0, 10**6))
def test_the_same_name_is_the_same_request(task: str, seed: str, index: int) -> None:
    """A cached phase can ask again for what an uncached phase asked, in another process."""
    assert request_body(task, seed, index) == request_body(task, seed, index)


@pytest.mark.parametrize("task", NAMES)
def test_every_index_and_every_seed_is_a_new_request(task: str) -> None:
    """An uncached phase never asks twice for the same, nor for what an earlier run asked."""
    bodies = {request_body(task, seed, index) for seed in ("one", "other") for index in range(500)}
    assert len(bodies) == 1000


@pytest.mark.parametrize("index", range(8))
def test_the_nonce_is_first_even_after_sorting(index: int) -> None:
    """The service sorts lists that are sets; the nonce stays in front of every ingredient."""
    recipe, ingredients, nutrition = (json.loads(request_body(task, "s", index)) for task in TASKS)
    assert recipe["prompt"].startswith(nonce("s", "recipe", index))
    assert min(ingredients["partial"]) == ingredients["partial"][0] == nonce("s", "ingredients", index)
    assert min(nutrition["ingredients"]) == nutrition["ingredients"][0] == nonce("s", "nutrition", index)


def test_a_plan_asks_every_task_uncached_first() -> None:
    """Cached phases come after the uncached phases that fill the cache for them."""
    load = Load(
        uncached=ClosedLoop(3, 9),
        cached=OpenLoop.steady(10, 2, 1),
        max_lag_p99_ms=5,
    )
    phases = plan(load, "seed")
    assert [(phase.name, phase.task) for phase in phases] == [
        *(("uncached", task) for task in TASKS),
        *(("cached", task) for task in TASKS),
    ]
    assert phases[0].arrivals == ClosedLoop(3, 9)
    assert phases[-1].arrivals == replace(OpenLoop.steady(10, 2, 1), seed="seed")
    assert phases[-1].arrivals.count == 20
