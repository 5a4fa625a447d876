"""Arrival processes of the open loop: when each request is due, whatever the service does.

A process is a curve of rates and a stream of unit steps. The curve's integral says how many arrivals are expected by a
time; its inverse turns step k into the time at which k are expected. With steps of exactly 1 that gives constant
arrivals, with exponentially distributed ones a Poisson process, for any curve. (E. Cinlar, Introduction to Stochastic
Processes, 1975, chapter 4.7: a Poisson process in rescaled time.)
"""

from __future__ import annotations

import itertools
import math
import random
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

PROCESSES = ("constant", "poisson")
"""How arrivals are spaced."""

_STAGE = re.compile(r"(?P<seconds>\d+(?:\.\d+)?)s?:(?P<start>\d+(?:\.\d+)?)(?:-(?P<end>\d+(?:\.\d+)?))?")


@dataclass(frozen=True, slots=True)
class Stage:
    """A stretch of time in which the rate goes evenly from one value to another.

    Attributes:
        seconds: How long it is, above 0.
        start: Arrivals per second at its beginning.
        end: Arrivals per second at its end; not both are 0.
    """

    seconds: float
    start: float
    end: float

    @property
    def expected(self) -> float:
        """Arrivals expected in it: the area below the rate."""
        return self.seconds * (self.start + self.end) / 2

    def at(self, arrivals: float) -> float:
        """Return the seconds from its beginning after which so many arrivals are expected (at most `expected`).

        The usual solution of the quadratic equation, in the form that neither divides by 0 for an even rate nor loses
        digits for a nearly even one.
        """
        slope = (self.end - self.start) / self.seconds
        root = math.sqrt(max(0.0, self.start * self.start + 2 * slope * arrivals))
        return 2 * arrivals / (self.start + root) if arrivals else 0.0

    def __str__(self) -> str:
        rates = f"{self.start:g}" if self.start == self.end else f"{self.start:g}-{self.end:g}"
        return f"{self.seconds:g}s:{rates}"


def parse_stages(text: str) -> tuple[Stage, ...]:
    """Read stages as they are written on a command line.

    Args:
        text: For example ``30s:10-100,60s:100``: in 30 s from 10 to 100 arrivals per second, then 60 s of 100.

    Raises:
        ValueError: The text is malformed; the message says what is right.
    """
    stages = []
    for part in text.split(","):
        match = _STAGE.fullmatch(part.strip())
        if match is None:
            raise ValueError(f"{part.strip()!r} is no stage; expected SECONDS:RATE or SECONDS:FROM-TO, e.g. 30s:10-100")
        start = float(match["start"])
        stage = Stage(float(match["seconds"]), start, float(match["end"] or start))
        if not stage.expected:
            raise ValueError(f"in {part.strip()!r} nothing arrives; expected a duration and a rate above 0")
        stages.append(stage)
    return tuple(stages)


def arrivals(stages: Sequence[Stage], process: str = "constant", seed: str = "") -> Iterator[int]:
    """Yield the intended starts in nanoseconds from the first stage's beginning.

    Each is computed from its number or its sum of steps, so rounding does not add up over a long run.

    Args:
        stages: The curve of rates.
        process: One of `PROCESSES`; constant arrivals begin at 0, the first of Poisson is due after a step.
        seed: Of the steps: the same seed yields the same arrivals.
    """
    steps: Iterator[float] = map(float, itertools.count())
    total = sum(stage.expected for stage in stages)
    limit = float(int(total + 1e-9))
    if process == "poisson":
        source = random.Random(f"arrivals {seed}")  # noqa: S311 - load, no secret
        steps = itertools.accumulate(source.expovariate(1.0) for _ in itertools.count())
        limit = total
    offset_s = before = 0.0
    waiting = iter(stages)
    stage = next(waiting)
    for step in steps:
        if step >= limit:
            return
        while step - before >= stage.expected and (following := next(waiting, None)) is not None:
            offset_s, before, stage = offset_s + stage.seconds, before + stage.expected, following
        yield int((offset_s + stage.at(min(step - before, stage.expected))) * 1e9)
