"""Every route as its callers see it. A test holds this table and what is really served together."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from ai_service.errors import ContextLengthExceeded, NotCached
from ai_service.health.health_report import Health, Liveness, Readiness
from ai_service.http.admin_operations import admin_operations
from ai_service.ollama_api.operations import ollama_operations
from ai_service.openai.operations import openai_operations
from ai_service.openapi.document import ANSWER_ERRORS, ANSWER_HEADERS, READ_ERRORS, Answer, Document, Operation
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


def build_table(tasks: Iterable[Task]) -> list[Operation]:
    """Build the route table.

    Args:
        tasks: The tasks that are served.
    """
    chat = [*openai_operations(CACHE_CONTROL, REQUEST_ID), *ollama_operations(CACHE_CONTROL, REQUEST_ID)]
    return [*(_task(task) for task in tasks), *chat, *admin_operations(), *_health(), *_operations()]


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
