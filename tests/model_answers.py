"""Which model answered what, as callers of a site see it."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import httpx

PATH = "/api/v1/ai/suggest-ingredients"
TRIES = 10


@dataclass(frozen=True)
class ModelAnswer:
    """An answer.

    Attributes:
        model: Who gave it.
        is_hit: Whether it came from the cache.
        data: What it says.
    """

    model: str
    is_hit: bool
    data: Any


def answered_by(client: httpx.Client, question: dict[str, Any]) -> ModelAnswer:
    """Ask, and return the answer."""
    response = client.post(PATH, json=question)
    body = response.raise_for_status().json()
    return ModelAnswer(body["meta"]["model"], "hit" in response.headers["cache-status"], body["data"])


def new_question() -> dict[str, Any]:
    """Return a question that no cache knows."""
    return {"partial": ["leek", secrets.token_hex(4)]}


def stored_question(client: httpx.Client) -> dict[str, Any]:
    """Return a question whose answer was stored; a small model's are sometimes not worth it."""
    for _ in range(TRIES):
        question = new_question()
        answered_by(client, question)
        if answered_by(client, question).is_hit:
            return question
    raise AssertionError(f"none of {TRIES} answers was stored")
