"""The open-loop generator: a process that sends at a constant rate, by the benchmark's own client and loop.

As a program it reads a plan from its standard input and prints what it measured.
"""

from __future__ import annotations

import gc
import math
import sys
import time
from collections import Counter
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import msgspec

from bench.errors import GeneratorError
from bench.load.client import Client
from bench.load.open_loop import MAX_IN_FLIGHT, ask_for_real_time, emit
from bench.load.plan import OpenLoop
from bench.load.whole_answer import ANSWER_SECONDS
from bench.verdict.percentiles import percentile
from tools.perf.peers.generator import GRACE_SECONDS, run_generator

if TYPE_CHECKING:
    from collections.abc import Collection

    from tools.perf.peers.wrk import Load


class Plan(msgspec.Struct, frozen=True):
    """What is sent.

    Attributes:
        url: Where to.
        bodies: Sent in turn.
        headers: Of every request.
        rate: Requests a second.
        seconds: For how long, warm-up included.
        warmup_seconds: How much of it is warm-up, which is in no figure.
    """

    url: str
    bodies: list[str]
    headers: dict[str, str]
    rate: float
    seconds: float
    warmup_seconds: float


class PacedFigures(msgspec.Struct, frozen=True):
    """What was measured after the warm-up; latencies count from when a request was due.

    Attributes:
        sent: Requests in all, warm-up included.
        due: Requests that were due.
        answered: Those with status 200.
        failures: What became of the others, and of how many.
        p50_ms: Median latency of the answered ones.
        p95_ms: 95th percentile.
        p99_ms: 99th percentile.
        lag_p99_ms: How late the generator sent, 99th percentile.
    """

    sent: int
    due: int
    answered: int
    failures: dict[str, int]
    p50_ms: float
    p95_ms: float
    p99_ms: float
    lag_p99_ms: float


@dataclass(frozen=True, slots=True)
class Pacer:
    """Runs the generator.

    Attributes:
        cores: On which it may run.
        rate: Requests a second.
    """

    cores: Collection[int]
    rate: float

    def run(self, load: Load, seconds: float, warmup_seconds: float) -> PacedFigures:
        """Send for some time.

        Args:
            load: What.
            seconds: For how long, after the warm-up.
            warmup_seconds: The warm-up before.

        Raises:
            GeneratorError: It did not end in time, or got no answer at all.
        """
        whole = seconds + warmup_seconds
        bodies = list(load.bodies[: math.ceil(self.rate * whole)])
        plan = Plan(load.url, bodies, dict(load.headers), self.rate, whole, warmup_seconds)
        command = [sys.executable, "-m", "tools.perf.peers.pacer"]
        timeout_s = whole + ANSWER_SECONDS + GRACE_SECONDS
        given = msgspec.json.encode(plan)
        output = run_generator("the pacer", command, cores=self.cores, timeout_s=timeout_s, given=given)
        return msgspec.json.decode(output.splitlines()[-1], type=PacedFigures)


def send(plan: Plan) -> PacedFigures:
    """Send what is planned, in this process.

    Raises:
        GeneratorError: No request was answered.
    """
    parts = urlsplit(plan.url)
    schedule = OpenLoop.steady(plan.rate, plan.seconds, plan.warmup_seconds)
    latencies: list[int] = []
    lags: list[int] = []
    failures: Counter[str] = Counter()
    sent = due = 0
    with closing(Client(f"{parts.scheme}://{parts.netloc}", MAX_IN_FLIGHT, plan.headers)) as client:
        requests = [client.compose(parts.path, body.encode()) for body in plan.bodies]
        gc.collect()
        gc.freeze()
        began_ns = time.monotonic_ns()

        def elapsed_ns() -> int:
            return time.monotonic_ns() - began_ns

        def ask(number: int, intended_ns: int) -> None:
            nonlocal sent, due
            begun_ns = elapsed_ns()
            answer = client.send(requests[number % len(requests)])
            sent += 1
            if intended_ns >= plan.warmup_seconds * 1e9:
                due += 1
                lags.append(begun_ns - intended_ns)
                if answer.status == 200 and not answer.error:
                    latencies.append(elapsed_ns() - intended_ns)
                else:
                    failures[answer.error or f"status {answer.status}"] += 1

        def drop(_number: int, intended_ns: int) -> None:
            nonlocal due
            if intended_ns >= plan.warmup_seconds * 1e9:
                due += 1
                failures[f"not sent, {MAX_IN_FLIGHT} under way"] += 1

        emit(schedule.share(0, 1), elapsed_ns, ask, drop)
    if not latencies:
        raise GeneratorError(f"{plan.url}: none of {due} requests was answered")
    latencies.sort()
    p50_ms, p95_ms, p99_ms = (percentile(latencies, share) / 1e6 for share in (50, 95, 99))
    lag_p99_ms = percentile(sorted(lags), 99) / 1e6
    return PacedFigures(sent, due, len(latencies), failures, p50_ms, p95_ms, p99_ms, lag_p99_ms)


if __name__ == "__main__":
    ask_for_real_time()
    sys.stdout.write(f"{msgspec.json.encode(send(msgspec.json.decode(sys.stdin.buffer.read(), type=Plan))).decode()}\n")
