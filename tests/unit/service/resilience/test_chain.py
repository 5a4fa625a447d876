"""The order of providers."""

import msgspec
import pytest

from ai_service.config.settings import Settings
from ai_service.errors import ServiceUnavailable
from ai_service.observability.metrics import Metrics
from ai_service.providers.errors import ProviderError, ProviderOverloaded, ProviderUnreachable
from ai_service.resilience.admission import AdmissionQueue
from ai_service.resilience.chain import MAX_RETRY_AFTER_S, ProviderChain
from ai_service.resilience.circuit_breaker import CircuitBreaker
from ai_service.resilience.guarded import GuardedProvider
from ai_service.schemas import TaskRequest
from ai_service.tasks import build_tasks
from tests.unit.service.fakes import ScriptedProvider

TASK = build_tasks(Settings.from_env({}))[1]
REQUEST: TaskRequest = msgspec.convert({"partial": ["tomato"]}, TASK.request_type)


def chain(*providers: ScriptedProvider) -> tuple[ProviderChain, Metrics]:
    """Build a chain of providers with breakers opening at the first failure."""
    metrics = Metrics()
    queue = AdmissionQueue(concurrency=8, limit=8)
    links = [GuardedProvider(provider, CircuitBreaker(failures=1), queue, metrics) for provider in providers]
    return ProviderChain(links, metrics), metrics


async def test_the_primarys_answer_is_not_degraded() -> None:
    """And nobody else is asked."""
    second = ScriptedProvider(name="openai")
    found = await chain(ScriptedProvider(), second)[0].answer(TASK, REQUEST)
    assert not found.degraded
    assert second.prompts == []


async def test_a_fallbacks_answer_is_degraded_and_says_why() -> None:
    """In a metric as well."""
    providers, metrics = chain(ScriptedProvider(ProviderUnreachable("down")), ScriptedProvider(name="openai"))
    found = await providers.answer(TASK, REQUEST)
    assert found.degraded
    assert found.answer.provider == "openai"
    assert [(each.provider, each.reason) for each in found.skipped] == [("ollama", "unreachable")]
    assert found.degraded_reason == "ollama: unreachable"
    labels = {"provider": "ollama", "task": "ingredients", "reason": "unreachable"}
    assert metrics.registry.get_sample_value("alchemorsel_ai_fallbacks_total", labels) == 1


async def test_a_fabricated_answer_is_degraded_even_as_primary() -> None:
    """Whoever configured it so."""
    found = await chain(ScriptedProvider(name="mock", synthetic=True))[0].answer(TASK, REQUEST)
    assert found.degraded


async def test_when_nobody_answers_the_caller_learns_why_and_when_to_ask_again() -> None:
    """503, with a reason for each provider."""
    down: list[ProviderError] = [ProviderUnreachable("down")]
    providers, _ = chain(ScriptedProvider(*down), ScriptedProvider(*down, name="openai"))
    with pytest.raises(ServiceUnavailable) as caught:
        await providers.answer(TASK, REQUEST)
    assert caught.value.details == [
        {"provider": "ollama", "problem": "unreachable"},
        {"provider": "openai", "problem": "unreachable"},
    ]
    assert caught.value.retry_after_s == 5


async def test_retry_after_is_when_a_provider_is_tried_again_but_no_longer_than_callers_wait() -> None:
    """Whatever the provider asked for."""
    providers, _ = chain(ScriptedProvider(ProviderOverloaded("busy", cool_off_s=10**6)))
    for _ in range(2):
        with pytest.raises(ServiceUnavailable) as caught:
            await providers.answer(TASK, REQUEST)
    assert caught.value.retry_after_s == MAX_RETRY_AFTER_S
