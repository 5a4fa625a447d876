"""The OpenAPI document as a page for people: one piece of HTML, no script, nothing loaded from anywhere."""

from __future__ import annotations

import re
from html import escape
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ai_service.openapi.document import Document

CONTENT_SECURITY_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'"
_STYLE = """
:root { color-scheme: light dark; --line: light-dark(#d8dce2, #3a3f47); --soft: light-dark(#f4f6f8, #1d2127);
  --accent: light-dark(#0b5d4e, #6fd3bd); }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem;
  background: light-dark(#fff, #14171b); color: light-dark(#1b1f24, #e4e7eb); }
a { color: var(--accent); }
code, pre { font: 0.875em/1.5 ui-monospace, monospace; }
pre { background: var(--soft); padding: 0.75rem; overflow-x: auto; border-radius: 6px; }
details { border: 1px solid var(--line); border-radius: 6px; margin: 0.5rem 0; padding: 0 1rem; }
summary { cursor: pointer; padding: 0.6rem 0; }
summary b { color: var(--accent); display: inline-block; min-width: 4.5rem; }
table { border-collapse: collapse; width: 100%; margin: 0.5rem 0 1rem; }
th, td { text-align: left; vertical-align: top; border-top: 1px solid var(--line); padding: 0.35rem 0.75rem 0.35rem 0; }
"""


def render(document: Document) -> str:
    """Render the OpenAPI document as an HTML page."""
    info = document["info"]
    parts = [
        '<!doctype html><html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{escape(info['title'])}</title><style>{_STYLE}</style></head><body>",
        f"<h1>{escape(info['title'])} <small>{escape(info['version'])}</small></h1>",
        f"<p>{escape(info['description'])}</p>",
        '<p>For programs: <a href="/openapi.json">/openapi.json</a>.</p>',
        *_access(document),
        *_operations(document),
        "<h2>Types</h2>",
        *_types(document["components"]["schemas"]),
        "</body></html>",
    ]
    return "".join(parts)


def _access(document: Document) -> Iterator[str]:
    if "securitySchemes" in document["components"]:
        yield f"<p>{_text('Send your key as `Authorization: Bearer <key>` or `X-API-Key: <key>`.')}</p>"


def _operations(document: Document) -> Iterator[str]:
    tag = ""
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            if operation["tags"][0] != tag:
                tag = operation["tags"][0]
                yield f"<h2>{escape(tag)}</h2>"
            yield from _operation(path, method, operation)


def _operation(path: str, method: str, operation: Document) -> Iterator[str]:
    yield f"<details><summary><b>{method.upper()}</b> <code>{escape(path)}</code> "
    yield f"{escape(operation['summary'])}</summary>"
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
    yield f"<table><tr><th>{first}</th><th>{second}</th></tr>"
    for name, meaning in rows:
        yield f"<tr><td><code>{escape(name)}</code></td><td>{meaning}</td></tr>"
    yield "</table>"


def _type(schema: Document) -> str:
    """Return a link to a named type, or the name of a plain one."""
    name = schema.get("$ref", "").rpartition("/")[2]
    return f'<a href="#{escape(name)}"><code>{escape(name)}</code></a>' if name else escape(schema.get("type", "any"))


def _text(text: str) -> str:
    """Prose with `code` in it."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text))
