"""An answer while it is being written: the text of its data, and each part of it as soon as that is complete.

A model writes a shorter form than callers get. So its text is parsed as far as it goes (jiter, made for JSON that is
not complete yet) and written again in the contract's form. That is a preview: the checks come when all is there, and
may repair a value or leave a repetition out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import jiter
import msgspec

from ai_service.providers.transcript import Part, Text
from ai_service.schemas import fold

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

MAX_CHARACTERS = 65_536
"""Of a text that is still previewed: each piece has all of it parsed again, and no answer is nearly as long."""

_encode = msgspec.json.Encoder().encode


def _same(value: Any) -> Any:
    return value


class Field(NamedTuple):
    """A field of an answer.

    Attributes:
        event: Name of the event that carries it, or one item of it.
        items: Whether it is a list whose items are parts of their own.
        expand: Makes the contract's value of what the model writes; texts that it would leave as they are come in
            pieces.

    Raises of `expand`:
        ValueError: The model wrote something else.
    """

    event: str
    items: bool = False
    expand: Callable[[Any], Any] = _same


class Preview:
    """What can be shown of one answer.

    Args:
        fields: Those that are shown, by name; others are left out.
    """

    def __init__(self, fields: Mapping[str, Field]) -> None:
        self._fields = fields
        self._written = ""
        self._sent = 0
        self._parts: dict[str, int] = dict.fromkeys(fields, 0)
        self._shown = ""
        self._ended = False

    def read(self, text: str) -> list[Text | Part]:
        """Take a piece of the model's text; return what it makes readable. Nothing more after what is no answer."""
        self._written += text
        if self._ended or not self._written.strip():
            return []
        try:
            return self._read()
        except (ValueError, TypeError, AttributeError, RecursionError):  # Judged when it is complete.
            self._ended = True
            return []

    def _read(self) -> list[Text | Part]:
        if len(self._written) > MAX_CHARACTERS:
            self._ended = True
            return []
        raw = self._written.encode()
        begun = jiter.from_json(raw, partial_mode="trailing-strings")
        complete = jiter.from_json(raw, partial_mode=True)
        self._ended = whole = _is_whole(raw)
        shown = "".join(self._text(begun, complete, whole=whole))
        if not shown.startswith(self._shown):  # A field came twice.
            raise ValueError("the text does not go on as it began")
        piece, self._shown = shown[len(self._shown) :], shown
        return [*([Text(piece)] if piece else []), *self._new_parts(begun, complete, whole=whole)]

    def _text(self, begun: dict[str, Any], complete: dict[str, Any], *, whole: bool) -> Iterator[str]:
        """Yield the text of the data so far."""
        yield "{"
        known = [name for name in begun if name in self._fields]
        for place, name in enumerate(known):
            field, value = self._fields[name], begun[name]
            yield f'{"," if place else ""}"{name}":'
            ends = whole or name != next(reversed(begun))
            if field.items:
                _require_list(value)
                yield "["
                yield from self._items(field, value, complete.get(name, []), ends=ends)
                yield "]" if ends else ""
            elif ends or (isinstance(value, str) and name in complete):
                yield _json(field.expand(value))
            elif isinstance(value, str) and field.expand is _same:
                yield _json(value)[:-1]
        yield "}" if whole else ""

    def _items(self, field: Field, begun: Sequence[Any], complete: Sequence[Any], *, ends: bool) -> Iterator[str]:
        for place, item in enumerate(begun):
            comma = "," if place else ""
            if _is_complete(place, begun, complete, ends=ends):
                yield comma + _json(field.expand(item))
            elif isinstance(item, str) and field.expand is _same:
                yield comma + _json(item)[:-1]

    def _new_parts(self, begun: dict[str, Any], complete: dict[str, Any], *, whole: bool) -> Iterator[Part]:
        """Yield the parts that were not complete before."""
        for name, value in begun.items():
            field = self._fields.get(name)
            if field is None:
                continue
            ends = whole or name != next(reversed(begun))
            if field.items:
                items = value[self._parts[name] :]
                for place, item in enumerate(items, self._parts[name]):
                    if _is_complete(place, value, complete.get(name, []), ends=ends):
                        self._parts[name] += 1
                        yield Part(field.event, name, _folded(field.expand(item)), place)
            elif not self._parts[name] and (ends or (isinstance(value, str) and name in complete)):
                self._parts[name] = 1
                yield Part(field.event, name, _folded(field.expand(value)))


def _require_list(value: Any) -> None:
    if not isinstance(value, list):
        raise TypeError("expected a list")


def _is_complete(place: int, begun: Sequence[Any], complete: Sequence[Any], *, ends: bool) -> bool:
    """Return whether an item is complete: another one follows, or it is a text with its closing quote."""
    return ends or place < len(begun) - 1 or (isinstance(begun[place], str) and place < len(complete))


def _is_whole(raw: bytes) -> bool:
    """Return whether a text is a whole object."""
    if not raw.rstrip().endswith(b"}"):
        return False
    try:
        jiter.from_json(raw)
    except ValueError:
        return False
    return True


def _json(value: Any) -> str:
    return _encode(value).decode()


def _folded(value: Any) -> Any:
    return fold(value) if isinstance(value, str) else value
