"""Who runs on which core, so that servers and generator do not take each other's."""

from __future__ import annotations

import os
from dataclasses import dataclass

from bench.errors import UsageError


@dataclass(frozen=True, slots=True)
class Cores:
    """A share-out of the machine's cores.

    Attributes:
        server: For the servers that are measured.
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


def share_two(available: frozenset[int] | None = None) -> Cores:
    """Give the same two cores to servers and generator, as few as a host of two instances and their edge has.

    Args:
        available: The cores; None for those of this process.

    Raises:
        UsageError: There is only one.
    """
    cores = share_out(available)
    two = cores.server | cores.generator
    return Cores(two, two, cores.others - two or two)
