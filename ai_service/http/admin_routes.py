"""The administrator's routes: statistics, purge and warm-up of the cache, and token usage by API key."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, Literal, TypeAlias, TypeVar

import msgspec
from starlette.responses import Response
from starlette.routing import Route

from ai_service.answers.token_usage import DayUsage  # noqa: TC001 - msgspec reads the types of the fields
from ai_service.answers.warmup import WarmupReport  # noqa: TC001 - msgspec reads the types of the fields
from ai_service.cache.epochs import Reach  # noqa: TC001 - msgspec reads the types of the fields
from ai_service.cache.keys import answers_of
from ai_service.errors import Conflict, InvalidRequest, PayloadTooLarge, ServiceUnavailable

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from starlette.requests import Request

    from ai_service.access.admin_key import AdminKey
    from ai_service.answers.token_usage import TokenUsage
    from ai_service.answers.warmup import Warmup, WarmupRequests
    from ai_service.cache.epochs import Epochs
    from ai_service.cache.memory_layer import MemoryLayer
    from ai_service.cache.store import Store
    from ai_service.resilience.idle_queue import IdleQueue

MAX_WARMUP_BYTES = 64 * 1024
RETRY_AFTER_S = 5.0

_FOLLOW: dict[Reach, str] = {
    "store": "Cache purged; all other processes follow within 2 s.",
    "service": "Cache purged in this instance; no store is shared, so that other instances keep theirs.",
}

Data = TypeVar("Data")

_encode = msgspec.json.Encoder().encode


class StoreStatistics(msgspec.Struct, frozen=True):
    """Contents of the cache's store.

    Attributes:
        covers: `store`, or `instance` where no store is shared.
        entries: Number of answers by task; null where the store is down.
    """

    covers: Literal["store", "instance"]
    name: str
    available: bool
    entries: dict[str, int | None]


class MemoryStatistics(msgspec.Struct, frozen=True):
    """Contents of this instance's memory."""

    entries: int
    bytes: int
    covers: Literal["instance"] = "instance"


class Statistics(msgspec.Struct, frozen=True):
    """State of the cache as seen by the instance that answers.

    Attributes:
        background_waiting: Number of waiting background jobs of the instance.
    """

    instance: str
    store: StoreStatistics
    memory: MemoryStatistics
    background_waiting: int
    warmup: WarmupReport


class Purged(msgspec.Struct, frozen=True):
    """Result of a purge.

    Attributes:
        purged: Number of purged answers by task.
        reach: `store`: all instances that share the store; `service`: this instance only, without a shared store.
    """

    purged: dict[str, int]
    reach: Reach


class UsageReport(msgspec.Struct, frozen=True):
    """Tokens of the answers that were computed for API keys, by day; answers from the cache count none.

    Attributes:
        covers: `store`: all instances that share the store; `instance`: the instance that answers, while the store is
            down or not shared.
        days: The last days, today first.
    """

    covers: Literal["store", "instance"]
    days: list[DayUsage]


class Done(msgspec.Struct, Generic[Data], frozen=True):
    """Body of every answer of an administrator's route."""

    success: bool
    data: Data
    message: str


Handler: TypeAlias = "Callable[[Request], Awaitable[Response]]"


def admin_only(admin_key: AdminKey, answer: Handler) -> Handler:
    """Return a handler that answers those who present the administrator's key."""

    async def guarded(request: Request) -> Response:
        admin_key.check(request)
        return await answer(request)

    return guarded


def admin_answer(data: object, message: str, *, status: int = 200) -> Response:
    """Return the answer of an administrator's route; no cache may keep it."""
    body = _encode(Done(success=True, data=data, message=message))
    return Response(body, status, {"cache-control": "no-store"}, "application/json")


def reject_unknown_parameters(request: Request, known: str) -> None:
    """Refuse a query with another parameter than the known one.

    Raises:
        InvalidRequest: There is one.
    """
    if unknown := sorted(set(request.query_params) - {known}):
        raise InvalidRequest(f"Unknown parameter: {unknown[0][:64]}; expected `{known}` or none.")


