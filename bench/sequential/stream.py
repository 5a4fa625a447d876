"""Streamed answers, one after the other: when each piece of text comes."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import httpx
import msgspec

from bench.load.credentials import authorization
from bench.load.http_client import HttpClient
from bench.load.plan import ClosedLoop, Phase
from bench.load.whole_answer import ANSWER_SECONDS, UnfinishedAnswerError
from bench.load.workload import TASKS, request_body
from bench.samples import Answer, Sample, judge_answer
from bench.sequential.closed_loop import run_closed_loop
from bench.sequential.event_reader import EventReader

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from bench.tls import Trust

_HEADERS = {"Content-Type": "application/json", "Accept": "text/event-stream"}


class _Delta(msgspec.Struct):
    text: str | None = None


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
        with HttpClient(self._target, self._trust, ANSWER_SECONDS, authorization()) as client:
            run_closed_loop(
                phase.arrivals, samples, progress, lambda index, epoch_ns: self._ask(client, phase, index, epoch_ns)
            )

    def _ask(self, client: HttpClient, phase: Phase, index: int, epoch_ns: int) -> Sample:
        body = request_body(phase.task, phase.seed, index)
        began_ns = time.perf_counter_ns()
        token_ns: list[int] = []
        try:
            answer = self._read(client, phase.task, body, began_ns, token_ns)
        except httpx.HTTPError as error:
            answer = Answer(status=0, error=f"{type(error).__name__}: {error}")
        except UnfinishedAnswerError as error:
            answer = Answer(status=0, error=str(error))
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

    def _read(self, client: HttpClient, task: str, body: bytes, began_ns: int, token_ns: list[int]) -> Answer:
        """Follow the events to the last; the body of the answer is that of ``answer``, or of ``error``."""
        last, failed, events = b"", "the stream ended without an answer", EventReader()
        with client.stream("POST", TASKS[task].path, ANSWER_SECONDS, content=body, headers=_HEADERS) as response:
            parts = response.iter_raw()
            if "text/event-stream" not in response.headers.get("content-type", ""):
                return Answer(status=response.status_code, headers=response.headers, body=b"".join(parts))
            for part in parts:
                came_ns = time.perf_counter_ns() - began_ns
                for event in events.feed(part):
                    if event.name == "delta" and _text(event.data):
                        token_ns.append(came_ns)
                    elif event.name in {"answer", "error"}:
                        last = event.data.encode()
                        failed = "" if event.name == "answer" else "the stream ended with an error"
            return Answer(status=response.status_code, headers=response.headers, body=last, error=failed)


def _text(data: str) -> str | None:
    """Return the text of a delta: one without any is no token, though some servers send one first."""
    try:
        return msgspec.json.decode(data, type=_Delta).text
    except msgspec.MsgspecError:
        return data
