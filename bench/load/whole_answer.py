"""Bounds of one answer, for every client here: how long the whole of it may take, and how large it may be.

A deadline between two parts alone would wait for ever for a service that sends a byte a second.
"""

from __future__ import annotations

CONNECT_SECONDS = 5.0
ANSWER_SECONDS = 120.0
"""Deadline of a whole answer, which may have to load a model first (30 to 60 s)."""

MAX_BYTES = 8 * 1024 * 1024
"""Of head and body: an answer of the service has some kilobytes."""
MAX_HEAD_BYTES = 128 * 1024
"""Likewise of a head, with the interim answers before it."""


class UnfinishedAnswerError(Exception):
    """No whole answer came within the bounds; the message says what came, and begins with the kind of failure."""


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


def check_head(size: int) -> None:
    """Refuse a head, interim answers before it included, that goes on for too long.

    Args:
        size: Bytes that came.

    Raises:
        UnfinishedAnswerError: It does.
    """
    if size > MAX_HEAD_BYTES:
        raise UnfinishedAnswerError(f"head: larger than {MAX_HEAD_BYTES // 1024} KiB")
