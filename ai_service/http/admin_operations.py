"""The administrator's routes, for the table of all routes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ai_service.answers.warmup import WarmupReport
from ai_service.errors import (
    Conflict,
    InvalidRequest,
    PayloadTooLarge,
    RequestNotFound,
    ServiceUnavailable,
    UnprocessableRequest,
)
from ai_service.http.admin_routes import Done, Purged, Statistics, UsageReport
from ai_service.http.cache_entries_routes import CachedAnswers
from ai_service.http.request_history import LIMIT, RecentRequest
from ai_service.http.request_history_routes import RecentRequests
from ai_service.openapi.document import Answer, Document, Operation

if TYPE_CHECKING:
    from collections.abc import Iterator

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


def admin_operations() -> Iterator[Operation]:
    """Return the administrator's operations."""
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
