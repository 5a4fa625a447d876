"""One process's part of a phase: what it asks, when, and where it notes what came of it."""

from __future__ import annotations

import functools
import itertools
import os
from typing import TYPE_CHECKING, Any

import gevent  # type: ignore[import-untyped] # has none

from bench.failures import NOT_SENT
from bench.load.client import Client
from bench.load.credentials import authorization
from bench.load.options import picks_of, schedule_of
from bench.load.recorder import Recorder
from bench.load.workload import TASKS, request_body
from bench.samples import Sample, judge_answer
from bench.tls import Trust

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    from bench.load.plan import OpenLoop
    from bench.load.recorder import Messenger, SampleFile

MAX_IN_FLIGHT = 512
"""Requests under way at once; an arrival beyond that is not sent, and counts as failed."""

_HEADERS = {"Content-Type": "application/json", "Accept": "application/json"}
_COMPOSED = 4096


class Source:
    """A source of requests.

    Args:
        options: The parsed command line, the master's where there is one.
        host: URL of the service.
        sink: Where samples go.
        tell: Is told of every sample, and how many bytes its answer had; for Locust's own statistics.
        part: Number of this process among those that share the phase, from 0.
        parts: How many there are.

    Attributes:
        recorder: What was sent so far.
    """

    def __init__(
        self,
        options: argparse.Namespace,
        host: str,
        sink: SampleFile | Messenger,
        tell: Callable[[Sample, int], None],
        *,
        part: int = 0,
        parts: int = 1,
    ) -> None:
        self.recorder = Recorder(sink)
        self._options = options
        self._tell = tell
        self._part, self._parts = part, parts
        self._picks = picks_of(options)
        self._schedule = schedule_of(options)
        self._client = Client(host, MAX_IN_FLIGHT, _HEADERS | authorization(), Trust(options.ca_file))
        # The few known requests of a cached phase are composed once each.
        self._compose = functools.lru_cache(maxsize=_COMPOSED)(self._compose_new)
        self._users = 0
        self._emits = False

    def join(self) -> None:
        """Another user lives on this source."""
        self._users += 1

    def leave(self) -> None:
        """Remove a user, and close the recorder after the last one."""
        self._users -= 1
        if not self._users:
            self.recorder.close()

    def visit(self) -> bool:
        """Do what one user does next; returns whether there is more to do.

        In a closed loop that is one request. In an open loop, and for herds, the first user does it all, because
        arrivals are the process's and not a user's.
        """
        if self._schedule is None and self._options.workload != "herd":
            return self._ask_next()
        if not self._emits:
            self._emits = True
            if self._schedule is None:
                self._let_herds_come()
            else:
                self._emit(self._schedule)
        return False

    def _ask_next(self) -> bool:
        recorder = self.recorder
        number = self._part + recorder.planned * self._parts
        if self._is_over(recorder.planned, number):
            return False
        recorder.planned += 1
        self._ask(*self._picks.pick(number), recorder.elapsed_ns(), warmup=False)
        return True

    def _is_over(self, begun: int, number: int) -> bool:
        """Whether a closed loop that has begun so much does not begin any more."""
        count, seconds = self._options.count, self._options.max_seconds
        return bool((count and number >= count) or (seconds and begun and self.recorder.elapsed_ns() > seconds * 1e9))

    def _emit(self, schedule: OpenLoop) -> None:
        """Start every arrival when it is due.

        Whoever has just finished a request takes over an arrival that became due meanwhile: when the service answers
        many at once after a pause, the next arrivals need not wait until all of those are dealt with.
        """
        recorder, warmup_ns = self.recorder, schedule.warmup_seconds * 1e9
        # Of the requests under way, not of all: objects that pile up make the garbage collector take longer each time.
        requests: set[gevent.Greenlet[..., Any]] = set()
        waiting = schedule.share(self._part, self._parts)
        following = next(waiting, None)

        def take_due() -> tuple[int, int] | None:
            nonlocal following
            if following is None or following[1] > recorder.elapsed_ns():
                return None
            taken, following = following, next(waiting, None)
            recorder.planned += 1
            return taken

        def ask(due: tuple[int, int] | None) -> None:
            try:
                while due is not None:
                    number, intended_ns = due
                    self._ask(*self._picks.pick(number), intended_ns, warmup=intended_ns < warmup_ns)
                    due = take_due()
            finally:
                requests.discard(gevent.getcurrent())

        recorder.real_time = _ask_for_real_time()
        recorder.restart()
        while following is not None:
            # A sleep of zero still lets the requests run that are due. gevent's timers count from the loop's last look
            # at the clock, so one can fire early; a request that started early would look faster than it was.
            gevent.sleep(max(0.0, (following[1] - recorder.elapsed_ns()) / 1e9))
            if (due := take_due()) is None:
                continue
            if len(requests) >= MAX_IN_FLIGHT:
                self._drop(*due, warmup=due[1] < warmup_ns)
                continue
            requests.add(gevent.spawn(ask, due))
        gevent.joinall(list(requests))

    def _let_herds_come(self) -> None:
        """One herd after the other, each when the one before is answered; of several processes only the first does."""
        recorder, people = self.recorder, self._options.people
        self._client.connect(people)
        recorder.restart()
        for herd in itertools.count():
            if self._part or self._is_over(herd, herd):
                return
            recorder.planned += people
            intended_ns = recorder.elapsed_ns()
            picked = self._picks.pick(herd)
            gevent.joinall([gevent.spawn(self._ask, *picked, intended_ns, warmup=False) for _ in range(people)])

    def _drop(self, number: int, intended_ns: int, *, warmup: bool) -> None:
        """Record an arrival that is not sent, because the service has not answered so many that were."""
        task, index = self._picks.pick(number)
        self.recorder.dropped += 1
        sample = Sample(
            phase=self._options.workload,
            task=task,
            index=index,
            warmup=warmup,
            intended_ns=intended_ns,
            start_ns=intended_ns,
            latency_ns=0,
            failure=f"{NOT_SENT}: {MAX_IN_FLIGHT} requests under way",
        )
        self.recorder.add(sample)
        self._tell(sample, 0)

    def _ask(self, task: str, index: int, intended_ns: int, *, warmup: bool) -> None:
        recorder = self.recorder
        request = self._compose(task, index)
        start_ns = recorder.elapsed_ns()
        recorder.sent += 1
        answer = self._client.send(request)
        sample = Sample(
            phase=self._options.workload,
            task=task,
            index=index,
            warmup=warmup,
            intended_ns=intended_ns,
            start_ns=start_ns,
            latency_ns=recorder.elapsed_ns() - intended_ns,
            **judge_answer(answer),
        )
        recorder.add(sample)
        self._tell(sample, len(answer.body))

    def _compose_new(self, task: str, index: int) -> bytes:
        return self._client.compose(TASKS[task].path, request_body(task, self._options.seed, index))


def _ask_for_real_time() -> bool:
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
