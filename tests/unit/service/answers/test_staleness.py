"""Answers that have aged: what is still served, and what is refreshed meanwhile."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING

import msgspec
import pytest

from ai_service.answers.answer_entry import FALLBACK_TTL_S
from ai_service.cache.freshness import STALE_IF_ERROR_S
from ai_service.cache.memory_store import MemoryStore
from ai_service.errors import NotCached, ServiceUnavailable
from ai_service.http.cache_control import Directives
from tests.unit.service.fakes import RECIPE, FakeClock, ScriptedProvider
from tests.unit.service.use_case import (
    DOWN,
    FRESH_S,
    LONG_GONE_S,
    REVALIDATE_S,
    service,
)

if TYPE_CHECKING:
    from ai_service.cache.store import Lock


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

        async def acquire(self, lock: Lock, ttl_s: float) -> bool | None:
            del lock, ttl_s
            return None

    clock = FakeClock()
    made = await service(ScriptedProvider(json.dumps(RECIPE), DOWN, DOWN), clock=clock, store=LostStore(clock=clock))
    await made.ask()
    clock.advance(LONG_GONE_S)
    assert (await made.ask()).cache == "stale"
    clock.advance(STALE_IF_ERROR_S)
    with pytest.raises(ServiceUnavailable):
        await made.ask()


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
    await made.cache.keep(made.key, msgspec.structs.replace(stored, compute_s=10.0), now=made.clock.now)
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
    made = await service(ScriptedProvider(json.dumps(RECIPE), DOWN), ScriptedProvider(name="mock", synthetic=True))
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


async def test_a_fallbacks_answer_is_stored_for_a_short_time() -> None:
    """The primary is asked again soon."""
    primary = ScriptedProvider(DOWN)
    made = await service(primary, ScriptedProvider(name="openai"))
    outcome = await made.ask()
    assert outcome.entry.degraded
    assert [str(each) for each in outcome.skipped] == ["ollama: unreachable"]
    assert (await made.ask()).cache == "hit"
    made.clock.advance(FALLBACK_TTL_S)
    assert (await made.ask()).entry.provider == "ollama"
