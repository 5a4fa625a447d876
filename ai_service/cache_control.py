"""What a request asks for by `Cache-Control` (RFC 9111, section 5.2.1)."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

_DIRECTIVE = re.compile(rb'([a-z-]+)(?:="?([^",]*)"?)?')


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
    """Reads the directives that are honoured; others are ignored, as HTTP wants it."""
    words = dict(_DIRECTIVE.findall(value.lower()))
    max_stale = words.get(b"max-stale")
    return Directives(
        no_cache=b"no-cache" in words,
        no_store=b"no-store" in words,
        only_if_cached=b"only-if-cached" in words,
        max_stale_s=0.0 if max_stale is None else _delta_seconds(max_stale),
    )


def _delta_seconds(argument: bytes) -> float:
    """`max-stale` without an argument means any age; one that is no number is none (RFC 9111, section 1.2.2)."""
    if not argument:
        return math.inf
    return float(argument) if argument.isdigit() else 0.0
