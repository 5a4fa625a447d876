"""The administrator's route to the cached answers of a task, without what was asked or answered."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, Literal

import msgspec
from starlette.routing import Route

from ai_service.cache.entry import decode
from ai_service.cache.keys import answers_of
from ai_service.errors import InvalidRequest, ServiceUnavailable
from ai_service.http.admin_routes import RETRY_AFTER_S, admin_answer, admin_only, reject_unknown_parameters

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from starlette.requests import Request
    from starlette.responses import Response

    from ai_service.access.admin_key import AdminKey
    from ai_service.cache.epochs import Epochs
    from ai_service.cache.hits import CacheHits
    from ai_service.cache.store import Store

MOST = 100
"""Answers that are listed: each is read from the store."""


class CachedAnswer(msgspec.Struct, frozen=True):
    """A cached answer.

    Attributes:
        id: Digest of the request.
        scope: `shared`, or what stands for the API key that it is kept for.
        model_digest: Of the model that is asked for.
        age_s: Seconds since it was computed.
        fresh_s: Seconds for which it stays fresh; negative where it is stale.
        bytes: What it takes in the store.
        hits_today: Times that it was served since midnight UTC; null where nobody counts.
        degraded: Whether a fallback wrote it.
    """

    id: str
    scope: str
    model_digest: str
    age_s: int
    fresh_s: int
    bytes: int
    hits_today: int | None
    provider: str
    model: str
    confidence: float
    degraded: bool


class CachedAnswers(msgspec.Struct, frozen=True):
    """Cached answers of a task, those with the most hits first.

    Attributes:
        covers: `store`, or `instance` where no store is shared.
        complete: Whether these are all; else any hundred of them.
    """

    covers: Literal["store", "instance"]
    task: str
    complete: bool
    answers: list[CachedAnswer]


class CacheEntriesRoutes:
    """Answer administrators about cached answers.

    Args:
        admin_key: Says who is one.
        tasks: Names of the tasks whose answers are entries.
        store: Where answers are.
        epochs: Part of every key.
        hits: How often each was served.
        clock: Seconds since the epoch.
    """

    def __init__(
        self,
        admin_key: AdminKey,
        *,
        tasks: Sequence[str],
        store: Store,
        epochs: Epochs,
        hits: CacheHits,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._admin_key = admin_key
        self._tasks = tuple(tasks)
        self._store = store
        self._epochs = epochs
        self._hits = hits
        self._clock = clock

    def routes(self) -> list[Route]:
        """Return the routes for the Starlette application."""
        return [Route("/api/v1/ai/cache/entries", admin_only(self._admin_key, self.list), methods=["GET"])]

    async def list(self, request: Request) -> Response:
        """Return cached answers of a task.

        Raises:
            InvalidRequest: There is no such task or parameter.
            ServiceUnavailable: The store is down.
        """
        reject_unknown_parameters(request, "task")
        task = request.query_params.get("task", "")
        if task not in self._tasks:
            raise InvalidRequest(f"Unknown task: {task[:64]}; expected one of {', '.join(self._tasks)}.")
        keys = await self._store.keys(answers_of(self._epochs.current(task)), MOST + 1)
        if keys is None:
            raise ServiceUnavailable("The store is down: it cannot list its answers.", retry_after_s=RETRY_AFTER_S)
        hits = await self._hits.of(keys)
        found = [await self._read(key, None if hits is None else hits[key]) for key in keys[:MOST]]
        answers = sorted(filter(None, found), key=lambda each: (-(each.hits_today or 0), each.age_s))
        covers: Literal["store", "instance"] = "store" if self._epochs.reach == "store" else "instance"
        return admin_answer(CachedAnswers(covers, task, len(keys) <= MOST, answers), "Cached answers.")

    async def _read(self, key: str, hits: int | None) -> CachedAnswer | None:
        """Return what is stored under a key; None where it is gone or no answer."""
        raw = await self._store.get(key)
        entry = decode(raw, key) if raw is not None else None
        if raw is None or entry is None:
            return None
        scope, _, model_digest, request_digest = key.rsplit(":", 4)[1:]
        now = self._clock()
        return CachedAnswer(
            id=request_digest,
            scope=scope,
            model_digest=model_digest,
            age_s=max(0, math.floor(now - entry.created)),
            fresh_s=math.floor(entry.fresh_until - now),
            bytes=len(raw),
            hits_today=hits,
            provider=entry.provider,
            model=entry.model,
            confidence=entry.confidence,
            degraded=entry.degraded,
        )
