"""Who runs on which core, so that servers and generator do not take each other's."""

from __future__ import annotations

import os
from dataclasses import dataclass

from bench.errors import UsageError


@dataclass(frozen=True, slots=True)
class Cores:
    """A share-out of the machine's cores.

    Attributes:
        server: For the server that is measured; one, since each has one worker.
        generator: For the load generator.
        others: For Redis and the mock upstream; with fewer than three cores that is the generator's.
    """

    server: frozenset[int]
    generator: frozenset[int]
    others: frozenset[int]


def share_out(available: frozenset[int] | None = None) -> Cores:
    """Share out the cores that this process may use.

    Args:
        available: The cores; None for those of this process.

    Raises:
        UsageError: There is only one.
    """
    cores = sorted(os.sched_getaffinity(0) if available is None else available)
    if len(cores) < 2:
        raise UsageError("one core for both server and generator proves nothing: at least two are needed")
    server, generator, *rest = cores
    return Cores(frozenset({server}), frozenset({generator}), frozenset(rest or {generator}))
