"""The open loop: every request starts when it is due, whether or not earlier ones were answered."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import gevent  # type: ignore[import-untyped] # has none

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MAX_IN_FLIGHT = 512
"""Requests under way at once; an arrival beyond that is not sent, and counts as failed."""


def emit(
    arrivals: Iterator[tuple[int, int]],
    elapsed_ns: Callable[[], int],
    ask: Callable[[int, int], None],
    drop: Callable[[int, int], None],
) -> None:
    """Start every arrival when it is due; return when all are answered.

    Whoever has just finished a request takes over an arrival that became due meanwhile: when the service answers
    many at once after a pause, the next arrivals need not wait until all of those are dealt with.

    Args:
        arrivals: Number and intended start in nanoseconds of each.
        elapsed_ns: The time since the first intended start.
        ask: Sends one request and waits for its answer; given number and intended start.
        drop: Is given those that are not sent, because so many are under way.
    """
    # Of the requests under way, not of all: objects that pile up make the garbage collector take longer each time.
    requests: set[gevent.Greenlet[..., Any]] = set()
    following = next(arrivals, None)

    def take_due() -> tuple[int, int] | None:
        nonlocal following
        if following is None or following[1] > elapsed_ns():
            return None
        taken, following = following, next(arrivals, None)
        return taken

    def ask_in_turn(due: tuple[int, int] | None) -> None:
        try:
            while due is not None:
                ask(*due)
                due = take_due()
        finally:
            requests.discard(gevent.getcurrent())

    while following is not None:
        # A sleep of zero still lets the requests run that are due. gevent's timers count from the loop's last look
        # at the clock, so one can fire early; a request that started early would look faster than it was.
        gevent.sleep(max(0.0, (following[1] - elapsed_ns()) / 1e9))
        if (due := take_due()) is None:
            continue
        if len(requests) >= MAX_IN_FLIGHT:
            drop(*due)
            continue
        requests.add(gevent.spawn(ask_in_turn, due))
    gevent.joinall(list(requests))


def ask_for_real_time() -> bool:
    """Have the kernel run this process as soon as an arrival is due, where it is allowed to (CAP_SYS_NICE).

    Else whoever uses the same core makes it late by whole time slices. A paced source sleeps most of the time, and the
    kernel leaves others at least 5 % of a core. Not allowed is no error: the lag is measured in any case.

    Returns:
        Whether it was allowed.
    """
    try:
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))
    except PermissionError:
        return False
    return True
