"""What is stored and sent of an answer."""

from __future__ import annotations

import json

import msgspec
import pytest

from ai_service.answers.answer_entry import DOUBTFUL_TTL_S, FALLBACK_TTL_S, entry_of
from ai_service.config.settings import Settings
from ai_service.providers.base import Completion
from ai_service.resilience.chain import ChainAnswer
from ai_service.resilience.guarded import Answer
from ai_service.schemas import NutritionRequest
from ai_service.skipped_providers import Skipped
from ai_service.tasks import build_tasks
from tests.unit.service.fakes import NUTRITION

TASK = build_tasks(Settings.from_env({}))[2]
NOW = 1_000_000.0


def answer(**change: int) -> ChainAnswer:
    """Return a nutrition analysis, changed."""
    scored = TASK.judge(Completion(json.dumps({**NUTRITION, **change})), NutritionRequest(ingredients=["rice"]))
    answer = Answer(scored, "ollama", "m", synthetic=False, queue_s=0.0, load_s=0.0, provider_s=1.0)
    return ChainAnswer(answer, ())


def test_a_good_answer_has_no_warnings() -> None:
    """Not even an empty list of them; it stays fresh by its confidence."""
    entry = entry_of(TASK, answer(), NOW)
    assert "warnings" not in json.loads(entry.body)["meta"]
    assert entry.fresh_until == NOW + 12 * 3600 * 1.5


def test_a_repaired_answer_says_so() -> None:
    """In the body, so that every hit says it too."""
    body = json.loads(entry_of(TASK, answer(calories=66), NOW).body)
    assert body["data"]["calories"] == 429
    (warning,) = body["meta"]["warnings"]
    assert (warning["check"], warning["field"], warning["outcome"]) == ("energy", "$.calories", "repaired")
    assert "66 kcal" in warning["message"]


def test_an_impossible_answer_has_a_short_life() -> None:
    """Minutes, whatever the task's base time."""
    entry = entry_of(TASK, answer(sugar=200), NOW)
    assert json.loads(entry.body)["meta"]["confidence"] == entry.confidence <= 0.3
    assert entry.fresh_until == NOW + DOUBTFUL_TTL_S


@pytest.mark.parametrize("change", [{}, {"sugar": 200}])
def test_a_fallbacks_answer_has_a_shorter_one(change: dict[str, int]) -> None:
    """The primary provider is to be asked again soon."""
    found = msgspec.structs.replace(answer(**change), skipped=(Skipped("ollama", "timeout"),))
    assert entry_of(TASK, found, NOW).fresh_until == NOW + FALLBACK_TTL_S
