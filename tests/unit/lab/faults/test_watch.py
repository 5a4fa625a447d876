"""A row from its first request to its last: the fault lies within the load, and the journal is read for it."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from bench.errors import GeneratorError
from bench.load.plan import NEW_FROM
from bench.samples import PhaseEnd, encode_lines
from lab.errors import CommandFailedError
from lab.faults.catalogue import FAULTS
from lab.faults.watch import KNOWN, RATE, Notice, find_notice, phase_of, watch
from tests.unit.lab.faults.examples import sample
from tests.waiting import until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from bench.load.plan import Phase

PHASE = phase_of(FAULTS[0], 0, "seed")
JOURNAL = """\
1796000000.000000 host alchemorsel-ai[7]: {"message":"request"}
-- Boot 4711 --
1796000001.500000 host alchemorsel-ai[7]: {"message":"Redis does not answer (no answer in time)"}
1796000002.000000 host alchemorsel-ai[8]: {"message":"Redis does not answer (no answer in time)"}
"""


class Load:
    """A generator that writes a sample at once, and its account when it is told to end.

    Attributes:
        may_end: Whether it is.
        error: Raised in the place of an account.
    """

    def __init__(self, error: Exception | None = None) -> None:
        self.may_end = False
        self.error = error

    def run(self, phase: Phase, samples: Path, progress: Callable[[int], None]) -> None:
        """See LoadGenerator."""
        assert phase is PHASE
        epoch_ns = time.perf_counter_ns()
        samples.write_bytes(encode_lines([sample(0)]))
        progress(1)
        until(lambda: self.may_end)
        if self.error is not None:
            raise self.error
        end = PhaseEnd(planned=1, sent=1, dropped=0, wall_ns=1, cpu_ns=1, epoch_ns=epoch_ns)
        with samples.open("ab") as file:
            file.write(encode_lines([end]))


class Host:
    """A site whose journal is given.

    Attributes:
        scripts: What was run.
    """

    address, port, ca_file = "", 0, ""

    def __init__(self) -> None:
        self.scripts: list[str] = []

    def shell(self, script: str, timeout_s: float = 60.0) -> str:
        """See Site."""
        assert timeout_s
        self.scripts.append(script)
        return JOURNAL

    def restart(self) -> None:
        """See Site."""


@contextmanager
def ending(load: Load, *, is_refused: bool = False) -> Iterator[None]:
    """Make no fault, or fail at it; let the load end with it in any case."""
    try:
        if is_refused:
            raise CommandFailedError("no right to do so")
        yield
    finally:
        load.may_end = True


def test_fault_lies_between_its_moments(tmp_path: Path) -> None:
    """In the load's own time, by the clock that nobody can set."""
    load = Load()
    watched = watch(ending(load), 0.05, load, PHASE, tmp_path / "samples", lead_s=0.02)
    injected_ns, healed_ns = watched.moments.injected_ns, watched.moments.healed_ns
    assert injected_ns >= 20_000_000
    assert healed_ns - injected_ns >= 50_000_000
    assert [each.index for each in watched.samples] == [1]
    assert watched.end is not None
    assert not watched.obstacle


def test_fault_that_cannot_be_injected_is_said_after_the_load(tmp_path: Path) -> None:
    """Nothing goes on that nobody waits for."""
    load = Load()
    watched = watch(ending(load, is_refused=True), 5.0, load, PHASE, tmp_path / "samples", lead_s=0)
    assert watched.obstacle == "no right to do so"
    assert watched.end is not None


def test_generator_that_fails_ends_the_row(tmp_path: Path) -> None:
    """With its own error."""
    load = Load(GeneratorError("Locust was killed"))
    with pytest.raises(GeneratorError, match="Locust was killed"):
        watch(ending(load), 0, load, PHASE, tmp_path / "samples", lead_s=0)


def test_load_is_of_known_keys_and_new_ones_that_no_row_has_asked() -> None:
    """At the same rate in every row."""
    first, second = phase_of(FAULTS[0], 0, "seed", 0.1), phase_of(FAULTS[0], 1, "seed", 0.1)
    assert (first.distinct, first.new_share, first.new_from) == (KNOWN, 0.1, NEW_FROM)
    assert second.new_from - first.new_from > RATE * 600
    assert first.seed == second.seed


def test_journal_tells_when_a_fault_was_noticed_first() -> None:
    """Seconds after it was injected; another line says nothing of it."""
    host = Host()
    assert find_notice(host, "redis does not answer", 1796000001.25) == Notice(
        0.25, '{"message":"Redis does not answer (no answer in time)"}'
    )
    assert "--since @1796000001.250" in host.scripts[0]
    assert find_notice(host, "circuit breaker", 1796000001.25) is None
