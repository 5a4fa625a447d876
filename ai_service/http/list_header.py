"""Header fields that are comma-separated lists (RFC 9110, section 5.6.1), over one line or several."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

TOKEN = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_ESCAPED = re.compile(rb"\\(.)", re.DOTALL)
_QUOTE, _BACKSLASH = b'"\\'


def elements(value: bytes, separator: bytes = b",") -> list[bytes]:
    """Split a list at its separators, but not inside of quoted strings; without white space around the elements.

    A quotation mark that is never closed begins no quoted string: a directive after it must not get lost.
    """
    if b'"' not in value:
        return [part.strip() for part in value.split(separator)]
    return [part.strip() for part in _split_unquoted(value, separator)]


def unquote(text: bytes) -> bytes:
    """Return the text of a quoted string, or a token as it is."""
    if len(text) >= 2 and text[0] == text[-1] == _QUOTE:
        return _ESCAPED.sub(rb"\1", text[1:-1])
    return text


def join_lines(headers: Iterable[tuple[bytes, bytes]], lists: frozenset[bytes]) -> dict[bytes, bytes]:
    """Return header fields by name: several lines of a list as one list, of any other field the last line."""
    joined: dict[bytes, bytes] = {}
    for name, value in headers:
        joined[name] = b"%b, %b" % (joined[name], value) if name in lists and name in joined else value
    return joined


def _split_unquoted(value: bytes, separator: bytes) -> list[bytes]:
    parts = []
    quoted, opened, start, at = False, 0, 0, 0
    while at < len(value):
        character = value[at]
        if quoted and character == _BACKSLASH:
            at += 1  # Whatever is escaped neither closes the string nor escapes in its turn.
        elif character == _QUOTE:
            quoted, opened = not quoted, at
        elif not quoted and character == separator[0]:
            parts.append(value[start:at])
            start = at + 1
        at += 1
    if not quoted:
        return [*parts, value[start:]]
    first, *rest = value[opened:].split(separator)
    return [*parts, value[start:opened] + first, *rest]
