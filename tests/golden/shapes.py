"""What stays of a response when times, sizes and texts are left out: names, types, and values that are words."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import zstandard

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from http.client import HTTPMessage

_CHANGING = {
    "date": r".+",
    "etag": r".+",
    "content-length": r"\d+",
    "age": r"\d+",
    "retry-after": r"\d+",
    "cache-status": r"(?<=ttl=)-?\d+",
    "server-timing": r"(?<=dur=)[\d.]+",
    "content-security-policy": r"sha256-[\w+/=]+",
}
_WORDS = {
    "object", "type", "code", "provider", "status", "finish_reason", "role", "degraded", "success", "field", "breaker",
    "reach", "store", "passed_over",
}  # fmt: skip
"""Names of fields whose values are words of the contract."""


def header_lines(headers: Iterable[tuple[str, str]]) -> list[str]:
    """Return the headers, sorted, with N for what changes from one answer to the next."""
    lines = []
    for name, value in headers:
        pattern = _CHANGING.get(name.lower())
        lines.append(f"{name.lower()}: {re.sub(pattern, 'N', value) if pattern else value}")
    return sorted(lines)


def shape_of_body(headers: HTTPMessage, content: bytes) -> Iterator[str]:
    """Yield lines that tell the form of a body: of JSON its fields, of a stream its events, else its size class."""
    kind = headers.get("Content-Type", "").partition(";")[0]
    if headers.get("Content-Encoding") == "zstd":
        content = zstandard.ZstdDecompressor().decompressobj().decompress(content)
    if not content:
        yield "body: empty"
    elif kind == "application/json":
        value = json.loads(content)
        yield "body: OpenAPI document" if "openapi" in value else f"body: {_json(value)}"
    elif kind == "text/event-stream":
        yield from _events(content.decode())
    else:
        yield "body: text"


def _events(text: str) -> Iterator[str]:
    """Yield the events in order; consecutive equal ones once."""
    last = ""
    for block in text.split("\n\n"):
        if not block:
            continue
        told = "\n".join(_event_line(line) for line in block.splitlines())
        if told != last:
            yield told
        last = told


def _event_line(line: str) -> str:
    name, colon, value = line.partition(": ")
    if name == "data" and value.startswith("{"):
        return f"data: {_json(json.loads(value))}"
    return name + colon + re.sub(r"(?<=dur=)[\d.]+", "N", value)


def _json(value: Any) -> str:
    return json.dumps(_shape(value), sort_keys=True, ensure_ascii=False)


def _shape(value: Any, name: str = "") -> Any:
    if isinstance(value, dict):
        return {key: _shape(item, key) for key, item in value.items()}
    if isinstance(value, list):
        shapes = [_shape(item, name) for item in value]
        return [shape for at, shape in enumerate(shapes) if shape not in shapes[:at]]
    if value is None or (name in _WORDS and isinstance(value, str | bool)):
        return value
    if isinstance(value, bool):
        return "boolean"
    return "number" if isinstance(value, int | float) else "string"
