"""The load, as Locust users: ``locust -f bench/locustfile.py --host URL``, or under ``python -m bench run``.

Alone it is an ordinary locustfile (web page, headless, several processes): users ask in a closed loop for a small set
of requests, so for cached answers; ``--phase uncached`` makes every request a new one. With ``--rate`` a user becomes
an open-loop source of constant arrivals: each request is its own greenlet, started when it is due whether or not
earlier ones were answered, and its latency counts from when it was due.

Locust's own percentiles are rounded and mix failures in, so they are for the eye only; ``--samples FILE`` writes the
raw ones.
"""

from __future__ import annotations

import gc
import itertools
import os
import secrets
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import gevent  # type: ignore[import-untyped] # has none
from locust import FastHttpUser, events, task
from locust.exception import StopUser

# Locust puts this file's folder on the path; the package is one level up.
sys.path.append(str(Path(__file__).resolve().parent.parent))

from bench.load.arrivals import constant_arrivals
from bench.load.workload import TASKS, request_body
from bench.samples import Answer, PhaseEnd, Sample, encode_lines, judge_answer

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from locust.env import Environment

MAX_IN_FLIGHT = 512
"""Requests under way at once; an arrival beyond that is dropped and counted, which makes a run INVALID."""

FLUSH_SECONDS = 0.2
"""How often samples reach the file: often enough for a progress bar, far from the timed path."""


@events.init_command_line_parser.add_listener  # type: ignore[untyped-decorator] # Locust has no type here
def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the harness's options to Locust's; they show on its web page too."""
    group = parser.add_argument_group("alchemorsel bench")
    group.add_argument("--phase", choices=("cached", "uncached"), default="cached", help="known or new requests")
    group.add_argument("--task", choices=("all", *TASKS), default="all", help="which of the service's tasks to ask")
    group.add_argument("--seed", default="", help="names the requests; the same seed asks the same (default: random)")
    group.add_argument("--distinct", type=int, default=8, help="size of the set that a cached phase goes round")
    group.add_argument("--count", type=int, default=0, help="closed loop: stop after this many requests (0: never)")
    group.add_argument("--max-seconds", type=float, default=0.0, help="closed loop: start none after this (0: never)")
    group.add_argument("--rate", type=float, default=0.0, help="open loop: arrivals per second of each user")
    group.add_argument("--seconds", type=float, default=30.0, help="open loop: how long arrivals go on")
    group.add_argument("--warmup-seconds", type=float, default=0.0, help="open loop: arrivals marked as warm-up")
    group.add_argument("--samples", default="", help="file for the raw samples, JSON lines")
    group.add_argument("--owner", type=int, default=0, help="end when this parent process is gone (its id; 0: never)")


class Recorder:
    """Counts the requests of this process and writes their samples.

    Args:
        options: The parsed command line.
    """

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.seed = options.seed or secrets.token_hex(8)
        self.planned = self.sent = self.dropped = self.in_flight = self.users = 0
        self.epoch_ns = time.perf_counter_ns()
        self._cpu_ns = time.process_time_ns()
        self._pending: list[Sample] = []
        self._file = Path(options.samples).open("ab") if options.samples else None  # noqa: SIM115 - closed by `close`
        self._flusher = gevent.spawn(self._flush_forever)
        self._tasks = itertools.cycle(TASKS if options.task == "all" else (options.task,))
        self._indexes = dict.fromkeys(TASKS, 0)

    def next_request(self) -> tuple[str, int] | None:
        """Return (task, index) of the next request of a closed loop, or None when there are no more."""
        options = self.options
        overdue = options.max_seconds and self.planned and self.elapsed_ns() > options.max_seconds * 1e9
        if overdue or (options.count and self.planned >= options.count):
            return None
        return self.take()

    def take(self) -> tuple[str, int]:
        """Return (task, index) of the next request: new ones count up, known ones go round."""
        self.planned += 1
        name = next(self._tasks)
        index = self._indexes[name]
        self._indexes[name] += 1
        return name, index % self.options.distinct if self.options.phase == "cached" else index

    def elapsed_ns(self) -> int:
        """Return the nanoseconds since the phase's first intended start."""
        return time.perf_counter_ns() - self.epoch_ns

    def add(self, sample: Sample) -> None:
        """Keep a sample for the file."""
        if self._file is not None:
            self._pending.append(sample)

    def close(self) -> None:
        """Write what is left and the phase's end."""
        self._flusher.kill()
        if self._file is None:
            return
        self._flush()
        end = PhaseEnd(
            planned=self.planned,
            sent=self.sent,
            dropped=self.dropped,
            wall_ns=self.elapsed_ns(),
            cpu_ns=time.process_time_ns() - self._cpu_ns,
            epoch_ns=self.epoch_ns,
        )
        self._file.write(encode_lines([end]))
        self._file.close()
        self._file = None

    def _flush_forever(self) -> None:
        while True:
            gevent.sleep(FLUSH_SECONDS)
            self._flush()

    def _flush(self) -> None:
        if self._file is not None and self._pending:
            pending, self._pending = self._pending, []
            self._file.write(encode_lines(pending))
            self._file.flush()


