"""Comparisons of a service with itself: single runs and repeated ones, on machines that differ from run to run."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.signal import lfilter  # type: ignore[import-untyped] # has none

from bench.compare.baseline import Baseline, Scope
from bench.compare.batches import batch
from bench.compare.comparison import Change, Comparison, compare, compare_groups
from bench.compare.defaults import MIN_CHANGE

SCOPES = ("recipe", "ingredients", "nutrition")
SAMPLES = 700


@dataclass(frozen=True, slots=True)
class Machine:
    """What a machine does to equal runs.

    Attributes:
        between: Standard deviation of the logarithm of a run's level.
        drift: The same of a phase's level within its run.
        memory: Share of a request's deviation that the next one keeps.
        stalls: Share of requests that stalls slow by the factor 5, in rows of 20.
    """

    between: float
    drift: float = 0.0
    memory: float = 0.0
    stalls: float = 0.0


QUIET = Machine(0.0)
QUEUE = Machine(0.0, memory=0.6, stalls=0.02)
SHARED = Machine(0.10, drift=0.05, memory=0.6, stalls=0.02)
BUSY = Machine(0.30, drift=0.10, memory=0.6, stalls=0.05)


def simulated_run(source: np.random.Generator, machine: Machine, factor: float = 1.0) -> Baseline:
    """Return a run of three scopes, whose latencies are so many times those of the service that is compared with."""
    level = factor * np.exp(source.normal(0, machine.between))
    scopes = []
    for task in SCOPES:
        latencies = level * np.exp(source.normal(0, machine.drift)) * _latencies(source, machine)
        scopes.append(
            Scope(
                phase="cached",
                task=task,
                cache="hit",
                gated=True,
                samples=SAMPLES,
                p50_ms=batch(latencies.tolist(), 50),
                p95_ms=batch(latencies.tolist(), 95),
                quantiles_ms=sorted(latencies.tolist())[::4],
            )
        )
    return Baseline(target="", profile="lab", started_at="", environment={}, scopes=scopes, failures=[])


def _latencies(source: np.random.Generator, machine: Machine) -> np.ndarray:
    """Return latencies of which each keeps a share of the last one's deviation, with stalls among them."""
    steps = source.normal(0, 0.3, SAMPLES) * (1 - machine.memory**2) ** 0.5
    values = 2.0 * np.exp(lfilter([1.0], [1.0, -machine.memory], steps))
    begins = np.flatnonzero(source.random(SAMPLES) < machine.stalls / 20)
    for begin in begins:
        values[begin : begin + 20] *= 5.0
    return np.asarray(values)


def called_different(machine: Machine, comparisons: int, seed: int, *, rounds: int = 1, factor: float = 1.0) -> float:
    """Return the share of comparisons in which any scope is called SLOWER or FASTER.

    Args:
        machine: What both sides run on.
        comparisons: How many.
        seed: Of randomness.
        rounds: Runs of each side; 1 compares single runs, more compare them in turns.
        factor: How many times slower NEW really is; 1 for equal runs.
    """
    source = np.random.default_rng(seed)
    return sum(_is_named(_compared(source, machine, rounds, factor)) for _ in range(comparisons)) / comparisons


def _compared(source: np.random.Generator, machine: Machine, rounds: int, factor: float) -> Comparison:
    old = [simulated_run(source, machine) for _ in range(rounds)]
    new = [simulated_run(source, machine, factor) for _ in range(rounds)]
    if rounds == 1:
        return compare(old[0], new[0], MIN_CHANGE)
    return compare_groups(old, new, MIN_CHANGE, paired=True)


def _is_named(comparison: Comparison) -> bool:
    return bool({Change.SLOWER, Change.FASTER} & {row.change for row in comparison.rows})
