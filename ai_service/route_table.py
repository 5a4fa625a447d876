"""Every route as its callers see it. A test holds this table and what is really served together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import msgspec

from ai_service.administration import Done, Purged, Statistics
from ai_service.containers import ContainersReport  # noqa: TC001 - msgspec reads the types of fields
from ai_service.errors import (
    Conflict,
    ContextLengthExceeded,
    InvalidRequest,
    NotCached,
    PayloadTooLarge,
    ServiceUnavailable,
    UnprocessableRequest,
)
from ai_service.openai_api.operations import openai_operations
from ai_service.openapi import ANSWER_ERRORS, ANSWER_HEADERS, READ_ERRORS, Answer, Document, Operation
from ai_service.schemas import Envelope, Nutrition, Recipe, Suggestions
from ai_service.warmup import WarmupReport

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ai_service.tasks import Task

CACHE_CONTROL: Document = {
    "name": "Cache-Control",
    "in": "header",
    "description": (
        "`no-cache` has the answer computed anew, `no-store` also keeps it out of the cache, `only-if-cached` takes a"
        " stored answer or none, `max-stale[=seconds]` takes an old one. Others are ignored."
    ),
    "schema": {"type": "string", "examples": ["no-cache", "no-store", "max-stale=60"]},
}
REQUEST_ID: Document = {
    "name": "X-Request-Id",
    "in": "header",
    "description": "A name for the request in logs; 1 to 64 letters, digits, '.', '_' and '-'. Others are replaced.",
    "schema": {"type": "string"},
}
TASK: Document = {
    "name": "task",
    "in": "query",
    "description": "Only this task's answers.",
    "schema": {"type": "string", "enum": ["recipe", "ingredients", "nutrition", "chat"]},
}
_TASKS = {
    "recipe": ("generateRecipe", "Write a recipe", Envelope[Recipe]),
    "ingredients": ("suggestIngredients", "Suggest ingredients that go with given ones", Envelope[Suggestions]),
    "nutrition": ("analyzeNutrition", "Estimate the nutrients of a list of ingredients", Envelope[Nutrition]),
}
_STREAM = (
    "Events: `start` says who writes, `delta` brings text, `answer` the whole envelope, and `error` an error's envelope"
    " in place of it. `restart` says that all text so far is void; no more of it comes, only `answer`. The `meta` of"
    " `answer` has `timings_ms`, where a provider gave no answer `passed_over`, and after a `restart` also `restarted`."
)


class Liveness(msgspec.Struct, frozen=True):
    """The event loop turns."""

    status: str


class Readiness(msgspec.Struct, frozen=True):
    """Whether something can be answered."""

    ready: bool


class ProviderHealth(msgspec.Struct, frozen=True):
    """What is known of a provider; `age_s` in seconds.

    Attributes:
        problem: Why it cannot be asked, or why its last answer did not come, such as `timeout` or `only_thoughts`; ""
            where all is well.
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
    """Where answers are stored, and whether it answers."""

    store: str
    available: bool


class ProbeHealth(msgspec.Struct, frozen=True):
    """The last small question to the primary provider; `seconds` it took, `age_s` seconds ago."""

    outcome: str
    seconds: float
    age_s: float


class Health(msgspec.Struct, frozen=True):
    """`status` is `healthy`, `degraded` or `critical`; it is that of the instance that answers."""

    status: str
    version: str
    instance: str
    covers: Literal["instance"]
    ready: bool
    model_digest: str
    providers: list[ProviderHealth]
    cache: CacheHealth
    probe: ProbeHealth | None
    containers: ContainersReport | None


def build_table(tasks: Iterable[Task]) -> list[Operation]:
    """The table.

    Args:
        tasks: The tasks that are served.
    """
    chat = openai_operations(CACHE_CONTROL, REQUEST_ID)
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
            "The body of a cached answer is the same on every hit, to the byte; what varies is in the headers."
            ' With `"stream": true`, or `Accept: text/event-stream`, the answer comes as server-sent events.'
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
        name="cacheStatistics",
        tag="Administration",
        summary="What is cached",
        answers={200: Answer("In the store by task, and in the memory of this process.", Done[Statistics], headers=())},
        access="admin",
    )
    yield Operation(
        method="delete",
        path="/api/v1/ai/cache",
        name="purgeCache",
        tag="Administration",
        summary="Forget answers",
        description="Those of one task, or all of them. Every process has forgotten them within two seconds.",
        parameters=(TASK,),
        answers={200: Answer("How many there were.", Done[Purged], headers=())},
        errors=(InvalidRequest, ServiceUnavailable),
        access="admin",
    )
    yield Operation(
        method="post",
        path="/api/v1/ai/cache/warmup",
        name="warmUpCache",
        tag="Administration",
        summary="Have common questions answered",
        description=(
            'In the background, behind every caller. The body may name questions: `{"recipe": [{"prompt": "soup"}]}`'
            " has a list of requests for each task; without a body the configured ones are asked."
        ),
        answers={202: Answer("It has begun.", Done[WarmupReport], headers=())},
        errors=(InvalidRequest, Conflict, PayloadTooLarge, UnprocessableRequest),
        access="admin",
    )


def _health() -> Iterator[Operation]:
    for path, name in (("/health", "health"), ("/api/v1/ai/health", "healthOfAI")):
        yield Operation(
            method="get",
            path=path,
            name=name,
            tag="Health",
            summary="How service, providers and cache are, from the last look in the background",
            answers={
                200: Answer("Healthy or degraded.", Health, headers=()),
                503: Answer("Critical.", Health, headers=()),
            },
        )
    yield Operation(
        method="get",
        path="/health/live",
        name="live",
        tag="Health",
        summary="Whether the process answers",
        answers={200: Answer("It does.", Liveness, headers=())},
    )
    yield Operation(
        method="get",
        path="/health/ready",
        name="ready",
        tag="Health",
        summary="Whether something can be answered",
        answers={200: Answer("Yes.", Readiness, headers=()), 503: Answer("No.", Readiness, headers=())},
    )


def _operations() -> Iterator[Operation]:
    yield Operation(
        method="get",
        path="/metrics",
        name="metrics",
        tag="Operations",
        summary="Metrics for Prometheus",
        answers={200: Answer("In Prometheus' text format.", media_type="text/plain", headers=())},
    )
    yield Operation(
        method="get",
        path="/openapi.json",
        name="openapi",
        tag="Operations",
        summary="This document",
        answers={200: Answer("OpenAPI 3.1.", dict, headers=())},
    )
    yield Operation(
        method="get",
        path="/docs",
        name="docs",
        tag="Operations",
        summary="This document, for people",
        answers={200: Answer("A page without any outside asset.", media_type="text/html", headers=())},
    )
