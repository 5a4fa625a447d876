"""The use case, with a store in memory and scripted providers."""

from __future__ import annotations

import asyncio
import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec
import pytest

from ai_service.background import Background
from ai_service.cache.freshness import STALE_IF_ERROR_S
from ai_service.cache.keys import answer_key
from ai_service.cache.memory import MemoryLayer
from ai_service.cache.memory_store import MemoryStore
from ai_service.cache.response_cache import ResponseCache
from ai_service.cache.shared_flight import SharedFlight
from ai_service.cache.single_flight import SingleFlight
from ai_service.completion import FALLBACK_TTL_S, Completions, Directives, Outcome
from ai_service.errors import DeadlineExceeded, NotCached, ProviderUnreachable, ServiceUnavailable
from ai_service.health import Observer
from ai_service.metrics import Metrics
from ai_service.providers.admission import AdmissionQueue
from ai_service.providers.chain import ProviderChain
from ai_service.providers.circuit_breaker import CircuitBreaker
from ai_service.providers.guarded import GuardedProvider
from ai_service.settings import Settings
from ai_service.tasks import build_tasks
from ai_service.validation import QuestionReader
from tests.unit.service.fakes import RECIPE, FakeClock, ScriptedProvider

if TYPE_CHECKING:
    from ai_service.cache.entry import Entry

TASK = build_tasks(Settings.from_env({}))[0]
QUESTION = QuestionReader(TASK).read(b'{"prompt":"tomato pasta"}')
PLAIN = Directives()
DOWN = ProviderUnreachable("down")
FRESH_S = 7200 * (0.5 + 0.94)
"""How long this module's answer is fresh: the recipe's base time by its confidence."""
REVALIDATE_S = 600.0
LONG_GONE_S = FRESH_S + REVALIDATE_S


@dataclass
class Service:
    """The use case and what is around it."""

    completions: Completions
    observer: Observer
    clock: FakeClock
    store: MemoryStore
    background: Background
    cache: ResponseCache
    draws: list[float]

    @property
    def key(self) -> str:
        """Of the one question of this module."""
        return answer_key(TASK.name, self.observer.model_digest, QUESTION.digest)

    async def cached(self) -> Entry:
        """What is stored for it."""
        entry = await self.cache.reread(self.key)
        assert entry is not None
        return entry

    async def settle(self) -> None:
        """Lets the background do what it has to do."""
        while self.background.busy:  # noqa: ASYNC110 - the background tells nobody
            await asyncio.sleep(0)

    async def ask(self, directives: Directives = PLAIN) -> Outcome:
        """Asks the one question of this module."""
        return await self.completions.answer(TASK, QUESTION, directives)


async def service(
    *providers: ScriptedProvider,
    deadline_s: float = 10.0,
    clock: FakeClock | None = None,
    store: MemoryStore | None = None,
) -> Service:
    """The use case around providers."""
    clock = clock or FakeClock()
    store = store or MemoryStore(clock=clock)
    metrics = Metrics()
    links = [
        GuardedProvider(
            provider, CircuitBreaker(failures=99, clock=clock), AdmissionQueue(concurrency=99, limit=99), metrics
        )
        for provider in providers
    ]
    chain = ProviderChain(links, metrics)
    observer = Observer(chain, store, clock=clock)
    await observer.look()
    cache = ResponseCache(store, MemoryLayer(clock=clock))
    flights: SingleFlight[Outcome] = SingleFlight()
    background = Background(lambda: chain.primary.queue.idle, metrics, clock=clock)
    draws: list[float] = []
    completions = Completions(
        cache,
        flights,
        chain,
        observer,
        metrics,
        background=background,
        shared=SharedFlight(store, poll_s=0.001),
        deadline_s=deadline_s,
        revalidate_s=REVALIDATE_S,
        clock=clock,
        draw=lambda: draws.pop(0) if draws else 0.0,
    )
    return Service(completions, observer, clock, store, background, cache, draws)


async def test_a_miss_is_computed_stored_and_then_hit_with_the_same_bytes() -> None:
    """One call of the model for any number of requests."""
    provider = ScriptedProvider()
    made = await service(provider)
    first, second = await made.ask(), await made.ask()
    assert (first.cache, first.detail) == ("miss", "stored")
    assert (second.cache, second.detail) == ("hit", "memory")
    assert second.entry.body == first.entry.body
    assert len(provider.prompts) == 1