@events.init.add_listener  # type: ignore[untyped-decorator] # as above
def watch_owner(environment: Environment, **_: object) -> None:
    """End with the harness, if it is killed, or interrupted before it knew of this process."""

    def watch(owner: int) -> None:
        while os.getppid() == owner:
            gevent.sleep(FLUSH_SECONDS)
        os._exit(1)  # nobody is left to read a sample

    if environment.parsed_options is not None and environment.parsed_options.owner:
        gevent.spawn(watch, environment.parsed_options.owner)


@events.test_start.add_listener  # type: ignore[untyped-decorator] # as above
def start_recorder(environment: Environment, **_: object) -> None:
    """Open the samples file; what was imported is kept out of the garbage collector's way."""
    gc.collect()
    gc.freeze()
    if environment.parsed_options is None:
        raise SystemExit("this locustfile is run by the locust command")
    try:
        environment.bench_recorder = Recorder(environment.parsed_options)  # type: ignore[attr-defined] # ours
    except OSError as error:
        raise SystemExit(f"cannot write samples: {error}") from error


@events.test_stop.add_listener  # type: ignore[untyped-decorator] # as above
def stop_recorder(environment: Environment, **_: object) -> None:
    """Write the last samples."""
    environment.bench_recorder.close()  # type: ignore[attr-defined] # set by start_recorder


class Visitor(FastHttpUser):
    """Somebody who cooks: asks the service's tasks in turn."""

    connection_timeout = 5.0
    network_timeout = 180.0
    concurrency = MAX_IN_FLIGHT

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        self.recorder: Recorder = environment.bench_recorder  # type: ignore[attr-defined] # set by start_recorder
        self.recorder.users += 1

    @task
    def visit(self) -> None:
        """Ask once (closed loop), or be a source of arrivals until they end (open loop)."""
        if self.recorder.options.rate:
            self._emit_arrivals()
            self._finish()
        request = self.recorder.next_request()
        if request is None:
            self._finish()
        else:
            self._ask(*request, intended_ns=self.recorder.elapsed_ns(), warmup=False)

    def _emit_arrivals(self) -> None:
        recorder, options = self.recorder, self.recorder.options
        warmup_ns = options.warmup_seconds * 1e9
        recorder.epoch_ns = time.perf_counter_ns()
        requests: list[gevent.Greenlet[..., Any]] = []
        for intended_ns in constant_arrivals(options.rate, options.seconds):
            # A sleep of zero still lets the requests run that are due. gevent's timers count from the loop's last look
            # at the clock, so one can fire early; a request that started early would look faster than it was.
            gevent.sleep(max(0.0, (intended_ns - recorder.elapsed_ns()) / 1e9))
            while (early_ns := intended_ns - recorder.elapsed_ns()) > 0:
                gevent.sleep(early_ns / 1e9)
            name, index = recorder.take()
            if recorder.in_flight >= MAX_IN_FLIGHT:
                recorder.dropped += 1
                continue
            recorder.in_flight += 1
            requests.append(gevent.spawn(self._ask_counted, name, index, intended_ns, intended_ns < warmup_ns))
        gevent.joinall(requests)

    def _ask_counted(self, name: str, index: int, intended_ns: int, warmup: bool) -> None:
        try:
            self._ask(name, index, intended_ns=intended_ns, warmup=warmup)
        finally:
            self.recorder.in_flight -= 1

    def _ask(self, name: str, index: int, *, intended_ns: int, warmup: bool) -> None:
        recorder = self.recorder
        body = request_body(name, recorder.seed, index).decode()
        start_ns = recorder.elapsed_ns()
        recorder.sent += 1
        with self.client.post(
            TASKS[name].path,
            data=body,
            headers={"Content-Type": "application/json", "Accept": "application/json"},
            name=name,
            catch_response=True,
        ) as response:
            latency_ns = recorder.elapsed_ns() - intended_ns
            sample = Sample(
                phase=recorder.options.phase,
                task=name,
                index=index,
                warmup=warmup,
                intended_ns=intended_ns,
                start_ns=start_ns,
                latency_ns=latency_ns,
                **judge_answer(_answer(response)),
            )
            if sample.ok:
                response.success()
            else:
                response.failure(sample.failure)
        recorder.add(sample)

    def _finish(self) -> NoReturn:
        """End this user; the last one to end also ends a headless run."""
        self.recorder.users -= 1
        if self.recorder.options.headless and not self.recorder.users:
            # In a greenlet of its own, because quitting kills the users, so also the greenlet that is here.
            gevent.spawn(self.environment.runner.quit)
        raise StopUser


def _answer(response: Any) -> Answer:
    error = getattr(response, "error", None)
    status = response.status_code or 0
    return Answer(
        status=status,
        headers={key.lower(): value for key, value in _headers(response)},
        body=bytes(response.content or b""),
        error=f"{type(error).__name__}: {error}" if error is not None and not status else "",
    )


def _headers(response: Any) -> Iterator[tuple[str, str]]:
    yield from (response.headers.items() if response.headers else ())
