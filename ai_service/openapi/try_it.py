"""The parts of the documents' page that try a route: a curl line, and a form where a browser runs its script."""

from __future__ import annotations

import json
import shlex
from base64 import b64encode
from hashlib import sha256
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ai_service.openapi.document import Document

SCRIPT = Path(__file__).with_suffix(".js").read_text(encoding="utf-8")
SCRIPT_SOURCE = f"'sha256-{b64encode(sha256(SCRIPT.encode()).digest()).decode()}'"
"""The script, as a Content-Security-Policy allows it."""
ADDRESS = "http://127.0.0.1:3010"
"""In curl lines; the script puts the page's own address there."""
_STREAM = "text/event-stream"
_PAGES = frozenset({"/docs"})
_MESSAGES = [{"role": "user", "content": "Name a herb."}]
_EXAMPLES: dict[str, dict[str, Any]] = {
    "/api/v1/ai/generate-recipe": {"prompt": "lentil soup"},
    "/api/v1/ai/suggest-ingredients": {"partial": ["tomatoes", "basil"]},
    "/api/v1/ai/analyze-nutrition": {"ingredients": ["2 eggs", "100 g spinach"]},
    "/v1/chat/completions": {"model": "", "messages": _MESSAGES},
    "/v1/embeddings": {"model": "", "input": "lentil soup"},
    "/api/chat": {"model": "", "messages": _MESSAGES, "stream": False},
    "/api/generate": {"model": "", "prompt": "Name a herb.", "stream": False},
    "/api/embed": {"model": "", "input": "lentil soup"},
    "/api/embeddings": {"model": "", "prompt": "lentil soup"},
    "/api/show": {"model": ""},
}
"""A body for each route that takes one; an empty `model` stands for the service's own."""


def example(path: str, document: Document) -> dict[str, Any] | None:
    """Return the example of a route's body; None where it takes none."""
    body = _EXAMPLES.get(path)
    if body is None or "model" not in body:
        return body
    names = document["components"]["schemas"].get("ChatRequest", {}).get("properties", {}).get("model", {}).get("enum")
    return {**body, "model": names[0] if names else "llama3.2:3b"}


def render_trial(path: str, method: str, operation: Document, document: Document) -> Iterator[str]:
    """Render the curl line of a route, and its form where trying it changes nothing.

    Args:
        path: The route.
        method: In lower case.
        operation: Its part of the document.
        document: The whole.
    """
    statuses = operation["responses"]
    if not any(status.startswith("2") for status in statuses):
        return
    wants_admin = operation.get("x-access") == "admin"
    needs_key = wants_admin or "security" in operation
    body = example(path, document)
    curl = escape(_curl(path, method, body, needs_key=needs_key))
    yield f'<pre class="curl" tabindex="0" role="group" aria-label="curl line">{curl}</pre>'
    if path in _PAGES or (wants_admin and method != "get"):
        return
    yield from _form(path, method, operation, body, needs_key=needs_key)


def _curl(path: str, method: str, body: dict[str, Any] | None, *, needs_key: bool) -> str:
    words = ["curl -i"]
    if method != "get" and body is None:
        words.append(f"-X {method.upper()}")
    words.append(shlex.quote(ADDRESS + path))
    if needs_key:
        words.append('-H "Authorization: Bearer $KEY"')
    if body is not None:
        words += ["-H 'Content-Type: application/json'", f"-d {shlex.quote(json.dumps(body))}"]
    return " ".join(words)


def _form(
    path: str, method: str, operation: Document, body: dict[str, Any] | None, *, needs_key: bool
) -> Iterator[str]:
    name = operation["operationId"]
    key = ' data-key="yes"' if needs_key else ""
    route = escape(path)
    yield f'<form hidden data-method="{method.upper()}" data-path="{route}"{key} aria-label="Try {route}">'
    for each in operation.get("parameters", ()):
        if each["in"] in {"path", "query"}:
            yield from _field(name, each)
    if body is not None:
        yield f'<label for="{name}-body">Body</label>'
        yield f'<textarea id="{name}-body" name="body" rows="6" spellcheck="false">'
        yield f"{escape(json.dumps(body, indent=2))}</textarea>"
    if any(_STREAM in response["content"] for response in operation["responses"].values()) and path.startswith(
        "/api/v1"
    ):
        yield '<label><input type="checkbox" name="stream"> Stream</label>'
    if any(each["name"] == "Cache-Control" for each in operation.get("parameters", ())):
        yield '<label><input type="checkbox" name="fresh"> Past the cache</label>'
    yield '<p><button>Send</button> <button type="button" name="stop" disabled>Stop</button></p>'
    yield '<p role="status"></p><output hidden tabindex="0" aria-label="Answer"></output></form>'


def _field(name: str, parameter: Document) -> Iterator[str]:
    identifier = f"{name}-{parameter['name']}"
    required = " required" if parameter.get("required") else ""
    yield f'<label for="{identifier}">{escape(parameter["name"])}</label>'
    yield f'<input id="{identifier}" name="{escape(parameter["name"])}" data-in="{parameter["in"]}"{required}>'
