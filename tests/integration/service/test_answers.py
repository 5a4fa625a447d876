"""Answers of a real model, cached in a real Redis."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from lab.ollama_process import OllamaProcess
    from tests.integration.service.program import Program

RECIPE = "/api/v1/ai/generate-recipe"
INGREDIENTS = "/api/v1/ai/suggest-ingredients"
NUTRITION = "/api/v1/ai/analyze-nutrition"


@pytest.mark.parametrize(
    ("path", "body", "fields"),
    [
        (
            RECIPE,
            {"prompt": "tomato soup", "dietary": ["vegetarian"], "serving_size": 2},
            {"title", "description", "ingredients", "instructions", "tags", "confidence"},
        ),
        (INGREDIENTS, {"partial": ["tomato", "basil"]}, {"suggestions"}),
        (
            NUTRITION,
            {"ingredients": ["200 g rice", "1 egg"]},
            {"calories", "protein", "carbs", "fat", "fiber", "sugar", "sodium"},
        ),
    ],
)
def test_a_task_is_answered_by_the_model_and_then_from_the_cache(
    start: Callable[..., Program], ollama: OllamaProcess, path: str, body: dict[str, object], fields: set[str]
) -> None:
    """The second time it is the same to the byte."""
    with start(ollama) as program:
        miss = program.ask(path, body)
        hit = program.ask(path, body)
    assert miss.status_code == 200, miss.text
    assert miss.headers["cache-status"] == "alchemorsel; fwd=miss; stored"
    assert fields <= set(miss.json()["data"])
    meta = miss.json()["meta"]
    assert (meta["provider"], meta["model"], meta["degraded"]) == ("ollama", ollama.model, False)
    assert hit.headers["cache-status"].startswith("alchemorsel; hit;")
    assert hit.content == miss.content


def test_an_answer_outlives_the_process_that_computed_it(start: Callable[..., Program], ollama: OllamaProcess) -> None:
    """It is in Redis, under the digest of the model."""
    body = {"partial": ["lemon", "rice"]}
    with start(ollama) as program:
        miss = program.ask(INGREDIENTS, body)
    with start(ollama) as program:
        hit = program.ask(INGREDIENTS, body)
    assert "detail=redis" in hit.headers["cache-status"]
    assert hit.content == miss.content


def test_answers_of_the_small_model_are_whole(start: Callable[..., Program], ollama: OllamaProcess) -> None:
    """Bounds and budgets fit: of nine different questions at least eight get the model's own answer."""
    questions = ["pancakes", "chicken curry", "fish tacos"]
    with start(ollama) as program:
        answers = [program.ask(RECIPE, {"prompt": question}) for question in questions]
        answers += [program.ask(INGREDIENTS, {"partial": [item]}) for item in ("oats", "beef", "feta")]
        answers += [program.ask(NUTRITION, {"ingredients": [item]}) for item in ("2 eggs", "100 g oats", "1 apple")]
    assert all(answer.status_code == 200 for answer in answers)
    whole = [answer for answer in answers if not answer.json()["meta"]["degraded"]]
    assert len(whole) >= 8, [answer.headers["server-timing"] for answer in answers]
