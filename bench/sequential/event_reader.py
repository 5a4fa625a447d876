"""Server-sent events out of chunks: a chunk may hold many events, and an event may come in many chunks.

(WHATWG HTML, section 9.2.6, as far as a stream of answers needs it: names and data, comments, any end of line.)
"""

from __future__ import annotations

import codecs
import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

_END_OF_LINE = re.compile(r"\r\n|\n|\r(?!$)")
"""A carriage return at the end of what came may be half of an end of line."""


class Event(NamedTuple):
    """One event.

    Attributes:
        name: Of its ``event`` field; ``message`` where it has none.
        data: Its ``data`` lines, joined.
    """

    name: str
    data: str


class EventReader:
    """Reads a stream as it comes."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._rest = ""
        self._name = ""
        self._data: list[str] = []

    def feed(self, chunk: bytes) -> Iterator[Event]:
        """Yield the events that are complete with this chunk."""
        *lines, self._rest = _END_OF_LINE.split(self._rest + self._decoder.decode(chunk))
        for line in lines:
            field, _, value = line.partition(":")
            value = value.removeprefix(" ")
            if not line:
                if self._data:
                    yield Event(self._name or "message", "\n".join(self._data))
                self._name, self._data = "", []
            elif field == "event":
                self._name = value
            elif field == "data":
                self._data.append(value)
