"""Server-sent events, as the command reads them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ai_service.cli.errors import CliError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

MAX_CHARACTERS = 8 * 2**20
"""Of one stream, far above the longest answer."""


@dataclass(frozen=True, slots=True)
class Event:
    """One event.

    Attributes:
        name: "" where the stream names none.
        data: Its text.
    """

    name: str
    data: str


def read_events(pieces: Iterable[str]) -> Iterator[Event]:
    """Read the events of a stream; comments are skipped.

    Args:
        pieces: The stream's text, in any pieces.

    Raises:
        CliError: The stream is too long.
    """
    name = ""
    data: list[str] = []
    for line in _lines(pieces):
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if not line and data:
            yield Event(name, "\n".join(data))
        if not line:
            name, data = "", []
        elif field == "event":
            name = value
        elif field == "data":
            data.append(value)


def _lines(pieces: Iterable[str]) -> Iterator[str]:
    size, rest = 0, ""
    for piece in pieces:
        size += len(piece)
        if size > MAX_CHARACTERS:
            raise CliError(f"The answer is longer than {MAX_CHARACTERS} characters; it was cut off.")
        *whole, rest = (rest + piece).split("\n")
        yield from (line.removesuffix("\r") for line in whole)
