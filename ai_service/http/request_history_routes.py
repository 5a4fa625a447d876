"""The administrator's routes to the last requests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import msgspec
from starlette.routing import Route

from ai_service.errors import InvalidRequest, RequestNotFound
from ai_service.http.admin_routes import admin_answer, admin_only, reject_unknown_parameters
from ai_service.http.request_history import LIMIT, RecentRequest

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from ai_service.access.admin_key import AdminKey
    from ai_service.http.request_history import RequestHistory


class RecentRequests(msgspec.Struct, frozen=True):
    """The last requests, newest first; health checks and the like are not among them.

    Attributes:
        covers: `store`: of all instances that share the store; `instance`: of the instance that answers, while the
            store is down or not shared.
    """

    covers: Literal["store", "instance"]
    requests: list[RecentRequest]


class RequestHistoryRoutes:
    """Answer administrators about the last requests.

    Args:
        admin_key: Says who is one.
        history: The last requests.
    """

    def __init__(self, admin_key: AdminKey, history: RequestHistory) -> None:
        self._admin_key = admin_key
        self._history = history

    def routes(self) -> list[Route]:
        """Return the routes for the Starlette application."""
        return [
            Route("/api/v1/ai/requests", admin_only(self._admin_key, self.list), methods=["GET"]),
            Route("/api/v1/ai/requests/{id}", admin_only(self._admin_key, self.show), methods=["GET"]),
        ]

    async def list(self, request: Request) -> Response:
        """Return the last requests, newest first.

        Raises:
            InvalidRequest: The limit is no number from 1 to 200, or a parameter is unknown.
        """
        reject_unknown_parameters(request, "limit")
        limit = request.query_params.get("limit", str(LIMIT))
        if not (limit.isascii() and limit.isdecimal() and len(limit) <= len(str(LIMIT)) and 1 <= int(limit) <= LIMIT):
            raise InvalidRequest(f"Invalid limit: {limit[:16]}; expected a number from 1 to {LIMIT}.")
        requests, shared = await self._history.latest(int(limit))
        return admin_answer(RecentRequests("store" if shared else "instance", requests), "Last requests.")

    async def show(self, request: Request) -> Response:
        """Return one of the last requests by its ID.

        Raises:
            RequestNotFound: It is not among them.
        """
        request_id = request.path_params["id"]
        found = await self._history.find(request_id)
        if found is None:
            raise RequestNotFound(
                f"No request {request_id[:64]} among the last {LIMIT}; the instances' logs have older ones."
            )
        return admin_answer(found, "Request.")
