"""Epochs: the part of every key that a purge replaces, so that what was stored before is out of reach."""

from __future__ import annotations

import re
import secrets
import time
from collections import deque
from typing import TYPE_CHECKING, Literal

from ai_service.cache.keys import answers_of, epoch_key
from ai_service.process.periodic import Periodic

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ai_service.cache.memory_layer import MemoryLayer
    from ai_service.cache.store import Store

INTERVAL_S = 1.0
"""Between two reads: half the time within which a purge has to reach every process."""
START_ATTEMPTS = 5
MAX_REPLACED = 64
_EPOCH = re.compile(rb"[0-9a-f]{20}")

Reach = Literal["store", "service"]


class Epochs:
    """Hold each task's epoch, follow those of the store, and begin a new one with each purge.

    An epoch is a value never used before, nor by another task: milliseconds since 1970, and random bits. Where the
    store has none (it is new, or evicted or lost it), the first process to notice stores one. Where the store has one
    that this process saw replaced (an old dump was loaded), the later one is put back. Any other is taken over as it
    is.

    Args:
        store: The store.
        memory: The layer in front of it.
        tasks: Names of the tasks.
        interval_s: Seconds between two reads.
        clock: Seconds since 1970.

    Attributes:
        reach: `store` where a purge reaches all who share the store, `service` where this process has one of its own.
    """

    def __init__(
        self,
        store: Store,
        memory: MemoryLayer,
        tasks: Sequence[str],
        *,
        interval_s: float = INTERVAL_S,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.reach: Reach = "store" if store.remote else "service"
        self._store = store
        self._memory = memory
        self._clock = clock
        self._held = {task: self._new() for task in tasks}
        self._replaced: dict[str, deque[str]] = {task: deque(maxlen=MAX_REPLACED) for task in tasks}
        self._stored: set[str] = set()
        self._reading = Periodic("reading the epochs", self.read, interval_s)

    def current(self, task: str) -> str:
        """Return a task's epoch."""
        return self._held[task]

    async def start(self) -> None:
        """Read the epochs, then go on in the background; a process that serves before would miss what is stored."""
        for _ in range(START_ATTEMPTS):
            await self._reading.once()
            if not self._store.available or self._stored.issuperset(self._held):
                break
        if self._store.remote:
            self._reading.start()

    async def stop(self) -> None:
        """Stop reading."""
        await self._reading.stop()

    async def read(self) -> None:
        """Read the epochs once, one after the other: nobody waits for it."""
        for task in self._held:
            await self._read(task)

    async def purge(self, task: str) -> int | None:
        """Purge the answers of a task, those included that are being computed.

        Args:
            task: Its name.

        Returns:
            How many the store held; None where it is down or full, so that other processes keep them for now.
        """
        await self._read(task)
        before, after = self._held[task], self._new(self._held[task])
        told = await self._store.set(epoch_key(task), after.encode())
        self._replace(task, after)
        removed = await self._store.purge(answers_of(before))
        return removed if told else None

    async def _read(self, task: str) -> None:
        held, raw = self._held[task], await self._store.get(epoch_key(task))
        if raw is None or not _EPOCH.fullmatch(raw):
            new = self._new(held) if task in self._stored else held
            if await self._store.set(epoch_key(task), new.encode(), if_absent=raw is None):
                self._replace(task, new)
                self._stored.add(task)
            return
        found = raw.decode()
        if found in self._replaced[task] and found < held:
            await self._store.set(epoch_key(task), held.encode())
            return
        self._replace(task, found)
        self._stored.add(task)

    def _replace(self, task: str, epoch: str) -> None:
        before = self._held[task]
        if epoch != before:
            self._held[task] = epoch
            self._replaced[task].append(before)
            self._memory.drop_all(answers_of(before))

    def _new(self, after: str = "") -> str:
        """Return an epoch that sorts after another, also where that one's clock was ahead."""
        milliseconds = max(int(self._clock() * 1000), int(after[:12] or "0", 16) + 1)
        return f"{milliseconds:012x}{secrets.token_hex(4)}"
