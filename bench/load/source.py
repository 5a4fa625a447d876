"""One process's part of a phase: what it asks, when, and where it notes what came of it."""

from __future__ import annotations

import functools
import itertools
from typing import TYPE_CHECKING

import gevent  # type: ignore[import-untyped] # has none

from bench.failures import NOT_SENT
from bench.load.client import Client
from bench.load.credentials import authorization
from bench.load.open_loop import MAX_IN_FLIGHT, ask_for_real_time, emit
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
        """Start every arrival when it is due."""
        recorder, warmup_ns = self.recorder, schedule.warmup_seconds * 1e9

        def ask(number: int, intended_ns: int) -> None:
            recorder.planned += 1
            self._ask(*self._picks.pick(number), intended_ns, warmup=intended_ns < warmup_ns)

        def drop(number: int, intended_ns: int) -> None:
            recorder.planned += 1
            self._drop(number, intended_ns, warmup=intended_ns < warmup_ns)

        recorder.real_time = ask_for_real_time()
        recorder.restart()
        emit(schedule.share(self._part, self._parts), recorder.elapsed_ns, ask, drop)

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
