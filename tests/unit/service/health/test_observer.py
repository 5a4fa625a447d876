"""What is known from looking in the background."""

from __future__ import annotations

import asyncio
import logging

import msgspec
import pytest

from ai_service.cache.keys import UNKNOWN_MODEL
from ai_service.cache.memory_store import MemoryStore
from ai_service.config.settings import Settings
from ai_service.errors import ServiceUnavailable, UnsupportedRequest
from ai_service.health.observer import MAX_WAIT_S, Observer
from ai_service.observability.metrics import Metrics
from ai_service.openai.chat import ChatTask
from ai_service.providers.errors import ProviderFailed, ProviderTimeout, ProviderUnreachable
from ai_service.resilience.admission import AdmissionQueue
from ai_service.resilience.chain import ProviderChain
from ai_service.resilience.circuit_breaker import CircuitBreaker
from ai_service.resilience.guarded import GuardedProvider
from ai_service.resilience.model_chains import ModelChains
from ai_service.tasks import build_tasks
from ai_service.tasks.request_parser import RequestParser
from tests.unit.service.fakes import FakeClock, ScriptedProvider

DOWN = ProviderUnreachable("down")


class SwitchedStore(MemoryStore):
    """A store that can go down."""

    name = "redis"
    available = True


class SlowStore(SwitchedStore):
    """A store that answers from some look on.

    Args:
        looks: So many looks of it fail.
        connects: What connecting ends with.
    """

    def __init__(self, looks: int, *, connects: bool = True) -> None:
        super().__init__()
        self.looks = looks
        self.available = False
        self._connects = connects

    async def connect(self, patience_s: float) -> bool:
        """See Store."""
        del patience_s
        return self._connects

    async def ping(self) -> bool:
        """See Store."""
        self.looks -= 1
        self.available = self.looks < 0
        return self.available


def chain_of(*providers: ScriptedProvider) -> ProviderChain:
    """Build a chain of providers."""
    metrics = Metrics()
    links = [
        GuardedProvider(provider, CircuitBreaker(), AdmissionQueue(concurrency=1, limit=1), metrics)
        for provider in providers
    ]
    return ProviderChain(links, metrics)


def observe(
    *providers: ScriptedProvider,
    chain: ProviderChain | None = None,
    store: MemoryStore | None = None,
    patience_s: float = MAX_WAIT_S,
) -> Observer:
    """Build an observer of providers, or of their chain, and a store."""
    chains = ModelChains(chain or chain_of(*providers))
    return Observer(chains, store or SwitchedStore(), patience_s=patience_s, clock=FakeClock())


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
    observer = Observer(ModelChains(ProviderChain([link], metrics)), SwitchedStore(), clock=FakeClock())
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
        "ollama (ollama-model): unreachable",
        "ollama (ollama-model): available again",
        "model ollama-model changed from 0123456789ab to ba9876543210",
    ]


async def test_the_start_waits_for_a_store_that_is_slow_at_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who serves before would compute what is stored."""
    monkeypatch.setattr("ai_service.health.observer.RETRY_S", 0.0)
    store = SlowStore(3)
    observer = observe(ScriptedProvider(), store=store)
    await observer.start()
    assert store.looks == -1
    assert observer.status == "healthy"
    await observer.stop()


async def test_the_start_does_not_wait_for_a_store_that_is_down() -> None:
    """It is known to be, and the service goes on without it."""
    store = SlowStore(3, connects=False)
    observer = observe(ScriptedProvider(), store=store)
    await observer.start()
    assert store.looks == 2
    assert observer.status == "degraded"
    await observer.stop()


async def test_the_start_waits_for_a_model_that_is_slow_at_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without its digest no stored answer is found."""
    monkeypatch.setattr("ai_service.health.observer.RETRY_S", 0.0)
    provider = ScriptedProvider(digest=ProviderTimeout("late"))
    observer = observe(provider)
    starting = asyncio.create_task(observer.start())
    for _ in range(20):
        await asyncio.sleep(0)
    assert not starting.done()
    provider.digest = "0123456789ab"
    await starting
    assert observer.model_digest == "0123456789ab"
    await observer.stop()


