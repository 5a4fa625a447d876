"""How tests ask for streams, and what for."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from ai_service.providers.errors import ProviderFailed
from tests.unit.service.asgi import StreamedCall
from tests.unit.service.fakes import ANSWERS, BODIES, RECIPE

if TYPE_CHECKING:
    from tests.unit.service.client import Client

PATHS = dict(zip(BODIES, ANSWERS, strict=True))
PATH = next(iter(PATHS))
BODY = BODIES[PATH]
WRITTEN = json.dumps(RECIPE)
"""What the provider writes, in pieces of 40 characters."""
SHOWN = json.dumps({name: value for name, value in RECIPE.items() if name != "confidence"}, separators=(",", ":"))
"""What callers are sent of it, but for the form of numbers."""
FIRST = [
    ("delta", {"text": SHOWN[: SHOWN.index(",")]}),
    ("title", {"field": "title", "value": RECIPE["title"]}),
]
"""Of its first piece."""
FAILED = ProviderFailed("an error line")


def ask(client: Client, body: object = BODY, path: str = PATH, **headers: str) -> StreamedCall:
    """Asks for a stream."""
    return StreamedCall(client.app, path, body, accept="text/event-stream", **headers)


def whole(event: tuple[str, Any]) -> Any:
    """Return the last event's answer in its form without streaming."""
    name, answer = event
    assert name == "answer"
    assert answer["meta"].pop("timings_ms")["total"] > 0
    assert answer["meta"].pop("completion_tokens", 1) > 0
    return answer
