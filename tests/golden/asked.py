"""The requests that are asked of the real program: one for each kind of answer."""

from __future__ import annotations

import http.client
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.golden.shapes import header_lines, shape_of_body
from tests.unit.service.fakes import RECIPE

if TYPE_CHECKING:
    from collections.abc import Mapping

RECIPE_PATH = "/api/v1/ai/generate-recipe"
INGREDIENTS_PATH = "/api/v1/ai/suggest-ingredients"
NUTRITION_PATH = "/api/v1/ai/analyze-nutrition"
CHAT_PATH = "/v1/chat/completions"
CACHE_PATH = "/api/v1/ai/cache"
STREAM = {"Accept": "text/event-stream"}


@dataclass(slots=True)
class Asked:
    """One request of the list, and what is changed before it is sent."""

    what: str
    method: str
    path: str
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    key: str = "web"
    wait_s: float = 0.0


def _json(what: str, path: str, body: Any, **more: Any) -> Asked:
    return Asked(what, "POST", path, body, **more)


TOMATO = {"prompt": "tomato pasta"}
CHAT = {"model": "llama3.2:3b", "messages": [{"role": "user", "content": "What is pesto?"}]}
CHAT_STREAM = {**CHAT, "stream": True}
LONG = json.dumps({**RECIPE, "instructions": [f"Stir for {minute} minutes." for minute in range(1, 60)]})
ASKED: tuple[Asked, ...] = (
    _json("miss", RECIPE_PATH, TOMATO),
    _json("hit", RECIPE_PATH, TOMATO),
    _json("a long miss", RECIPE_PATH, {"prompt": "LONG"}),
    _json("a long hit, packed", RECIPE_PATH, {"prompt": "LONG"}, headers={"Accept-Encoding": "zstd"}, wait_s=0.2),
    _json("Cache-Control: no-cache", RECIPE_PATH, TOMATO, headers={"Cache-Control": "no-cache"}),
    _json("Cache-Control: no-store", RECIPE_PATH, TOMATO, headers={"Cache-Control": "no-store"}),
    _json("only-if-cached, a hit", RECIPE_PATH, TOMATO, headers={"Cache-Control": "only-if-cached"}),
    _json("only-if-cached, a miss", RECIPE_PATH, {"prompt": "x"}, headers={"Cache-Control": "only-if-cached"}),
    _json("ingredients", INGREDIENTS_PATH, {"partial": ["tomato"]}),
    _json("nutrition", NUTRITION_PATH, {"ingredients": ["100 g rice"]}),
    _json("stale", NUTRITION_PATH, {"ingredients": ["100 g rice"]}, wait_s=0.02),
    _json("stream, a miss", RECIPE_PATH, {"prompt": "leek soup"}, headers=STREAM),
    _json("stream, a hit", RECIPE_PATH, {"prompt": "leek soup"}, headers=STREAM),
    _json("stream asked for in the body", RECIPE_PATH, {"prompt": "leek soup", "stream": True}),
    _json("stream that is void and starts again", RECIPE_PATH, {"prompt": "VOID"}, headers=STREAM),
    _json("chat, a miss", CHAT_PATH, CHAT),
    _json("chat, a hit", CHAT_PATH, CHAT),
    _json("chat, a streamed hit", CHAT_PATH, CHAT_STREAM),
    _json("chat, a streamed miss", CHAT_PATH, {**CHAT_STREAM, "stream_options": {"include_usage": True}, "seed": 3}),
    _json("chat with an unknown model", CHAT_PATH, {**CHAT, "model": "nope"}),
    Asked("models", "GET", "/v1/models"),
    Asked("a model", "GET", "/v1/models/llama3.2:3b"),
    Asked("an unknown model", "GET", "/v1/models/nope"),
    Asked("health", "GET", "/health"),
    Asked("liveness", "GET", "/health/live"),
    Asked("readiness", "GET", "/health/ready"),
    Asked("health of all parts", "GET", "/api/v1/ai/health"),
    Asked("metrics", "GET", "/metrics"),
    Asked("OpenAPI document", "GET", "/openapi.json"),
    Asked("documentation", "GET", "/docs"),
    Asked("HEAD of a health route", "HEAD", "/health/live"),
    Asked("the root", "GET", "/"),
    Asked("an unknown path", "GET", "/nope"),
    Asked("a wrong method", "GET", RECIPE_PATH),
    _json("not JSON", RECIPE_PATH, b"{"),
    _json("an unknown field", RECIPE_PATH, {"prompt": "x", "colour": "red"}),
    _json("an impossible value", RECIPE_PATH, {"prompt": "x", "max_calories": -1}),
    _json("another media type", RECIPE_PATH, TOMATO, headers={"Content-Type": "text/plain"}),
    _json("a body over the limit", RECIPE_PATH, {"prompt": "x" * 70_000}),
    _json("no key", RECIPE_PATH, TOMATO, key=""),
    _json("a wrong key", RECIPE_PATH, TOMATO, key="wrong"),
    _json("chat without a key", CHAT_PATH, CHAT, key=""),
    _json("within the rate", RECIPE_PATH, TOMATO, key="slow"),
    _json("over the rate", RECIPE_PATH, TOMATO, key="slow"),
    Asked("statistics without the role admin", "GET", f"{CACHE_PATH}/stats"),
    Asked("statistics", "GET", f"{CACHE_PATH}/stats", key="admin"),
    Asked("cached answers", "GET", f"{CACHE_PATH}/entries?task=chat", key="admin"),
    Asked("cached answers of an unknown task", "GET", f"{CACHE_PATH}/entries?task=nope", key="admin"),
    Asked("purge of a task", "DELETE", f"{CACHE_PATH}?task=recipe", key="admin"),
    Asked("purge of an unknown task", "DELETE", f"{CACHE_PATH}?task=nope", key="admin"),
    Asked("purge", "DELETE", CACHE_PATH, key="admin"),
    _json("warm-up", f"{CACHE_PATH}/warmup", {"recipe": [{"prompt": "a"}, {"prompt": "b"}]}, key="admin"),
    _json("a second warm-up", f"{CACHE_PATH}/warmup", {"recipe": [{"prompt": "a"}]}, key="admin"),
    _json("fallback", INGREDIENTS_PATH, {"partial": ["BUSY"]}),
)
HANGING = _json("stream whose deadline passes", RECIPE_PATH, {"prompt": "HANG"}, headers=STREAM)
ASKED_WITHOUT_KEYS: tuple[Asked, ...] = (
    _json("no provider left", RECIPE_PATH, TOMATO, key=""),
    _json("no provider left, streamed", RECIPE_PATH, TOMATO, headers=STREAM, key=""),
    _json("no provider left, chat", CHAT_PATH, CHAT, key=""),
    Asked("health", "GET", "/health", key=""),
    Asked("readiness", "GET", "/health/ready", key=""),
    Asked("health of all parts", "GET", "/api/v1/ai/health", key=""),
    Asked("statistics where no administrator's key is configured", "GET", f"{CACHE_PATH}/stats", key=""),
)


def ask(url: str, asked: Asked, keys: Mapping[str, str]) -> str:
    """Send one request; return its name, and status, headers and form of the body of what came."""
    connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=30)
    headers = {"X-Request-Id": "golden", **asked.headers}
    if asked.key:
        headers["Authorization"] = f"Bearer {keys[asked.key]}"
    body = asked.body
    if body is not None:
        headers.setdefault("Content-Type", "application/json")
        body = body if isinstance(body, bytes) else json.dumps(body).encode()
    connection.request(asked.method, asked.path, body, headers)
    response = connection.getresponse()
    content = response.read()
    connection.close()
    lines = [
        f"## {asked.what}: {asked.method} {asked.path}",
        str(response.status),
        *header_lines(response.getheaders()),
        *shape_of_body(response.headers, content),
    ]
    return "\n".join(lines) + "\n"
