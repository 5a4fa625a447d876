"""One row: the load begins, the fault is injected, lasts, ends, and the load goes on."""

from __future__ import annotations

import re
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from bench.load.arrivals import Stage
from bench.load.plan import NEW_FROM, OpenLoop, Phase
from bench.samples import read_samples
from lab.errors import CommandFailedError, LabError
from lab.faults.known_keys import TASK
from lab.faults.outcome import Moments

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from pathlib import Path

    from bench.interfaces import LoadGenerator
    from bench.samples import PhaseEnd, Sample
    from lab.faults.fault import Fault, Site

RATE = 200.0
KNOWN = 12
NEW_SHARE = 0.2
EXPONENT = 0.9
WARMUP_S = 1.0
BEFORE_S = 5.0
_START_S = 60.0
_NEW_A_ROW = 1_000_000
_UNITS = ("alchemorsel-ai@*", "alchemorsel-edge", "redis-server@alchemorsel", "docker", "init.scope")
MAX_LINE = 200
"""Characters of a line of the journal that are kept."""


@dataclass(frozen=True)
class Watched:
    """What happened.

    Attributes:
        phase: What was to be sent.
        samples: What was sent.
        end: The generator's account; None where it did not reach the end.
        moments: Of the fault.
        injected_at: When the fault began, in seconds since the epoch.
        span_s: When load and watch began and ended, by the machine's monotonic clock.
        began_s: Seconds from the start of the generator to the first request.
        obstacle: Why the fault was not injected, or not healed; "" where it was.
    """

    phase: Phase
    samples: list[Sample]
    end: PhaseEnd | None
    moments: Moments
    injected_at: float = 0.0
    span_s: tuple[float, float] = (0.0, 0.0)
    began_s: float = 0.0
    obstacle: str = ""


class Notice(NamedTuple):
    """A line of the journal.

    Attributes:
        after_s: Seconds from the fault to it.
        line: What it says.
    """

    after_s: float
    line: str


@dataclass
class _Load:
    """A generator that runs in a thread of its own."""

    generator: LoadGenerator
    phase: Phase
    file: Path
    error: list[BaseException] = field(default_factory=list)

    def begin(self) -> None:
        """Start it, and wait for its first samples.

        Raises:
            CommandFailedError: None came.
        """
        self._thread = threading.Thread(target=self._run)
        self._thread.start()
        give_up = time.monotonic() + _START_S
        while not (self.file.exists() and self.file.stat().st_size) and self._thread.is_alive():
            if time.monotonic() > give_up:
                raise CommandFailedError(f"the load did not begin within {_START_S:.0f} s")
            time.sleep(0.05)

    def finish(self) -> None:
        """Wait for its end.

        Raises:
            BenchError: What ended it early.
        """
        self._thread.join()
        if self.error:
            raise self.error[0]

    def _run(self) -> None:
        try:
            self.generator.run(self.phase, self.file, lambda _done: None)
        except Exception as error:  # noqa: BLE001 - raised again by finish
            self.error.append(error)


def phase_of(fault: Fault, row: int, seed: str, new_share: float = NEW_SHARE, rate: float = RATE) -> Phase:
    """Return the load of a row: known keys as people ask, and new ones that no row before has asked.

    Args:
        fault: That is tried.
        row: Number of the row among those that asked the same site.
        seed: Names the requests.
        new_share: Share of new requests, 0 to 1.
        rate: Requests a second.
    """
    seconds = WARMUP_S + BEFORE_S + fault.during_s + fault.after_s
    return Phase(
        "mixed",
        TASK,
        OpenLoop((Stage(seconds, rate, rate),), WARMUP_S),
        distinct=KNOWN,
        new_share=new_share,
        new_from=NEW_FROM + row * _NEW_A_ROW,
        known_exponent=EXPONENT,
    ).seeded(seed)


def watch(
    act: AbstractContextManager[None],
    during_s: float,
    generator: LoadGenerator,
    phase: Phase,
    file: Path,
    *,
    lead_s: float = WARMUP_S + BEFORE_S,
) -> Watched:
    """Run a row.

    Args:
        act: Injects the fault, and heals it.
        during_s: How long the fault lasts.
        generator: Of the load.
        phase: Of `phase_of`.
        file: For the samples; not there yet.
        lead_s: Seconds of load before the fault.

    Raises:
        BenchError: The generator failed.
        CommandFailedError: It did not begin.
    """
    load = _Load(generator, phase, file)
    clock = time.time() - time.perf_counter()
    obstacle = ""
    started = time.perf_counter()
    load.begin()
    begun = time.perf_counter()
    try:
        time.sleep(lead_s)
        injected = healed = time.perf_counter()
        try:
            with act:
                time.sleep(max(0.0, during_s - (time.perf_counter() - injected)))
                healed = time.perf_counter()
        except LabError as error:
            obstacle = str(error)
    finally:
        load.finish()
    samples, end = read_samples(file)
    epoch_ns = end.epoch_ns if end else int(begun * 1e9)
    moments = Moments(int(injected * 1e9) - epoch_ns, int(healed * 1e9) - epoch_ns)
    span_s = (begun, time.perf_counter())
    return Watched(phase, samples, end, moments, injected + clock, span_s, epoch_ns / 1e9 - started, obstacle)


def find_notice(site: Site, words: str, injected_at: float) -> Notice | None:
    """Return how the host's journal tells of a fault first; None where it does not.

    Args:
        site: Whose journal it is.
        words: What it says, as a regular expression.
        injected_at: Seconds since the epoch.

    Raises:
        CommandFailedError: The journal cannot be read.
    """
    units = " ".join(f"--unit '{unit}'" for unit in _UNITS)
    journal = site.shell(f"journalctl --since @{injected_at:.3f} --output short-unix --no-pager {units}")
    for line in journal.splitlines():
        if re.search(words, line, re.IGNORECASE) and (stamp := re.match(r"\d+\.\d+", line)):
            return Notice(max(0.0, float(stamp[0]) - injected_at), line.partition(": ")[2][:MAX_LINE])
    return None
