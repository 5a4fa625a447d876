"""Every route as its callers see it. A test holds this table and what is really served together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import msgspec

from ai_service.answers.warmup import WarmupReport
from ai_service.errors import (
    Conflict,
    ContextLengthExceeded,
    InvalidRequest,
    NotCached,
    PayloadTooLarge,
    RequestNotFound,
    ServiceUnavailable,
    UnprocessableRequest,
)
from ai_service.health.containers import ContainersReport  # noqa: TC001 - msgspec reads the types of fields
from ai_service.http.admin_routes import Done, Purged, Statistics, UsageReport
from ai_service.http.cache_entries_routes import CachedAnswers
from ai_service.http.request_history import LIMIT, RecentRequest
from ai_service.http.request_history_routes import RecentRequests
from ai_service.ollama_api.operations import ollama_operations
from ai_service.openai.operations import openai_operations
from ai_service.openapi.document import ANSWER_ERRORS, ANSWER_HEADERS, READ_ERRORS, Answer, Document, Operation
from ai_service.resilience.pool.report import PoolProblem, ServerHealth  # noqa: TC001 - the same
from ai_service.schemas import Envelope, Nutrition, Recipe, Suggestions

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ai_service.tasks import Task

CACHE_CONTROL: Document = {
    "name": "Cache-Control",
    "in": "header",
    "description": (
        "`no-cache` computes the answer anew; `no-store` also keeps it out of the cache; `only-if-cached` accepts a"
        " cached answer only (504 without one); `max-stale[=seconds]` accepts a stale one. Others are ignored."
    ),
    "schema": {"type": "string", "examples": ["no-cache", "no-store", "max-stale=60"]},
}
REQUEST_ID: Document = {
    "name": "X-Request-Id",
    "in": "header",
    "description": "ID of the request in logs: 1 to 64 letters, digits, '.', '_' and '-'. An invalid ID is replaced.",
    "schema": {"type": "string"},
}
TASK: Document = {
    "name": "task",
    "in": "query",
    "description": "Purge the answers of this task only; all tasks without it.",
    "schema": {"type": "string", "enum": ["recipe", "ingredients", "nutrition", "chat", "embeddings"]},
}
CACHED_TASK: Document = {
    "name": "task",
    "in": "query",
    "required": True,
    "description": "Task of the answers.",
    "schema": {"type": "string", "enum": ["recipe", "ingredients", "nutrition", "chat"]},
}
LIMIT_PARAMETER: Document = {
    "name": "limit",
    "in": "query",
    "description": "Number of requests to list.",
    "schema": {"type": "integer", "minimum": 1, "maximum": LIMIT, "default": LIMIT},
}
RECENT_ID: Document = {
    "name": "id",
    "in": "path",
    "required": True,
    "description": "`X-Request-Id` of the request.",
    "schema": {"type": "string"},
}
_TASKS = {
    "recipe": ("generateRecipe", "Write a recipe", Envelope[Recipe]),
    "ingredients": ("suggestIngredients", "Suggest ingredients that go with given ones", Envelope[Suggestions]),
    "nutrition": ("analyzeNutrition", "Estimate the nutrients of a list of ingredients", Envelope[Nutrition]),
}
_STREAM = (
    "Events: `start` names provider and model; `delta` carries a piece of the text of `data`; `answer` carries the"
    " whole envelope, or `error` an error envelope in its place. Beside the deltas, each part of `data` is sent as soon"
    " as it is complete: `title`, `description`, `nutrition` and `nutrient` (`field`, `value`), and the items"
    " `ingredient`, `instruction`, `tag` and `suggestion` (`field`, `index`, `value`). Deltas and parts are not checked"
    " yet: `answer` is. `restart` voids everything before it; only `answer` follows it."
    " The `meta` of `answer` also has `timings_ms` (`first_part`: the time to the first complete part),"
    " `completion_tokens` where the provider counted what it wrote, `passed_over` where a provider gave no answer, and"
    " `restarted` after a `restart`."
)


class Root(msgspec.Struct, frozen=True):
    """Body of `GET /`.

    Attributes:
        links: What is where: documentation, OpenAPI document, health, metrics.
    """

    service: str
    version: str
    links: dict[str, str]
    paths: list[str]


class Liveness(msgspec.Struct, frozen=True):
    """Body of the liveness check."""

    status: str


class Readiness(msgspec.Struct, frozen=True):
    """Body of the readiness check."""

    ready: bool


class ProviderHealth(msgspec.Struct, frozen=True):
    """State of one provider.

    Attributes:
        usable: Whether it answered the last check and its circuit breaker is not open.
        problem: Why the last check or the last answer failed, such as `timeout` or `only_thoughts`; "" without a
            problem.
        loaded: Whether the model is in memory; null where that is unknown.
        breaker: State of the circuit breaker.
        running: Number of requests being answered.
        waiting: Number of requests in the queue.
        age_s: Seconds since the last check; null before the first one.
    """

    name: str
    model: str
    usable: bool
    problem: str
    loaded: bool | None
    breaker: str
    running: int
    waiting: int
    age_s: float | None


class CacheHealth(msgspec.Struct, frozen=True):
    """State of the cache's store."""

    store: str
    available: bool


