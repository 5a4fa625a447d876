"""Bounds of one answer, for every client here: how long the whole of it may take, and how large it may be.

A deadline between two parts alone would wait for ever for a service that sends a byte a second.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import httpx

CONNECT_SECONDS = 5.0
ANSWER_SECONDS = 120.0
"""Deadline of a whole answer, which may have to load a model first (30 to 60 s)."""

MAX_BYTES = 8 * 1024 * 1024
"""An answer of the service has some kilobytes."""


class UnfinishedAnswerError(Exception):
    """No whole answer came within the bounds; the message says what came, and begins with the kind of failure."""


def read_whole(
    response: httpx.Response,
    began: float,
    clock: Callable[[], float] = time.monotonic,
    most_seconds: float = ANSWER_SECONDS,
) -> Iterator[bytes]:
    """Yield the parts of a body as they come.

    Args:
        response: Opened as a stream.
        began: When the request was sent, by the clock.
        clock: Monotonic seconds.
        most_seconds: For the whole answer.

    Raises:
        UnfinishedAnswerError: It takes too long, or is too large.
    """
    size = 0
    for part in response.iter_bytes():
        size += len(part)
        check(size, clock() - began, most_seconds)
        yield part


def check(size: int, seconds: float, most_seconds: float = ANSWER_SECONDS) -> None:
    """Refuse an answer that goes on for too long.

    Args:
        size: Bytes that came.
        seconds: Since the request was sent.
        most_seconds: For the whole answer.

    Raises:
        UnfinishedAnswerError: It does.
    """
    if seconds > most_seconds:
        raise UnfinishedAnswerError(f"timeout: no whole answer within {most_seconds:g} s, {size} bytes came")
    if size > MAX_BYTES:
        raise UnfinishedAnswerError(f"body: larger than {MAX_BYTES // 2**20} MiB")
