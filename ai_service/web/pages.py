"""The page's files, read once at the start, and the headers that keep the browser from loading anything else."""

from __future__ import annotations

import hashlib
from importlib import resources
from typing import TYPE_CHECKING

from starlette.responses import Response

if TYPE_CHECKING:
    from starlette.requests import Request

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)
SECURITY_HEADERS = {
    "content-security-policy": CONTENT_SECURITY_POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
}
_MEDIA_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
PAGE_ENDING = ".html"
INDEX = "index.html"


class Pages:
    """Files of the folder `assets`, by name; nothing outside it can be named, because nothing is opened on request."""

    def __init__(self) -> None:
        self._files: dict[str, tuple[bytes, str, str]] = {}
        for file in resources.files("ai_service.web").joinpath("assets").iterdir():
            body = file.read_bytes()
            etag = f'"{hashlib.blake2b(body, digest_size=8).hexdigest()}"'
            self._files[file.name] = (body, _MEDIA_TYPES["." + file.name.rpartition(".")[2]], etag)

    def respond(self, request: Request, page: str = INDEX) -> Response:
        """Return the file named by the path, else the page; 304 where the browser has it, or 404.

        A page is served by its own route only, which may refuse to.
        """
        name = request.path_params.get("name")
        found = self._files.get(page if name is None else name)
        if found is None or (name or "").endswith(PAGE_ENDING):
            return Response("There is no such file.\n", 404, media_type="text/plain")
        body, media_type, etag = found
        headers = {"etag": etag, "cache-control": "no-cache"}
        if request.headers.get("if-none-match") == etag:
            return Response(status_code=304, headers=headers)
        return Response(body, headers=headers, media_type=media_type)
