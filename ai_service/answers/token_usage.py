"""Tokens of the answers that were computed for API keys, counted by key and UTC day."""

from __future__ import annotations

import secrets
import time
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from ai_service.cache.keys import day_of, usage_key
from ai_service.process.write_behind import WriteBehind

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ai_service.answers.caller import Caller
    from ai_service.cache.store import Store

DAYS = 7
"""Days that are shown, today included."""
DAY_S = 86_400
KEPT_S = (DAYS + 1.0) * DAY_S
DELAY_S = 0.1
"""Time for which counts are collected before they are written, after the callers have their answers."""
RETRY_S = 1.0


class KeyUsage(msgspec.Struct, frozen=True):
    """What was computed for an API key on a day; answers from the cache count nothing.

    Attributes:
        prompt_tokens: Tokens read, as counted by the providers.
        completion_tokens: Tokens written, attempts without a good answer included.
        requests: Requests with an answer computed for them.
    """

    prompt_tokens: int
    completion_tokens: int
    requests: int


class DayUsage(msgspec.Struct, frozen=True):
    """Usage of a day.

    Attributes:
        day: The UTC day, such as 2026-11-30.
        keys: Usage by the name of the API key.
    """

    day: str
    keys: dict[str, KeyUsage]


class _Batch(NamedTuple):
    """Counts being written; sent again under the same name until the store has them."""

    name: str
    day: str
    amounts: Counter[str]


class TokenUsage:
    """Count tokens in the store, for all processes that share it, and in this process while the store is away.

    Args:
        store: Where counts are kept.
        clock: Seconds since the epoch.
        delay_s: Seconds for which counts are collected before they are written.
        retry_s: Seconds between two attempts to write.
    """

    def __init__(
        self,
        store: Store,
        *,
        clock: Callable[[], float] = time.time,
        delay_s: float = DELAY_S,
        retry_s: float = RETRY_S,
    ) -> None:
        self._store = store
        self._clock = clock
        self._stored: tuple[str, Counter[str]] = ("", Counter())
        self._waiting: dict[str, Counter[str]] = {}
        self._batch: _Batch | None = None
        self._writer = WriteBehind(self._flush, self._waits, delay_s=delay_s, retry_s=retry_s)
        self._refused = False

    @property
    def per_process(self) -> bool:
        """Whether each process counts for itself, because the store is down, refuses to count, or is not shared."""
        return self._refused or not self._store.available or not self._store.remote

    def add(self, caller: Caller, *, prompt_tokens: int, completion_tokens: int, requests: int = 1) -> None:
        """Count tokens for a caller's API key; the store gets them in the background."""
        counted = msgspec.structs.asdict(KeyUsage(prompt_tokens, completion_tokens, requests))
        if not caller.name or not any(counted.values()):
            return
        waiting = self._waiting.setdefault(self._day(), Counter())
        for field, amount in counted.items():
            waiting[f"{caller.name}:{field}"] += amount
        self._writer.wake()

    async def spent(self, caller: Caller) -> int:
        """Return the tokens of a caller's API key today, of prompts and completions together."""
        today = self._day()
        await self._read(today)
        return self.known(caller)

    def known(self, caller: Caller) -> int:
        """Return the tokens of `spent` as far as this process knows, without a look into the store."""
        today, fields = self._day(), (f"{caller.name}:prompt_tokens", f"{caller.name}:completion_tokens")
        return sum(counts[field] for counts in (self._held(today), *self._unwritten(today)) for field in fields)

    async def days(self) -> tuple[list[DayUsage], bool]:
        """Return the usage of the last days, today first; and whether it is that of all processes.

        While the store is away, it is today's alone, as this process knows it.
        """
        now = self._clock()
        days = []
        for back in range(DAYS):
            day = day_of(now - back * DAY_S)
            stored = await self._read(day)
            if stored is None and back:
                continue
            total = sum(self._unwritten(day), Counter(self._held(day) if stored is None else stored))
            days.append(DayUsage(day, _by_key(total)))
        return days, not self.per_process

    async def close(self) -> None:
        """Write what is counted, unless the store is away."""
        await self._writer.close()

    def _waits(self) -> bool:
        return bool(self._batch or self._waiting)

    async def _flush(self) -> bool:
        """Write the counts of a day; return whether the store has them."""
        if self._batch is None:
            day = next(iter(self._waiting))
            self._batch = _Batch(secrets.token_hex(8), day, self._waiting.pop(day))
        name, day, amounts = self._batch
        written = await self._store.add(usage_key(day), amounts, KEPT_S, batch=name)
        self._refused = not written and self._store.available
        if written:
            self._batch = None
            if day == self._stored[0]:
                self._stored[1].update(amounts)
        return written

    async def _read(self, day: str) -> dict[str, int] | None:
        """Return the store's counts of a day, and remember today's for the time in which it is away."""
        stored = await self._store.amounts(usage_key(day))
        self._refused = stored is None and self._store.available
        if stored is not None and day == self._day():
            self._stored = (day, Counter(stored))
        return stored

    def _held(self, day: str) -> Counter[str]:
        """Return the store's counts of a day as last seen."""
        return self._stored[1] if self._stored[0] == day else Counter()

    def _unwritten(self, day: str) -> list[Counter[str]]:
        batch = [self._batch.amounts] if self._batch is not None and self._batch.day == day else []
        return [*batch, self._waiting.get(day, Counter())]

    def _day(self) -> str:
        return day_of(self._clock())


def _by_key(amounts: Mapping[str, int]) -> dict[str, KeyUsage]:
    """Return usage by the key's name; fields of other releases are left out."""
    found: dict[str, dict[str, int]] = {}
    for name, amount in amounts.items():
        key, _, field = name.rpartition(":")
        if field in KeyUsage.__struct_fields__:
            found.setdefault(key, dict.fromkeys(KeyUsage.__struct_fields__, 0))[field] = amount
    return {key: KeyUsage(**found[key]) for key in sorted(found)}
