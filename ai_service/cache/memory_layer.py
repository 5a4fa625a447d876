"""The layer in front of the store: decoded entries of the last seconds, in this process."""

from __future__ import annotations

import time
from collections import OrderedDict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from ai_service.cache.entry import Entry

MAX_BYTES = 32 * 1024 * 1024
TRUST_S = 2.0
OVERHEAD_BYTES = 600
"""What an entry takes beside its body: struct, key, dictionary slot (measured with tracemalloc on CPython 3.11)."""


class MemoryLayer:
    """Least-recently-used entries, bounded in bytes.

    An entry is trusted for two seconds, so that what is purged or replaced in the store is gone everywhere by then.
    It is kept for longer, for the time in which the store is down.

    Args:
        max_bytes: Bound on bodies and their overhead.
        trust_s: Seconds in which the store is not asked again.
        clock: Monotonic seconds.
    """

    def __init__(
        self, *, max_bytes: int = MAX_BYTES, trust_s: float = TRUST_S, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._held: OrderedDict[str, tuple[Entry, float]] = OrderedDict()
        self._max_bytes = max_bytes
        self._trust_s = trust_s
        self._clock = clock
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._held)

    @property
    def size_bytes(self) -> int:
        """What the bound is compared with."""
        return self._bytes

    def trusted(self, key: str) -> Entry | None:
        """Return the entry if the store confirmed it within the last seconds, else None."""
        held = self._held.get(key)
        if held is None or held[1] <= self._clock():
            return None
        self._held.move_to_end(key)
        return held[0]

    def kept(self, key: str) -> Entry | None:
        """Return the entry however long ago the store confirmed it, or None."""
        held = self._held.get(key)
        return held[0] if held else None

    def put(self, key: str, entry: Entry, *, trust_s: float | None = None) -> None:
        """Keep an entry just read from or written to the store; any other is trusted for `trust_s` seconds."""
        self.drop(key)
        self._held[key] = (entry, self._clock() + (self._trust_s if trust_s is None else trust_s))
        self._bytes += _size(entry)
        while self._bytes > self._max_bytes:
            self.drop(next(iter(self._held)))

    def drop(self, key: str) -> None:
        """Forgets an entry."""
        held = self._held.pop(key, None)
        if held is not None:
            self._bytes -= _size(held[0])

    def drop_all(self, prefix: str) -> None:
        """Forgets every entry whose key begins so."""
        for key in [key for key in self._held if key.startswith(prefix)]:
            self.drop(key)


def _size(entry: Entry) -> int:
    return len(entry.body) + len(entry.packed or b"") + OVERHEAD_BYTES
