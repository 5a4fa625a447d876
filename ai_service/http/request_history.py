"""The last requests, for administrators: in the store for all instances, in memory for the time in which it is down."""

from __future__ import annotations

from collections import deque
from datetime import datetime  # noqa: TC003 - msgspec reads the types of the fields
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from ai_service.cache.keys import RECENT
from ai_service.process.write_behind import WriteBehind

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ai_service.cache.store import Store
    from ai_service.observability.structured_log import Access

LIMIT = 200
"""Requests that are kept."""
DELAY_S = 0.5
"""Time for which requests are collected before they are written."""
RETRY_S = 2.0

_encode = msgspec.json.Encoder().encode


class RecentRequest(msgspec.Struct, frozen=True):
    """A request as it is logged, without a word of what was asked or answered.

    Attributes:
        time: When it was answered.
        id: Its `X-Request-Id`.
        instance: Name of the instance that answered.
        route: Method and path, or the name of the task.
        status: HTTP status; 499 where the client left first.
        cache: `hit`, `miss`, `stale`, ...; `none` without a look into the cache.
        provider: What computed the answer; "" for none.
        key: Name of the API key; "" for none.
        duration_ms: Milliseconds until the last byte was handed over.
        fallback: Providers that gave no answer, and why.
        error: The `code` of an error; "" without one.
    """

    time: datetime
    id: str
    instance: str
    route: str
    status: int
    cache: str
    provider: str
    key: str
    duration_ms: float
    fallback: tuple[str, ...] = ()
    error: str = ""


class History(NamedTuple):
    """The last requests, newest first.

    Attributes:
        shared: Whether they are those of all instances that share the store; else this instance's alone.
    """

    requests: list[RecentRequest]
    shared: bool


class RequestHistory:
    """Keep the last requests.

    Args:
        store: Shared by the instances, or this process's own.
        instance: Name of this instance.
        delay_s: Seconds for which requests are collected before they are written.
        retry_s: Seconds after which a store that did not take them is tried again.
    """

    def __init__(self, store: Store, *, instance: str = "", delay_s: float = DELAY_S, retry_s: float = RETRY_S) -> None:
        self._store = store
        self._instance = instance
        self._own: deque[Access] = deque(maxlen=LIMIT)
        self._unwritten: deque[Access] = deque(maxlen=LIMIT)
        self._writer = WriteBehind(self._flush, lambda: bool(self._unwritten), delay_s=delay_s, retry_s=retry_s)
        self._decoder = msgspec.json.Decoder(RecentRequest)

    def record(self, lines: Sequence[Access]) -> None:
        """Keep what was logged; the store gets it in the background."""
        self._own.extend(lines)
        if not self._store.remote:
            return
        self._unwritten.extend(lines)
        self._writer.wake()

    async def latest(self, count: int = LIMIT) -> History:
        """Return the last requests; those of this instance alone while the store is down or not shared."""
        found = await self._store.latest(RECENT, LIMIT) if self._store.remote else None
        if found is None:
            return History([self._request(line) for line in reversed(self._own)][:count], shared=False)
        requests = [*map(self._request, self._unwritten), *self._read(found)]
        return History(sorted(requests, key=lambda each: each.time, reverse=True)[:count], shared=True)

    async def find(self, request_id: str) -> RecentRequest | None:
        """Return the newest of the last requests that has this ID."""
        requests, _ = await self.latest()
        return next((each for each in requests if each.id == request_id), None)

    async def close(self) -> None:
        """Write what is not written yet, unless the store is down."""
        await self._writer.close()

    async def _flush(self) -> bool:
        """Write the waiting requests; return whether the store has them."""
        batch = list(self._unwritten)
        records = [_encode(self._request(line)) for line in batch]
        if not batch or not await self._store.append(RECENT, records, LIMIT):
            return not batch
        for each in batch:  # Newer ones may have come meanwhile, and have pushed out older ones.
            if self._unwritten and self._unwritten[0] is each:
                self._unwritten.popleft()
        return True

    def _read(self, records: Iterable[bytes]) -> Iterable[RecentRequest]:
        """Yield the readable ones: another release may write others."""
        for record in records:
            try:
                yield self._decoder.decode(record)
            except ValueError:
                continue

    def _request(self, line: Access) -> RecentRequest:
        return RecentRequest(
            time=line.time,
            id=line.request_id,
            instance=self._instance,
            route=line.route or line.task,
            status=line.status,
            cache=line.cache,
            provider=line.provider,
            key=line.key,
            duration_ms=line.duration_ms,
            fallback=line.fallback,
            error=line.error,
        )