class AdminRoutes:
    """Answers administrators.

    Args:
        admin_key: Says who is one.
        instance: Name of this instance among those of its host.
        tasks: Names of the tasks.
        store: The store.
        memory: The layer in front of it.
        epochs: Purges answers.
        usage: Tokens by API key.
        warmup: Computes common ones.
        background: Does what nobody waits for.
        requests: What a warm-up asks where the request does not say.
    """

    def __init__(
        self,
        admin_key: AdminKey,
        *,
        instance: str = "",
        tasks: Sequence[str],
        store: Store,
        memory: MemoryLayer,
        epochs: Epochs,
        usage: TokenUsage,
        warmup: Warmup,
        background: IdleQueue,
        requests: WarmupRequests,
    ) -> None:
        self._admin_key = admin_key
        self._instance = instance
        self._tasks = tuple(tasks)
        self._store = store
        self._memory = memory
        self._epochs = epochs
        self._usage = usage
        self._warmup = warmup
        self._background = background
        self._requests = requests
        self._decoder = msgspec.json.Decoder(dict[str, list[dict[str, Any]]])

    def routes(self) -> list[Route]:
        """For the Starlette application."""
        return [
            Route("/api/v1/ai/cache", admin_only(self._admin_key, self.purge), methods=["DELETE"]),
            Route("/api/v1/ai/cache/stats", admin_only(self._admin_key, self.stats), methods=["GET"]),
            Route("/api/v1/ai/cache/warmup", admin_only(self._admin_key, self.warm_up), methods=["POST"]),
            Route("/api/v1/ai/usage", admin_only(self._admin_key, self.usage), methods=["GET"]),
        ]

    async def stats(self, _request: Request) -> Response:
        """Return cache statistics: entries by task in the store (null while it is down), memory and background work."""
        counts = {task: await self._store.count(answers_of(self._epochs.current(task))) for task in self._tasks}
        shared = self._epochs.reach == "store"
        data = Statistics(
            instance=self._instance,
            store=StoreStatistics(
                covers="store" if shared else "instance",
                name=self._store.name,
                available=self._store.available,
                entries=counts,
            ),
            memory=MemoryStatistics(entries=len(self._memory), bytes=self._memory.size_bytes),
            background_waiting=len(self._background),
            warmup=self._warmup.report,
        )
        return admin_answer(data, "Cache statistics.")

    async def purge(self, request: Request) -> Response:
        """Purges a task, or all of them.

        Raises:
            InvalidRequest: There is no such task or parameter.
            ServiceUnavailable: The store is down.
        """
        reject_unknown_parameters(request, "task")
        task = request.query_params.get("task")
        if task is not None and task not in self._tasks:
            raise InvalidRequest(f"Unknown task: {task[:64]}; expected one of {', '.join(self._tasks)}.")
        names = (task,) if task else self._tasks
        counts = {name: await self._epochs.purge(name) for name in names}
        purged = {name: count for name, count in counts.items() if count is not None}
        if len(purged) < len(names):
            kept = ", ".join(name for name in names if name not in purged)
            raise ServiceUnavailable(
                f"The store is down or full and did not take the purge of {kept}; only this instance forgot "
                "its answers. Purge again when the store is well.",
                retry_after_s=RETRY_AFTER_S,
            )
        return admin_answer(Purged(purged=purged, reach=self._epochs.reach), _FOLLOW[self._epochs.reach])

    async def warm_up(self, request: Request) -> Response:
        """Begins a warm-up with the requests of the body, or with the configured ones.

        Raises:
            InvalidRequest: The body is wrong.
            UnprocessableRequest: A request is impossible.
            Conflict: A warm-up is under way.
        """
        if self._warmup.report.running:
            raise Conflict("A warm-up is already running.")
        body = await _read(request)
        try:
            requests = self._decoder.decode(body) if body else self._requests
        except (ValueError, RecursionError) as error:
            raise InvalidRequest(f"Expected an object with a list of requests for each task: {error}.") from None
        if unknown := sorted(set(requests) - set(self._warmup.tasks)):
            expected = ", ".join(self._warmup.tasks)
            raise InvalidRequest(f"Unknown task: {unknown[0][:64]}; expected some of {expected}.")
        self._warmup.start(requests)
        return admin_answer(self._warmup.report, "Warm-up begun.", status=202)

    async def usage(self, _request: Request) -> Response:
        """Return the tokens computed for each API key, today and on the last days."""
        days, shared = await self._usage.days()
        return admin_answer(UsageReport(covers="store" if shared else "instance", days=days), "Token usage by API key.")


async def _read(request: Request) -> bytes:
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_WARMUP_BYTES:
            raise PayloadTooLarge(f"Expected a body of at most {MAX_WARMUP_BYTES} bytes, got more.")
    return body