async def test_the_envelope_is_the_contracts() -> None:
    """Applications read it."""
    body = json.loads((await (await service(ScriptedProvider())).ask()).entry.body)
    assert body["success"] is True
    assert body["message"] == "Recipe generated."
    assert body["data"] == {**RECIPE, "confidence": 0.94} | {"ingredients": body["data"]["ingredients"]}
    assert body["meta"] == {
        "provider": "ollama",
        "model": "ollama-model",
        "generated_at": "1970-01-12T13:46:40.000Z",
        "confidence": 0.94,
        "degraded": False,
    }


async def test_an_answer_stays_fresh_by_its_confidence() -> None:
    """From half the base time to one and a half."""
    made = await service(ScriptedProvider())
    entry = (await made.ask()).entry
    assert entry.fresh_until == pytest.approx(made.clock.now + 7200 * (0.5 + 0.94))
    assert entry.stale_until == entry.fresh_until + STALE_IF_ERROR_S


async def test_what_is_no_longer_fresh_is_computed_again() -> None:
    """While a provider answers, nobody gets yesterday's answer."""
    provider = ScriptedProvider()
    made = await service(provider)
    await made.ask()
    made.clock.advance(LONG_GONE_S)
    assert (await made.ask()).cache == "expired"
    assert len(provider.prompts) == 2


async def test_where_every_provider_fails_a_stale_answer_is_served() -> None:
    """For a day; then the truth is 503."""
    made = await service(ScriptedProvider(json.dumps(RECIPE), DOWN, DOWN))
    first = await made.ask()
    made.clock.advance(LONG_GONE_S)
    stale = await made.ask()
    assert (stale.cache, stale.entry.body) == ("stale", first.entry.body)
    await made.settle()
    made.clock.advance(STALE_IF_ERROR_S)
    with pytest.raises(ServiceUnavailable):
        await made.ask()


async def test_too_stale_is_too_stale_even_where_memory_still_has_it() -> None:
    """With the store down, nothing else would forget it."""

    class LostStore(MemoryStore):
        available = False

        async def get(self, key: str) -> bytes | None:
            del key
            return None

    clock = FakeClock()
    made = await service(ScriptedProvider(json.dumps(RECIPE), DOWN, DOWN), clock=clock, store=LostStore(clock=clock))
    await made.ask()
    clock.advance(LONG_GONE_S)
    assert (await made.ask()).cache == "stale"
    clock.advance(STALE_IF_ERROR_S)
    with pytest.raises(ServiceUnavailable):
        await made.ask()


async def test_a_fallbacks_answer_is_stored_for_a_short_time() -> None:
    """The primary is asked again soon."""
    primary = ScriptedProvider(DOWN)
    made = await service(primary, ScriptedProvider(name="openai"))
    outcome = await made.ask()
    assert outcome.entry.degraded
    assert outcome.passed_over == (("ollama", "unreachable"),)
    assert (await made.ask()).cache == "hit"
    made.clock.advance(FALLBACK_TTL_S)
    assert (await made.ask()).entry.provider == "ollama"


async def test_a_fabricated_answer_is_labelled_and_never_stored() -> None:
    """Its confidence is zero: nobody thought about it."""
    mock = ScriptedProvider(name="mock", fabricated=True)
    made = await service(ScriptedProvider(DOWN, DOWN), mock)
    first, second = await made.ask(), await made.ask()
    assert (first.cache, second.cache) == ("miss", "miss")
    body = json.loads(first.entry.body)
    assert (body["meta"]["degraded"], body["meta"]["provider"]) == (True, "mock")
    assert body["meta"]["confidence"] == body["data"]["confidence"] == 0.0


async def test_equal_misses_at_a_time_are_one_call() -> None:
    """And all but one say so."""
    provider = ScriptedProvider()
    provider.gate.clear()
    made = await service(provider)
    asking = [asyncio.create_task(made.ask()) for _ in range(50)]
    await asyncio.sleep(0.01)
    provider.gate.set()
    outcomes = await asyncio.gather(*asking)
    assert len(provider.prompts) == 1
    assert sorted(outcome.cache for outcome in outcomes) == ["coalesced"] * 49 + ["miss"]


