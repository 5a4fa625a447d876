"""A key whose token budget is used up gets what is stored, and has nothing computed."""

from __future__ import annotations

import asyncio

import pytest

from ai_service.answers.caller import Caller
from ai_service.answers.embedding_service import EmbeddingRequest
from ai_service.errors import TokenBudgetExceeded
from ai_service.http.cache_control import Directives
from tests.unit.service.fakes import FakeClock, ScriptedProvider
from tests.unit.service.use_case import FRESH_S, LONG_GONE_S, PLAIN, service

DAY_S = 86_400
WEB, OTHER = Caller("web", token_budget=30), Caller("other", token_budget=31)
NO_CACHE = Directives(no_cache=True)


def morning() -> FakeClock:
    """Begin a UTC day."""
    return FakeClock(20_000.0 * DAY_S)


async def test_over_budget_nothing_is_computed_and_hits_go_on() -> None:
    """Told with the key's name and when to come again; others are not held up."""
    provider = ScriptedProvider()
    made = await service(provider, clock=morning())
    await made.ask(caller=WEB)
    made.clock.advance(3600.5)
    assert (await made.ask(caller=WEB)).cache == "hit"
    with pytest.raises(TokenBudgetExceeded) as caught:
        await made.ask(NO_CACHE, WEB)
    assert str(caught.value) == "Token budget of 30/day exceeded for key 'web'."
    assert caught.value.retry_after_s == DAY_S - 3600
    assert len(provider.prompts) == 1
    for caller in (OTHER, Caller("free"), Caller()):
        assert (await made.ask(NO_CACHE, caller)).cache == "bypass"


async def test_the_next_day_the_budget_is_whole_again() -> None:
    """Days are those of UTC."""
    made = await service(ScriptedProvider(), clock=morning())
    await made.ask(caller=WEB)
    made.clock.advance(DAY_S)
    assert (await made.ask(NO_CACHE, WEB)).cache == "bypass"


async def test_over_budget_a_stale_answer_is_served_and_not_refreshed() -> None:
    """However stale, as where no provider answers; another caller's request refreshes it."""
    provider = ScriptedProvider()
    made = await service(provider, clock=morning())
    await made.ask(caller=WEB)
    for seconds in (FRESH_S + 1, LONG_GONE_S - FRESH_S):
        made.clock.advance(seconds)
        assert (await made.ask(caller=WEB)).cache == "stale"
        await made.settle()
    assert len(provider.prompts) == 1
    made = await service(provider, clock=morning())
    await made.ask(caller=WEB)
    made.clock.advance(FRESH_S + 1)
    assert (await made.ask(caller=OTHER)).cache == "stale"
    await made.settle()
    assert len(provider.prompts) == 3


async def test_over_budget_a_caller_may_join_what_another_has_computed() -> None:
    """It costs nothing."""
    provider = ScriptedProvider()
    made = await service(provider, clock=morning())
    made.usage.add(WEB, prompt_tokens=99, completion_tokens=0)
    provider.gate.clear()
    asking = [asyncio.create_task(made.ask(caller=Caller("free")))]
    await asyncio.sleep(0.01)
    asking.append(asyncio.create_task(made.ask(caller=WEB)))
    await asyncio.sleep(0.01)
    provider.gate.set()
    assert sorted(result.cache for result in await asyncio.gather(*asking)) == ["coalesced", "miss"]


async def test_an_answer_under_way_is_never_cut() -> None:
    """However much it comes to: what is left of the budget is looked at before."""
    made = await service(ScriptedProvider(), clock=morning())
    assert (await made.ask(PLAIN, Caller("web", token_budget=1))).cache == "miss"


async def test_over_budget_only_known_texts_are_embedded() -> None:
    """A batch with one that is missing is refused."""
    provider = ScriptedProvider()
    made = await service(provider, clock=morning())

    async def embed(*texts: str) -> int:
        caller = Caller("web", token_budget=2)
        return (await made.embeddings.embed(EmbeddingRequest(provider.model, texts), PLAIN, caller=caller)).computed

    assert await embed("a", "b") == 2
    assert await embed("b", "a") == 0
    with pytest.raises(TokenBudgetExceeded):
        await embed("a", "c")
    assert provider.embedded == [["a", "b"]]
