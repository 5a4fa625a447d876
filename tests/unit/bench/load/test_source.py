"""The open loop's source keeps nothing that grows with the run."""

from __future__ import annotations

import argparse
import gc
import os
from typing import TYPE_CHECKING

import gevent  # type: ignore[import-untyped] # has none
import pytest

from bench.load.recorder import SampleFile
from bench.load.source import Source
from lab.ports import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from bench.samples import Sample

OPTIONS = argparse.Namespace(
    workload="cached", task="recipe", seed="a seed", distinct=2, catalogue=0, exponent=0.0, new_share=0.0, new_from=0,
    people=0, count=0, max_seconds=0.0, rate=500.0, seconds=0.4, stages="", arrivals="constant", warmup_seconds=0.0,
    known_exponent=0.0, ca_file="",
)  # fmt: skip
FEW = 20


@pytest.fixture
def scheduling() -> Iterator[None]:
    """Restore this process's scheduling policy after a test, since a source sets another."""
    policy, parameters = os.sched_getscheduler(0), os.sched_getparam(0)
    yield
    os.sched_setscheduler(0, policy, parameters)


@pytest.mark.usefixtures("scheduling")
def test_requests_that_have_ended_are_not_kept(tmp_path: Path) -> None:
    """Else every collection of garbage takes longer than the one before, and the generator sends late for so long."""
    planned = round(OPTIONS.rate * OPTIONS.seconds)
    ended, alive = 0, 0

    def count(_sample: Sample, _size: int) -> None:
        nonlocal ended, alive
        ended += 1
        if ended == planned:
            alive = sum(type(thing) is gevent.Greenlet for thing in gc.get_objects())

    # Nobody listens: a request that is refused has ended, too.
    source = Source(OPTIONS, f"http://127.0.0.1:{free_port()}", SampleFile(tmp_path / "samples"), count)
    source.join()
    source.visit()
    source.leave()
    assert source.recorder.sent == planned
    assert 0 < alive < FEW
