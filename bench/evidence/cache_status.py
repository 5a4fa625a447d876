"""Reading the ``Cache-Status`` header of RFC 9211: did this answer come from the cache, by the cache's own word?"""

from __future__ import annotations

import re
from typing import NamedTuple

OUR_CACHE = "alchemorsel"
_MEMBER = re.compile(r'(?:[^",]|"(?:[^"\\]|\\.)*")+')
_PARAMETER = re.compile(r'(?:[^";]|"(?:[^"\\]|\\.)*")+')


class CacheStatus(NamedTuple):
    """What one cache says about one answer.

    Attributes:
        outcome: ``hit``; ``stale`` or ``coalesced`` for a hit that was one of those; ``miss``; ``bypass``;
            ``expired`` for an entry that was too old and was computed anew; ``none`` where the header says nothing.
            The words are those of the service's ``cache`` metric label.
        detail: Where the answer lay (``memory``, ``redis``), empty if unsaid.
    """

    outcome: str
    detail: str


_UNKNOWN = CacheStatus("none", "")
_FORWARDED = {"miss": "miss", "uri-miss": "miss", "vary-miss": "miss", "bypass": "bypass", "stale": "expired"}


def parse_cache_status(header: str | None) -> CacheStatus:
    """Return what the service's cache says in a ``Cache-Status`` header.

    The header lists every cache on the way; only the member named ``alchemorsel`` is the cache under test, so a hit
    in some proxy in front never counts as one of the service's.

    Args:
        header: The header's value, or None where the answer had none.

    Returns:
        The outcome; ``none`` for a header that is missing, names other caches only, or says neither hit nor forward.
    """
    for member in _MEMBER.findall(header or ""):
        name, *parameters = (part.strip() for part in _PARAMETER.findall(member))
        if name.strip('"') != OUR_CACHE:
            continue
        values = dict(_split(parameter) for parameter in parameters)
        detail = values.get("detail", "")
        if values.get("hit") in {"", "?1"}:
            return CacheStatus(detail if detail in {"stale", "coalesced"} else "hit", detail)
        outcome = _FORWARDED.get(values.get("fwd", ""), "none")
        # A request that waited for another one's answer was forwarded, but neither hit nor computed.
        return CacheStatus("coalesced" if detail == "coalesced" else outcome, detail)
    return _UNKNOWN


def _split(parameter: str) -> tuple[str, str]:
    key, _, value = parameter.partition("=")
    return key.strip().lower(), value.strip().strip('"')
