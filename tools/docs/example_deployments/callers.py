"""Callers of one stored answer at a constant rate: `python -m tools.docs.example_deployments.callers URL RATE FILE`.

Open loop: requests start when they are due, however slow the others are, and their time counts from that moment. Every
tenth opens a connection of its own, the others share kept ones.
"""

from __future__ import annotations

import csv
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import gevent  # type: ignore[import-untyped]  # gevent ships no types
import gevent.event  # type: ignore[import-untyped]  # gevent ships no types
from gevent.pool import Pool  # type: ignore[import-untyped]  # gevent ships no types

from bench.evidence.cache_status import parse_cache_status
from bench.load.client import Client

if TYPE_CHECKING:
    from collections.abc import Iterator

PATH = "/api/v1/ai/suggest-ingredients"
BODY = b'{"partial": ["leek", "potato"]}'
"""Not what the role's own verification asks: it has that question answered anew with each deployment."""
HEADERS = {"Content-Type": "application/json"}
KEPT_CONNECTIONS = 64
NEW_CONNECTION_EVERY = 10
NS = 1_000_000_000
HTTP_OK = 200


class Call(NamedTuple):
    """What became of a request.

    Attributes:
        due_ns: When it was due, by the clock that all processes of the machine share.
        late_ns: By how much it started later.
        latency_ns: From `due_ns` to the end of the answer.
        status: 0 where no answer came.
        cache: Outcome by `Cache-Status`.
        same: The bytes are those that were stored.
        error: Why no answer came.
    """

    due_ns: int
    late_ns: int
    latency_ns: int
    status: int
    cache: str
    same: bool
    error: str = ""


def main(url: str, rate: int, path: Path) -> None:
    """Send requests until SIGTERM and write a line for each.

    Args:
        url: Base URL of the service.
        rate: Requests per second.
        path: File for the calls.
    """
    ended = gevent.event.Event()
    gevent.signal_handler(signal.SIGTERM, ended.set)
    kept = Client(url, KEPT_CONNECTIONS, HEADERS)
    request = kept.compose(PATH, BODY)
    stored = kept.send(request)
    if stored.status != HTTP_OK:
        raise SystemExit(
            f"{url}{PATH}: expected an answer to store, got {stored.status} {stored.error}{stored.body[:200]!r}"
        )
    calls: list[Call] = []
    flying = Pool()

    def call(number: int, due_ns: int) -> None:
        started_ns = time.monotonic_ns()
        fresh = Client(url, 1, HEADERS) if number % NEW_CONNECTION_EVERY == 0 else None
        answer = (fresh or kept).send(request)
        ended_ns = time.monotonic_ns()
        if fresh:
            fresh.close()
        cache = parse_cache_status(answer.headers.get("cache-status")).outcome
        is_same = answer.body == stored.body
        calls.append(
            Call(due_ns, started_ns - due_ns, ended_ns - due_ns, answer.status, cache, is_same, answer.error or "")
        )

    begun_ns = time.monotonic_ns()
    number = 0
    while not ended.is_set():
        due_ns = begun_ns + number * NS // rate
        if (wait_ns := due_ns - time.monotonic_ns()) > 0:
            gevent.sleep(wait_ns / NS)
        flying.spawn(call, number, due_ns)
        number += 1
    flying.join()
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(calls)


def read(path: Path) -> Iterator[Call]:
    """Yield the calls of a file, in the order in which they ended."""
    with path.open(newline="", encoding="utf-8") as file:
        for due, late, latency, status, cache, same, error in csv.reader(file):
            yield Call(int(due), int(late), int(latency), int(status), cache, same == "True", error)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]))
