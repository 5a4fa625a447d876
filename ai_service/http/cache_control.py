"""What a request asks for by `Cache-Control` (RFC 9111, section 5.2.1)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

from ai_service.http.list_header import TOKEN, elements, unquote

MAX_REMEMBERED_BYTES = 512


@dataclass(frozen=True, slots=True)
class Directives:
    """The directives that are honoured.

    Attributes:
        no_cache: Compute anew, whatever is stored; the new answer may be stored.
        no_store: Compute anew, and store nothing.
        only_if_cached: Answer from the cache or not at all.
        max_stale_s: So many seconds past its freshness an answer is still welcome; infinite for `max-stale` alone.
    """

    no_cache: bool = False
    no_store: bool = False
    only_if_cached: bool = False
    max_stale_s: float = 0.0

    @property
    def bypass(self) -> bool:
        """Whether what is stored is of no interest."""
        return self.no_store or self.no_cache


def parse_cache_control(value: bytes) -> Directives:
    """Read the directives that are honoured; others are ignored, as HTTP wants it."""
    return (_remembered if len(value) <= MAX_REMEMBERED_BYTES else _parse)(value)


def _parse(value: bytes) -> Directives:
    names: set[bytes] = set()
    stale: list[float] = []
    for element in elements(value):
        name, separator, argument = element.partition(b"=")
        name = name.strip().lower()
        if not TOKEN.fullmatch(name):
            continue
        names.add(name)
        if name == b"max-stale":
            stale.append(_delta_seconds(unquote(argument.strip())) if separator else math.inf)
    return Directives(
        no_cache=b"no-cache" in names,
        no_store=b"no-store" in names,
        only_if_cached=b"only-if-cached" in names,
        max_stale_s=min(stale, default=0.0),  # Of several the least: no answer is staler than anybody wants.
    )


_remembered = lru_cache(256)(_parse)


def _delta_seconds(argument: bytes) -> float:
    """Read seconds; what is no number of them is none (RFC 9111, section 1.2.2)."""
    return float(argument) if argument.isdigit() else 0.0
