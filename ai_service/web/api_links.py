"""Links of the page to the API's own pages, wherever browsers reach it."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from starlette.responses import RedirectResponse

if TYPE_CHECKING:
    from starlette.requests import Request

LINKED_PATHS = ("/docs", "/health")
_PORTS = {"http": 80, "https": 443}


class ApiLinks:
    """Redirect to the API.

    Args:
        api_url: Base URL by which the page's server reaches it.
        public_url: Base URL by which browsers do; "" for the page's own host with the port of `api_url`.
    """

    def __init__(self, api_url: str, public_url: str = "") -> None:
        parts = urlsplit(api_url)
        self._port = parts.port or _PORTS[parts.scheme]
        self._public_url = public_url.rstrip("/")

    def respond(self, request: Request) -> RedirectResponse:
        """Redirect to the same path of the API."""
        return RedirectResponse(f"{self._public_url or self._beside(request)}{request.url.path}")

    def _beside(self, request: Request) -> str:
        """Return the API's base URL on the host that the browser named; the edge says whether it ended TLS."""
        host = urlsplit(f"//{request.headers['host']}").hostname or "localhost"
        scheme = "https" if request.headers.get("x-forwarded-proto") == "https" else request.url.scheme
        return f"{scheme}://{f'[{host}]' if ':' in host else host}:{self._port}"