async def test_no_cache_computes_anew_and_replaces() -> None:
    """The caller wants a new answer, and others may have it too."""
    provider = ScriptedProvider()
    made = await service(provider)
    await made.ask()
    made.clock.advance(10)
    renewed = await made.ask(Directives(no_cache=True))
    assert (renewed.cache, renewed.detail) == ("bypass", "stored")
    assert (await made.ask()).entry == renewed.entry


async def test_no_store_neither_reads_nor_writes() -> None:
    """The benchmark's uncached phase relies on it."""
    provider = ScriptedProvider()
    made = await service(provider)
    outcome = await made.ask(Directives(no_store=True))
    assert (outcome.cache, outcome.detail) == ("bypass", "")
    assert (await made.ask()).cache == "miss"
    assert len(provider.prompts) == 2


async def test_only_if_cached_never_calls_a_provider() -> None:
    """A hit or 504."""
    provider = ScriptedProvider()
    made = await service(provider)
    with pytest.raises(NotCached):
        await made.ask(Directives(only_if_cached=True))
    assert provider.prompts == []
    await made.ask()
    assert (await made.ask(Directives(only_if_cached=True))).cache == "hit"


async def test_the_deadline_ends_the_waiting_not_the_work() -> None:
    """Who asks next finds the answer."""
    provider = ScriptedProvider()
    provider.gate.clear()
    made = await service(provider, deadline_s=0.05)
    asking = asyncio.create_task(made.ask())
    joined = asyncio.create_task(made.ask())
    for task in (asking, joined):
        with pytest.raises(DeadlineExceeded):
            await task


async def test_a_rotated_model_does_not_serve_the_old_models_answers() -> None:
    """Its digest is part of the key."""
    provider = ScriptedProvider()
    made = await service(provider)
    await made.ask()
    provider.digest = "ba9876543210"
    await made.observer.look()
    assert (await made.ask()).cache == "miss"


async def test_hits_go_on_in_a_new_process_while_the_provider_is_down() -> None:
    """The digest is remembered in the store."""
    clock = FakeClock()
    store = MemoryStore(clock=clock)
    first = await (await service(ScriptedProvider(), clock=clock, store=store)).ask()
    restarted = await service(ScriptedProvider(DOWN, digest=DOWN), clock=clock, store=store)
    hit = await restarted.ask()
    assert (hit.cache, hit.entry.body) == ("hit", first.entry.body)


async def test_nothing_is_stored_for_a_model_that_nobody_has_seen() -> None:
    """Its answers could be any model's."""
    made = await service(ScriptedProvider(digest=DOWN))
    assert (await made.ask()).detail == ""
    assert (await made.ask()).cache == "miss"


async def test_shortly_after_its_freshness_an_answer_is_served_and_refreshed_in_the_background() -> None:
    """Nobody waits for what was good a moment ago."""
    provider = ScriptedProvider()
    made = await service(provider)
    first = await made.ask()
    made.clock.advance(FRESH_S + 1)
    outcomes = [await made.ask() for _ in range(5)]
    assert [(outcome.cache, outcome.detail) for outcome in outcomes] == [("stale", "stale")] * 5
    assert outcomes[0].entry == first.entry
    await made.settle()
    renewed = await made.ask()
    assert (renewed.cache, renewed.entry.created) == ("hit", made.clock.now)
    assert len(provider.prompts) == 2


async def test_a_refresh_that_fails_leaves_the_answer_as_it_is_and_is_not_repeated_at_once() -> None:
    """A failing provider is not called for every hit."""
    provider = ScriptedProvider(json.dumps(RECIPE), DOWN, DOWN)
    made = await service(provider)
    first = await made.ask()
    made.clock.advance(FRESH_S + 1)
    for _ in range(3):
        assert (await made.ask()).entry == first.entry
        await made.settle()
    assert len(provider.prompts) == 2


async def test_a_refresh_asks_the_primary_only() -> None:
    """A fallback's answer would replace a better one."""
    fallback = ScriptedProvider(name="openai")
    made = await service(ScriptedProvider(json.dumps(RECIPE), DOWN), fallback)
    await made.ask()
    made.clock.advance(FRESH_S + 1)
    await made.ask()
    await made.settle()
    assert fallback.prompts == []