@pytest.mark.parametrize("remembered", [True, False])
async def test_the_start_does_not_wait_for_a_model_that_is_down_or_remembered(*, remembered: bool) -> None:
    """Refused is known at once; a digest in the store is enough, however slow the model's server."""
    store = SwitchedStore()
    if remembered:
        await observe(ScriptedProvider(), store=store).look()
    observer = observe(ScriptedProvider(digest=ProviderTimeout("late") if remembered else DOWN), store=store)
    await asyncio.wait_for(observer.start(), 1.0)
    assert (observer.model_digest == "0123456789ab") is remembered
    await observer.stop()


async def test_the_start_ends_where_a_model_stays_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    """Several attempts later it is down, as far as callers can tell."""
    monkeypatch.setattr("ai_service.health.observer.RETRY_S", 0.01)
    observer = observe(ScriptedProvider(digest=ProviderTimeout("late")), patience_s=0.1)
    await asyncio.wait_for(observer.start(), 10.0)
    assert observer.model_digest == UNKNOWN_MODEL
    await observer.stop()


async def test_the_status_is_not_healthy_while_answers_are_fallbacks() -> None:
    """Though the primary provider lists its model: what counts is its last answer, and the next good one ends it."""
    task = build_tasks(Settings.from_env({}))[1]
    request = msgspec.convert({"partial": ["tomato"]}, task.request_type)
    primary = ScriptedProvider(ProviderTimeout("silent"), "no JSON", "no JSON")
    chain = chain_of(primary, ScriptedProvider(name="openai"))
    observer = observe(chain=chain)
    await observer.look()
    for problem in ("timeout", "invalid"):
        await chain.answer(task, request)
        report = observer.report()
        assert (report["status"], report["providers"][0]["problem"]) == ("degraded", problem)
        assert report["providers"][0]["usable"]
    await chain.answer(task, request)
    assert (observer.status, observer.report()["providers"][0]["problem"]) == ("healthy", "")


async def test_an_open_breaker_does_not_hide_why_it_opened() -> None:
    """The reason stays; that it is open stands beside it."""
    task = build_tasks(Settings.from_env({}))[1]
    request = msgspec.convert({"partial": ["tomato"]}, task.request_type)
    chain = chain_of(ScriptedProvider(*[ProviderTimeout("silent")] * 3), ScriptedProvider(name="openai"))
    observer = observe(chain=chain)
    await observer.look()
    for _ in range(4):
        await chain.answer(task, request)
    provider = observer.report()["providers"][0]
    assert (provider["problem"], provider["breaker"], provider["usable"]) == ("timeout", "open", False)


async def test_what_callers_do_wrong_is_no_problem_of_a_provider() -> None:
    """A schema that it cannot do, and a full queue that only background work found."""
    chat = ChatTask(models=["m"], ttl_s=1, max_tokens=9, num_ctx=2048)
    form = {"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "object"}}}
    body = {"model": "m", "messages": [{"role": "user", "content": "x"}], "response_format": form}
    request = RequestParser(chat).read(msgspec.json.encode(body)).request
    primary = ScriptedProvider(ProviderFailed("grammar"), "no JSON", "no JSON", "no JSON")
    chain = chain_of(primary)
    observer = observe(chain=chain)
    await observer.look()
    with pytest.raises(UnsupportedRequest):
        await chain.answer(chat, request)
    with pytest.raises(ServiceUnavailable):
        await chain.answer(chat, request)
    assert observer.status == "healthy"


async def test_a_look_that_fails_in_a_way_that_nobody_thought_of_is_a_failure() -> None:
    """Of that provider alone: the others are looked at, and the next look is as good as any."""
    first, second = ScriptedProvider(digest=KeyError("x")), ScriptedProvider(name="openai")
    observer = observe(first, second)
    await observer.look()
    assert [each["problem"] for each in observer.report()["providers"]] == ["failed", ""]
    first.digest = "0123456789ab"
    await observer.look()
    assert observer.status == "healthy"


async def test_a_made_up_primary_is_never_healthy() -> None:
    """Its answers are samples, whoever configured it so."""
    observer = observe(ScriptedProvider(name="mock", synthetic=True))
    await observer.look()
    assert observer.status == "degraded"


async def test_a_value_that_is_no_digest_is_not_taken_for_one() -> None:
    """Anybody may have written it."""
    store = SwitchedStore()
    for value in (b"x" * 100, b"\xff" * 12, b"", b"../../../etc"):
        await store.set("ai:v1:model:ollama:ollama-model", value, 60)
        observer = observe(ScriptedProvider(digest=DOWN), store=store)
        await observer.look()
        assert observer.model_digest == UNKNOWN_MODEL
