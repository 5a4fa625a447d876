"""One link of the chain."""

import asyncio
import json

import msgspec
import pytest

from ai_service.config.settings import Settings
from ai_service.observability.metrics import Metrics
from ai_service.providers.errors import CircuitOpen, InvalidAnswer, ProviderUnreachable, QueueFull
from ai_service.resilience.admission import AdmissionQueue
from ai_service.resilience.circuit_breaker import CircuitBreaker
from ai_service.resilience.guarded import GuardedProvider
from ai_service.schemas import Suggestions, TaskRequest
from ai_service.tasks import build_tasks
from tests.unit.service.fakes import SUGGESTIONS, ScriptedProvider

TASK = build_tasks(Settings.from_env({}))[1]
REQUEST: TaskRequest = msgspec.convert({"partial": ["tomato"]}, TASK.request_type)
GOOD = json.dumps(SUGGESTIONS)


def guard(provider: ScriptedProvider, *, failures: int = 1, limit: int = 1) -> tuple[GuardedProvider, Metrics]:
    """Create a guarded provider and its metrics."""
    metrics = Metrics()
    queue = AdmissionQueue(concurrency=1, limit=limit)
    return GuardedProvider(provider, CircuitBreaker(failures=failures), queue, metrics), metrics


def sample(metrics: Metrics, name: str, labels: dict[str, str]) -> float:
    """Return a metric's value as scraped; 0 where there is none."""
    metrics.refresh()
    return metrics.registry.get_sample_value(name, labels) or 0.0


def calls(metrics: Metrics, outcome: str, purpose: str = "request") -> float:
    """How many calls had an outcome."""
    labels = {"provider": "ollama", "task": "ingredients", "outcome": outcome, "purpose": purpose}
    return sample(metrics, "alchemorsel_ai_provider_calls_total", labels)


async def test_a_good_answer_is_checked_and_counted() -> None:
    """With who wrote it."""
    link, metrics = guard(ScriptedProvider())
    answer = await link.answer(TASK, REQUEST)
    assert answer.scored[0] == Suggestions(**SUGGESTIONS)
    assert (answer.provider, answer.model) == ("ollama", "ollama-model")
    assert calls(metrics, "ok") == 1


async def test_the_first_text_of_each_call_is_timed() -> None:
    """Once a call, however many pieces there are."""
    link, metrics = guard(ScriptedProvider())
    await link.answer(TASK, REQUEST)
    await link.answer(TASK, REQUEST)
    labels = {"provider": "ollama", "task": "ingredients"}
    name = "alchemorsel_ai_time_to_first_token_seconds_count"
    assert sample(metrics, name, labels) == 2


async def test_an_invalid_answer_is_asked_for_once_more() -> None:
    """Models differ from one try to the next."""
    provider = ScriptedProvider("garbage", GOOD)
    link, metrics = guard(provider)
    await link.answer(TASK, REQUEST)
    assert len(provider.prompts) == 2
    assert (calls(metrics, "invalid"), calls(metrics, "ok")) == (1, 1)


async def test_two_invalid_answers_are_enough() -> None:
    """And say nothing about whether the server is up."""
    provider = ScriptedProvider("garbage", "garbage", GOOD)
    link, _ = guard(provider)
    with pytest.raises(InvalidAnswer):
        await link.answer(TASK, REQUEST)
    assert len(provider.prompts) == 2
    assert link.breaker.state == "closed"


async def test_a_dead_server_is_not_asked_twice() -> None:
    """The failure counts in the breaker, which then keeps calls away."""
    provider = ScriptedProvider(ProviderUnreachable("down"))
    link, metrics = guard(provider)
    with pytest.raises(ProviderUnreachable):
        await link.answer(TASK, REQUEST)
    with pytest.raises(CircuitOpen):
        await link.answer(TASK, REQUEST)
    assert len(provider.prompts) == 1
    assert calls(metrics, "unreachable") == 1


async def test_a_full_queue_is_no_failure_of_the_provider() -> None:
    """It is ours."""
    provider = ScriptedProvider()
    link, _ = guard(provider, limit=0)
    provider.gate.clear()
    running = asyncio.create_task(link.answer(TASK, REQUEST))
    await asyncio.sleep(0)
    with pytest.raises(QueueFull):
        await link.answer(TASK, REQUEST)
    assert link.breaker.state == "closed"
    provider.gate.set()
    await running
