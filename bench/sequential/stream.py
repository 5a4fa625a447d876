"""Streamed answers, one after the other: when each piece of text comes."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import httpx

from bench.load.credentials import authorization
from bench.load.plan import ClosedLoop, Phase
from bench.load.workload import TASKS, request_body
from bench.samples import Answer, Sample, judge_answer
from bench.sequential.closed_loop import run_closed_loop

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from bench.tls import Trust

SILENCE_SECONDS = 180.0
"""Deadline between two parts of a stream; the first may need a model to be loaded."""

_HEADERS = {"Content-Type": "application/json", "Accept": "text/event-stream"}


class StreamRun:
    """Asks for streams, each when the one before has ended.

    Args:
        target: The service's URL.
        trust: Whose certificate it may have, where the URL is https://.
    """

    def __init__(self, target: str, trust: Trust) -> None:
        self._target = target
        self._trust = trust

    def run(self, phase: Phase, samples: Path, progress: Callable[[int], None]) -> None:
        """Run a phase; see `bench.interfaces.LoadGenerator`."""
        assert isinstance(phase.arrivals, ClosedLoop)
        with httpx.Client(
            base_url=self._target,
            headers=authorization(),
            timeout=SILENCE_SECONDS,
            trust_env=False,
            verify=self._trust.context,
        ) as client:
            run_closed_loop(
                phase.arrivals, samples, progress, lambda index, epoch_ns: self._ask(client, phase, index, epoch_ns)
            )

    def _ask(self, client: httpx.Client, phase: Phase, index: int, epoch_ns: int) -> Sample:
        body = request_body(phase.task, phase.seed, index)
        began_ns = time.perf_counter_ns()
        token_ns: list[int] = []
        try:
            answer = self._read(client, phase.task, body, began_ns, token_ns)
        except httpx.HTTPError as error:
            answer = Answer(status=0, error=f"{type(error).__name__}: {error}")
        return Sample(
            phase=phase.name,
            task=phase.task,
            index=index,
            warmup=False,
            intended_ns=began_ns - epoch_ns,
            start_ns=began_ns - epoch_ns,
            latency_ns=time.perf_counter_ns() - began_ns,
            token_ns=token_ns,
            **judge_answer(answer),
        )

    def _read(self, client: httpx.Client, task: str, body: bytes, began_ns: int, token_ns: list[int]) -> Answer:
        """Follow the events to the last; the body of the answer is that of ``answer``, or of ``error``."""
        event, last = "", b""
        with client.stream("POST", TASKS[task].path, content=body, headers=_HEADERS) as response:
            if "text/event-stream" not in response.headers.get("content-type", ""):
                return Answer(status=response.status_code, headers=response.headers, body=response.read())
            for line in response.iter_lines():
                name, _, value = line.partition(": ")
                if name == "event":
                    event = value
                elif name == "data" and event == "delta":
                    token_ns.append(time.perf_counter_ns() - began_ns)
                elif name == "data" and event in {"answer", "error"}:
                    last = value.encode()
            failed = "the stream ended with an error" if event == "error" else ""
            return Answer(status=response.status_code, headers=response.headers, body=last, error=failed)
