"""What is known from looking in the background."""

from __future__ import annotations

import logging

import pytest

from ai_service.cache.keys import UNKNOWN_MODEL
from ai_service.cache.memory_store import MemoryStore
from ai_service.health import Observer
from ai_service.metrics import Metrics
from ai_service.providers.admission import AdmissionQueue
from ai_service.providers.chain import ProviderChain
from ai_service.providers.circuit_breaker import CircuitBreaker
from ai_service.providers.errors import ProviderUnreachable
from ai_service.providers.guarded import GuardedProvider
from tests.unit.service.fakes import FakeClock, ScriptedProvider

DOWN = ProviderUnreachable("down")


class SwitchedStore(MemoryStore):
    """A store that can go down."""

    name = "redis"
    available = True


def observe(*providers: ScriptedProvider, store: MemoryStore | None = None) -> Observer:
    """An observer of providers and a store."""
    metrics = Metrics()
    links = [
        GuardedProvider(provider, CircuitBreaker(), AdmissionQueue(concurrency=1, limit=1), metrics)
        for provider in providers
    ]
    return Observer(ProviderChain(links, metrics), store or SwitchedStore(), clock=FakeClock())


@pytest.mark.parametrize(
    ("primary", "fallback", "store", "status", "ready"),
    [
        (True, True, True, "healthy", True),
        (True, False, True, "healthy", True),
        (True, True, False, "degraded", True),
        (False, True, True, "degraded", True),
        (False, False, False, "critical", False),
    ],
)
async def test_the_status_follows_from_what_was_seen(
    *, primary: bool, fallback: bool, store: bool, status: str, ready: bool
) -> None:
    """Three words, and whether anything can be answered."""
    switched = SwitchedStore()
    switched.available = store
    observer = observe(
        ScriptedProvider(digest="0123456789ab" if primary else DOWN),
        ScriptedProvider(name="openai", digest="0123456789ab" if fallback else DOWN),
        store=switched,
    )
    await observer.look()
    assert (observer.status, observer.ready) == (status, ready)


async def test_stored_answers_are_something_that_can_be_answered() -> None:
    """Ready, though critical: whoever asked before is still served."""
    store = SwitchedStore()
    await observe(ScriptedProvider(), store=store).look()
    observer = observe(ScriptedProvider(digest=DOWN), store=store)
    await observer.look()
    assert (observer.status, observer.ready) == ("critical", True)
    assert observer.model_digest == "0123456789ab"


async def test_a_provider_with_an_open_breaker_is_not_usable() -> None:
    """It answers a look, but answers to questions failed."""
    provider = ScriptedProvider()
    metrics = Metrics()
    breaker = CircuitBreaker(failures=1)
    link = GuardedProvider(provider, breaker, AdmissionQueue(concurrency=1, limit=1), metrics)
    observer = Observer(ProviderChain([link], metrics), SwitchedStore(), clock=FakeClock())
    await observer.look()
    assert observer.status == "healthy"
    with pytest.raises(ProviderUnreachable), breaker.guard():
        raise DOWN
    assert observer.status == "critical"


async def test_nothing_is_claimed_before_the_first_look() -> None:
    """Unknown is not healthy."""
    observer = observe(ScriptedProvider())
    assert (observer.status, observer.ready) == ("critical", False)
    assert observer.report()["providers"][0]["problem"] == "not looked at yet"
    assert observer.model_digest == UNKNOWN_MODEL


async def test_a_missing_model_is_a_problem_of_its_own() -> None:
    """The server answers, but cannot do the work."""
    observer = observe(ScriptedProvider(digest=""))
    await observer.look()
    assert observer.report()["providers"][0]["problem"] == "model_missing"
    assert observer.status == "critical"


async def test_a_draining_process_is_not_ready() -> None:
    """The load balancer is to look elsewhere."""
    observer = observe(ScriptedProvider())
    await observer.start()
    assert observer.ready
    await observer.stop()
    assert not observer.ready


async def test_looking_calls_no_model() -> None:
    """However often."""
    provider = ScriptedProvider()
    observer = observe(provider)
    for _ in range(3):
        await observer.look()
        observer.report()
    assert provider.prompts == []


async def test_each_change_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    """Not once a look."""
    provider = ScriptedProvider(digest=DOWN)
    observer = observe(provider)
    with caplog.at_level(logging.WARNING):
        await observer.look()
        await observer.look()
        provider.digest = "0123456789ab"
        await observer.look()
        provider.digest = "ba9876543210"
        await observer.look()
    assert [record.getMessage() for record in caplog.records] == [
        "ollama: unreachable",
        "ollama: answers again",
        "model ollama-model changed from 0123456789ab to ba9876543210",
    ]
