"""The OpenAPI document as a page for people: one piece of HTML with its script, nothing loaded from anywhere."""

from __future__ import annotations

import re
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from ai_service.openapi.try_it import SCRIPT, SCRIPT_SOURCE, render_trial

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ai_service.openapi.document import Document

CONTENT_SECURITY_POLICY = (
    f"default-src 'none'; style-src 'unsafe-inline'; script-src {SCRIPT_SOURCE}; connect-src 'self';"
    " form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
)
_STYLE = Path(__file__).with_name("page.css").read_text(encoding="utf-8")


def render(document: Document) -> str:
    """Render the OpenAPI document as an HTML page."""
    info = document["info"]
    parts = [
        _head(info["title"]),
        '<a class="skip" href="#operations">Skip to the operations</a>',
        f"<header><h1>{escape(info['title'])} <small>{escape(info['version'])}</small></h1>",
        f"<p>{escape(info['description'])}</p>",
        '<p>For programs: <a href="/openapi.json">/openapi.json</a>. ',
        'Health: <a href="/health">/health</a>.</p>',
        *_access(document),
        '<p id="without-script">Forms that try a route need JavaScript; the curl lines do not.</p>',
        '</header><main id="operations" tabindex="-1">',
        *_operations(document),
        "<h2>Types</h2>",
        *_types(document["components"]["schemas"]),
        f"</main><script>{SCRIPT}</script></body></html>",
    ]
    return "".join(parts)


def render_root(document: Document, links: dict[str, str]) -> str:
    """Render what people see who open the address of the API in a browser.

    Args:
        document: The OpenAPI document.
        links: What is where: names and paths.
    """
    info = document["info"]
    return "".join(
        [
            _head(info["title"]),
            f"<main><h1>{escape(info['title'])} <small>{escape(info['version'])}</small></h1>",
            f"<p>{escape(info['description'])}</p><ul>",
            *(f'<li>{escape(name)}: <a href="{path}">{path}</a></li>' for name, path in links.items()),
            "</ul><p>Clients of OpenAI take <code>/v1</code> for their base URL, clients of Ollama this address.</p>",
            "</main></body></html>",
        ]
    )


def _head(title: str) -> str:
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head><body>"
    )


def _access(document: Document) -> Iterator[str]:
    if "securitySchemes" in document["components"]:
        yield f"<p>{_text('Send your key as `Authorization: Bearer <key>` or `X-API-Key: <key>`.')}</p>"
    yield '<p id="access" hidden><label for="key">API key for the forms below; this page keeps it until it is closed'
    yield '</label> <input id="key" type="password" autocomplete="off" spellcheck="false"></p>'


def _operations(document: Document) -> Iterator[str]:
    tag = ""
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            if operation["tags"][0] != tag:
                tag = operation["tags"][0]
                yield f"<h2>{escape(tag)}</h2>"
            yield from _operation(path, method, operation, document)


def _operation(path: str, method: str, operation: Document, document: Document) -> Iterator[str]:
    yield f'<details id="{escape(operation["operationId"])}"><summary><b>{method.upper()}</b> '
    yield f"<code>{escape(path)}</code> {escape(operation['summary'])}</summary>"
    if "description" in operation:
        yield f"<p>{_text(operation['description'])}</p>"
    if "security" in operation:
        yield "<p>Needs a key.</p>"
    if "requestBody" in operation:
        schemas = [content["schema"] for content in operation["requestBody"]["content"].values()]
        yield f"<p>Body: {' or '.join(_type(schema) for schema in schemas)}</p>"
    if "parameters" in operation:
        rows = ((each["name"], _text(each["description"])) for each in operation["parameters"])
        yield from _table("Request header or parameter", "Meaning", rows)
    yield from _table("Status", "Meaning", ((s, _response(r)) for s, r in operation["responses"].items()))
    yield from render_trial(path, method, operation, document)
    yield "</details>"


def _response(response: Document) -> str:
    bodies = " or ".join(
        f"{_type(content['schema'])} <small>{escape(media_type)}</small>"
        for media_type, content in response["content"].items()
    )
    headers = ", ".join(f"<code>{escape(name)}</code>" for name in response.get("headers", {}))
    return f"{_text(response['description'])}<br>{bodies}" + (f"<br>Headers: {headers}" if headers else "")


def _types(schemas: dict[str, Document]) -> Iterator[str]:
    for name, schema in schemas.items():
        pretty = msgspec.json.format(msgspec.json.encode(schema), indent=2).decode()
        yield f'<details id="{escape(name)}"><summary><code>{escape(name)}</code></summary>'
        yield f"<p>{_text(schema.get('description', ''))}</p><pre>{escape(pretty)}</pre></details>"


def _table(first: str, second: str, rows: Any) -> Iterator[str]:
    yield f'<div class="wide"><table><tr><th scope="col">{first}</th><th scope="col">{second}</th></tr>'
    for name, meaning in rows:
        yield f"<tr><td><code>{escape(name)}</code></td><td>{meaning}</td></tr>"
    yield "</table></div>"


def _type(schema: Document) -> str:
    """Return a link to a named type, or the name of a plain one."""
    name = schema.get("$ref", "").rpartition("/")[2]
    return f'<a href="#{escape(name)}"><code>{escape(name)}</code></a>' if name else escape(schema.get("type", "any"))


def _text(text: str) -> str:
    """Prose with `code` in it."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text))