@pytest.mark.parametrize(("draw", "calls"), [(0.0, 1), (1 - 1e-9, 2)])
async def test_a_fresh_answer_near_its_end_is_refreshed_by_chance(draw: float, calls: int) -> None:
    """XFetch: most readers do nothing; the one with the lucky draw refreshes, and is answered at once, too."""
    provider = ScriptedProvider()
    made = await service(provider)
    await made.ask()
    stored = await made.cached()
    await made.cache.keep(
        made.key,
        msgspec.structs.replace(stored, compute_s=10.0),
        now=made.clock.now,
        generation=made.cache.generation("recipe"),
    )
    made.clock.advance(FRESH_S - 100)
    made.draws.append(draw)
    assert (await made.ask()).cache == "hit"
    await made.settle()
    assert len(provider.prompts) == calls


async def test_a_fallbacks_answer_is_refreshed_as_soon_as_the_primary_is_back() -> None:
    """The caller still gets what is there."""
    primary = ScriptedProvider(DOWN)
    made = await service(primary, ScriptedProvider(name="openai"))
    await made.ask()
    assert (await made.ask()).entry.provider == "openai"
    await made.settle()
    assert (await made.ask()).entry.provider == "ollama"


async def test_a_real_answer_however_stale_is_better_than_a_made_up_one() -> None:
    """The mock provider never displaces what a model wrote."""
    made = await service(ScriptedProvider(json.dumps(RECIPE), DOWN), ScriptedProvider(name="mock", fabricated=True))
    first = await made.ask()
    made.clock.advance(LONG_GONE_S)
    outcome = await made.ask()
    assert (outcome.cache, outcome.entry) == ("stale", first.entry)


@pytest.mark.parametrize(
    ("max_stale_s", "cache"), [(REVALIDATE_S + 60, "stale"), (30.0, "expired"), (math.inf, "stale")]
)
async def test_max_stale_widens_what_is_served(max_stale_s: float, cache: str) -> None:
    """The caller knows best; what the operator allows anyway is not narrowed by it."""
    made = await service(ScriptedProvider())
    await made.ask()
    made.clock.advance(LONG_GONE_S + 1)
    assert (await made.ask(Directives(max_stale_s=max_stale_s))).cache == cache


async def test_only_if_cached_takes_stale_answers_by_the_same_rule_and_refreshes_nothing() -> None:
    """And with no-cache nothing stored may be used at all."""
    provider = ScriptedProvider()
    made = await service(provider)
    await made.ask()
    made.clock.advance(FRESH_S + 1)
    assert (await made.ask(Directives(only_if_cached=True))).cache == "stale"
    made.clock.advance(REVALIDATE_S)
    with pytest.raises(NotCached):
        await made.ask(Directives(only_if_cached=True))
    assert (await made.ask(Directives(only_if_cached=True, max_stale_s=math.inf))).cache == "stale"
    with pytest.raises(NotCached):
        await made.ask(Directives(only_if_cached=True, no_cache=True))
    await made.settle()
    assert len(provider.prompts) == 1


async def test_no_cache_gets_no_stale_answer_even_where_every_provider_fails() -> None:
    """Whoever sends it wants the truth of today."""
    made = await service(ScriptedProvider(json.dumps(RECIPE), DOWN))
    await made.ask()
    with pytest.raises(ServiceUnavailable):
        await made.ask(Directives(no_cache=True))


async def test_equal_misses_of_two_processes_are_one_call() -> None:
    """Whoever comes second finds the first one's answer in the store."""
    clock = FakeClock()
    store = MemoryStore(clock=clock)
    provider = ScriptedProvider()
    provider.gate.clear()
    made = [await service(provider, clock=clock, store=store) for _ in range(2)]
    asking = [asyncio.create_task(process.ask()) for process in made]
    await asyncio.sleep(0.01)
    provider.gate.set()
    outcomes = await asyncio.gather(*asking)
    assert len(provider.prompts) == 1
    assert sorted(outcome.cache for outcome in outcomes) == ["coalesced", "miss"]
    assert len({outcome.entry.body for outcome in outcomes}) == 1


async def test_a_refresh_in_one_process_keeps_others_from_it() -> None:
    """One call of the model, however many processes see the answer age."""
    clock = FakeClock()
    store = MemoryStore(clock=clock)
    provider = ScriptedProvider()
    made = [await service(provider, clock=clock, store=store) for _ in range(2)]
    await made[0].ask()
    clock.advance(FRESH_S + 1)
    assert [(await process.ask()).cache for process in made] == ["stale", "stale"]
    for process in made:
        await process.settle()
    assert len(provider.prompts) == 2
