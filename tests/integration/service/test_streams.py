"""Streams of a real model."""

from __future__ import annotations

import json
import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from tests.waiting import until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import httpx

    from lab.ollama_process import OllamaProcess
    from tests.integration.service.program import Program

RECIPE = "/api/v1/ai/generate-recipe"
INGREDIENTS = "/api/v1/ai/suggest-ingredients"
QUIET_S = 20.0


@contextmanager
def stream(program: Program, path: str, body: Any) -> Iterator[httpx.Response]:
    """Asks for a stream."""
    with program.http.stream("POST", path, json=body, headers={"accept": "text/event-stream"}) as response:
        yield response


def events(response: httpx.Response) -> Iterator[tuple[str, Any]]:
    """Name and data of each event, as they come."""
    name = ""
    for line in response.iter_lines():
        field, _, value = line.partition(": ")
        if field == "event":
            name = value
        elif field == "data":
            yield name, json.loads(value)


def test_a_streamed_answer_is_the_one_that_is_stored(start: Callable[..., Program], ollama: OllamaProcess) -> None:
    """Many pieces, one answer, and the next request without streaming hits it."""
    body = {"partial": ["tomato", "feta"]}
    with start(ollama) as program:
        with stream(program, INGREDIENTS, body) as response:
            heard = list(events(response))
        plain = program.ask(INGREDIENTS, body)
        with stream(program, INGREDIENTS, body) as replayed:
            again = list(events(replayed))
    pieces = [data["text"] for name, data in heard if name == "delta"]
    assert response.headers["cache-status"] == "alchemorsel; fwd=miss"
    assert len(pieces) > 5
    assert "suggestions" in json.loads("".join(pieces))
    timings, replays = (each[-1][1]["meta"].pop("timings_ms") for each in (heard, again))
    assert heard[-1][1]["meta"].pop("completion_tokens") >= len(pieces) / 2  # nobody wrote the replay
    assert heard[-1] == again[-1] == ("answer", plain.json())
    assert 0 < timings["provider"] <= timings["total"]
    assert "provider" not in replays
    assert plain.headers["cache-status"].startswith("alchemorsel; hit;")
    assert replayed.headers["cache-status"].startswith("alchemorsel; hit;")


def test_a_recipes_parts_can_be_read_long_before_it_is_whole(
    start: Callable[..., Program], ollama: OllamaProcess
) -> None:
    """Title, ingredients and steps as events, put together the checked answer; the same again from the cache."""
    body = {"prompt": "a tomato soup"}
    with start(ollama) as program:
        with stream(program, RECIPE, body) as response:
            heard = list(events(response))
        with stream(program, RECIPE, body) as response:
            again = list(events(response))
        metrics = program.metrics()
    name, answer = heard[-1]
    assert name == "answer"
    names = [name for name, _ in heard]
    if "restart" not in names:
        assert names.index("title") < names.index("ingredient") < names.index("instruction")
        assert [data["value"] for name, data in heard if name == "ingredient"] == answer["data"]["ingredients"]
        timings = answer["meta"]["timings_ms"]
        assert timings["first_part"] < timings["total"]
        assert names.index("title") < len(names) / 3
        assert next(data for name, data in heard if name == "title")["value"] == answer["data"]["title"]
    parts = [data["value"] for name, data in again if name == "ingredient"]
    assert parts == answer["data"]["ingredients"]
    assert 'stream_first_part_seconds_count{cache="hit",task="recipe"} 1.0' in metrics


def test_a_client_that_leaves_stops_the_model(start: Callable[..., Program], ollama: OllamaProcess) -> None:
    """Its slot is free again, long before the answer would have been complete."""
    with start(ollama) as program:
        with stream(program, RECIPE, {"prompt": "an elaborate vegetable lasagne"}) as response:
            heard = events(response)
            assert next(heard)[0] == "start"
            assert next(heard)[0] == "delta"
        cancelled = re.compile(r'provider_calls_total{outcome="cancelled",provider="ollama",[^}]*task="recipe"} 1.0')
        until(lambda: "queue_running 0.0" in program.metrics(), timeout_s=QUIET_S)
        until(lambda: cancelled.search(program.metrics()) is not None)