class ProbeHealth(msgspec.Struct, frozen=True):
    """Last probe: a small request to the primary provider while it is idle.

    Attributes:
        outcome: `ok`, or why it failed.
        seconds: How long it took.
        age_s: Seconds since then.
    """

    outcome: str
    seconds: float
    age_s: float


class Health(msgspec.Struct, frozen=True):
    """Health of the instance that answers.

    Attributes:
        status: `healthy`, `degraded` or `critical`.
        instance: Name of the instance.
        ready: Whether the instance can answer requests.
        model_digest: Digest of the primary provider's model; `000000000000` while it is unknown.
        servers: The Ollama servers; empty where none is asked.
        problems: What an operator has to correct in the list of Ollama servers.
        probe: Null before the first probe.
        containers: Null where no container status is available on this host.
    """

    status: str
    version: str
    instance: str
    covers: Literal["instance"]
    ready: bool
    model_digest: str
    providers: list[ProviderHealth]
    servers: list[ServerHealth]
    problems: list[PoolProblem]
    cache: CacheHealth
    probe: ProbeHealth | None
    containers: ContainersReport | None


def build_table(tasks: Iterable[Task]) -> list[Operation]:
    """Build the route table.

    Args:
        tasks: The tasks that are served.
    """
    chat = [*openai_operations(CACHE_CONTROL, REQUEST_ID), *ollama_operations(CACHE_CONTROL, REQUEST_ID)]
    return [*(_task(task) for task in tasks), *chat, *_administration(), *_health(), *_operations()]


def _task(task: Task) -> Operation:
    name, summary, body = _TASKS[task.name]
    return Operation(
        method="post",
        path=task.path,
        name=name,
        tag="AI",
        summary=summary,
        description=(
            "The body of a cached answer is byte-identical on every hit; only headers vary."
            ' With `"stream": true` or `Accept: text/event-stream`, the answer is sent as server-sent events.'
        ),
        parameters=(CACHE_CONTROL, REQUEST_ID),
        request=task.request_type,
        answers={
            200: Answer("The answer.", body, more_headers=ANSWER_HEADERS, more={"text/event-stream": _STREAM}),
        },
        errors=(*READ_ERRORS, ContextLengthExceeded, *ANSWER_ERRORS, NotCached),
        access="key",
    )


