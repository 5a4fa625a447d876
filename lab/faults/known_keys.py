"""The keys that the cache knows before a fault: each with the model's own answer."""

from __future__ import annotations

import secrets
import time
from contextlib import suppress

import httpx

from bench.load.workload import TASKS, request_body
from bench.samples import Answer, judge_answer
from lab.errors import CommandFailedError

TASK = "ingredients"
"""Its answers are the shortest: the lab's model computes most of them in a row's time."""

_ATTEMPTS = 5
_HEADERS = {"Content-Type": "application/json"}


def prime(client: httpx.Client, seed: str, known: int) -> None:
    """Have each known key cached with the model's answer; one that a fallback answered is computed anew.

    Args:
        client: Of the API.
        seed: Names the requests.
        known: How many they are.

    Raises:
        CommandFailedError: The model does not answer.
    """
    for index in range(known):
        _prime(client, seed, index)


def ask_anew(client: httpx.Client) -> None:
    """Ask what nobody asked before, whatever comes of it."""
    with suppress(httpx.HTTPError):
        client.post(TASKS[TASK].path, content=request_body(TASK, secrets.token_hex(8), 0), headers=_HEADERS)


def _prime(client: httpx.Client, seed: str, index: int) -> None:
    headers = dict(_HEADERS)
    told = ""
    for attempt in range(_ATTEMPTS):
        try:
            response = client.post(TASKS[TASK].path, content=request_body(TASK, seed, index), headers=headers)
        except httpx.HTTPError as error:
            raise CommandFailedError(f"a known request was not answered: {error!r}") from error
        outcome = judge_answer(Answer(status=response.status_code, headers=response.headers, body=response.content))
        if not outcome["failure"] and not outcome["degraded"] and outcome["provider"] == "ollama":
            return
        told = outcome["failure"] or f"answered by {outcome['provider']}"
        headers["Cache-Control"] = "no-cache"
        time.sleep(attempt)
    raise CommandFailedError(f"a known request has no answer of the model after {_ATTEMPTS} attempts: {told}")