def _administration() -> Iterator[Operation]:
    yield Operation(
        method="get",
        path="/api/v1/ai/cache/stats",
        name="getCacheStatistics",
        tag="Administration",
        summary="Show cache statistics",
        answers={
            200: Answer("Entries in the store by task, and in this instance's memory.", Done[Statistics], headers=())
        },
        access="admin",
    )
    yield Operation(
        method="get",
        path="/api/v1/ai/cache/entries",
        name="listCachedAnswers",
        tag="Administration",
        summary="List cached answers of a task",
        description="A hundred answers at most, those with the most hits first, without what was asked or answered.",
        parameters=(CACHED_TASK,),
        answers={200: Answer("The answers, with age and hits.", Done[CachedAnswers], headers=())},
        errors=(InvalidRequest, ServiceUnavailable),
        access="admin",
    )
    yield Operation(
        method="delete",
        path="/api/v1/ai/cache",
        name="purgeCache",
        tag="Administration",
        summary="Purge cached answers",
        description="Purges the answers of one task, or of all. Every instance applies the purge within two seconds.",
        parameters=(TASK,),
        answers={200: Answer("The number of purged answers by task.", Done[Purged], headers=())},
        errors=(InvalidRequest, ServiceUnavailable),
        access="admin",
    )
    yield Operation(
        method="post",
        path="/api/v1/ai/cache/warmup",
        name="warmUpCache",
        tag="Administration",
        summary="Warm up the cache",
        description=(
            "Answers common requests in the background, after those of callers. The optional body lists requests by"
            ' task, such as `{"recipe": [{"prompt": "soup"}]}`; without a body the configured ones are used.'
        ),
        answers={202: Answer("The warm-up has started.", Done[WarmupReport], headers=())},
        errors=(InvalidRequest, Conflict, PayloadTooLarge, UnprocessableRequest),
        access="admin",
    )
    yield Operation(
        method="get",
        path="/api/v1/ai/usage",
        name="getUsage",
        tag="Administration",
        summary="Show token usage by API key",
        description="Counts the tokens of answers computed for each API key; answers from the cache count none.",
        answers={200: Answer("Usage by UTC day, today first, and name of the API key.", Done[UsageReport], headers=())},
        access="admin",
    )
    yield Operation(
        method="get",
        path="/api/v1/ai/requests",
        name="listRecentRequests",
        tag="Administration",
        summary="List the last requests",
        description=(
            "The last 200 requests, newest first, within a second, without what was asked or answered."
            " Health checks, metrics and readings of the status are not among them."
        ),
        parameters=(LIMIT_PARAMETER,),
        answers={200: Answer("The last requests.", Done[RecentRequests], headers=())},
        errors=(InvalidRequest,),
        access="admin",
    )
    yield Operation(
        method="get",
        path="/api/v1/ai/requests/{id}",
        name="getRecentRequest",
        tag="Administration",
        summary="Show one of the last requests by its ID",
        parameters=(RECENT_ID,),
        answers={200: Answer("The request.", Done[RecentRequest], headers=())},
        errors=(RequestNotFound,),
        access="admin",
    )


def _health() -> Iterator[Operation]:
    for path, name in (("/health", "getHealth"), ("/api/v1/ai/health", "getAiHealth")):
        yield Operation(
            method="get",
            path=path,
            name=name,
            tag="Health",
            summary="Report the health of service, providers and cache, as last checked in the background",
            answers={
                200: Answer("The service is healthy or degraded.", Health, headers=()),
                503: Answer("The service is critical.", Health, headers=()),
            },
        )
    yield Operation(
        method="get",
        path="/health/live",
        name="getLiveness",
        tag="Health",
        summary="Check that the process is alive",
        answers={200: Answer("The process is alive.", Liveness, headers=())},
    )
    yield Operation(
        method="get",
        path="/health/ready",
        name="getReadiness",
        tag="Health",
        summary="Check that the instance can answer requests",
        answers={
            200: Answer("The instance is ready.", Readiness, headers=()),
            503: Answer("The instance is not ready.", Readiness, headers=()),
        },
    )


def _operations() -> Iterator[Operation]:
    yield Operation(
        method="get",
        path="/",
        name="getRoot",
        tag="Operations",
        summary="Name the paths of the API, and where documentation, health and metrics are",
        description="Browsers get a page with the links.",
        answers={200: Answer("Name, version, links and paths.", Root, headers=("Vary",))},
    )
    yield Operation(
        method="get",
        path="/metrics",
        name="getMetrics",
        tag="Operations",
        summary="Export metrics for Prometheus",
        answers={200: Answer("Metrics in Prometheus' text format.", media_type="text/plain", headers=())},
    )
    yield Operation(
        method="get",
        path="/openapi.json",
        name="getOpenApiDocument",
        tag="Operations",
        summary="Show this document as JSON",
        answers={200: Answer("The OpenAPI 3.1 document.", dict, headers=())},
    )
    yield Operation(
        method="get",
        path="/docs",
        name="getDocs",
        tag="Operations",
        summary="Show this document as a page, with a form and a curl line to try each route",
        answers={200: Answer("An HTML page without external assets.", media_type="text/html", headers=())},
    )
