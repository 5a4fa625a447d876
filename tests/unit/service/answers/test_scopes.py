"""Callers of different scopes share nothing: no stored answer, no computation, no refresh."""

from __future__ import annotations

import asyncio

import pytest

from ai_service.answers.caller import Caller
from ai_service.cache.keys import scope_of
from ai_service.cache.memory_store import MemoryStore
from ai_service.errors import NotCached
from ai_service.http.cache_control import Directives
from tests.unit.service.fakes import FakeClock, ScriptedProvider
from tests.unit.service.use_case import FRESH_S, QUESTION, TASK, service

WEB, JOB = (Caller(name, scope_of(name)) for name in ("web", "job"))
ONLY_IF_CACHED = Directives(only_if_cached=True)


async def test_an_answer_is_found_in_its_scope_alone() -> None:
    """And what is computed in another is another answer."""
    provider = ScriptedProvider()
    made = await service(provider)
    outcomes = [(await made.ask(caller=caller)).cache for caller in (WEB, JOB, WEB, JOB)]
    assert outcomes == ["miss", "miss", "hit", "hit"]
    assert len(provider.prompts) == 2


async def test_nobody_learns_what_another_scope_holds() -> None:
    """`only-if-cached` does not tell."""
    made = await service(ScriptedProvider())
    await made.ask(caller=WEB)
    assert (await made.ask(ONLY_IF_CACHED, WEB)).cache == "hit"
    for other in (JOB, Caller()):
        with pytest.raises(NotCached):
            await made.ask(ONLY_IF_CACHED, other)


async def test_equal_misses_at_a_time_are_one_call_a_scope() -> None:
    """In one process, and in two that share a store."""
    clock = FakeClock()
    store = MemoryStore(clock=clock)
    provider = ScriptedProvider()
    provider.gate.clear()
    made = [await service(provider, clock=clock, store=store) for _ in range(2)]
    asking = [asyncio.create_task(each.ask(caller=caller)) for each in made for caller in (WEB, JOB, WEB, JOB)]
    await asyncio.sleep(0.01)
    provider.gate.set()
    outcomes = await asyncio.gather(*asking)
    assert len(provider.prompts) == 2
    assert sorted(outcome.cache for outcome in outcomes) == ["coalesced"] * 6 + ["miss"] * 2


async def test_a_refresh_stays_in_its_scope() -> None:
    """It replaces what was found stale, and nothing else."""
    provider = ScriptedProvider()
    made = await service(provider)
    for caller in (WEB, JOB):
        await made.ask(caller=caller)
    made.clock.advance(FRESH_S + 1)
    assert (await made.ask(caller=WEB)).cache == "stale"
    await made.settle()
    assert len(provider.prompts) == 3
    assert [(await made.ask(caller=caller)).cache for caller in (WEB, JOB)] == ["hit", "stale"]


async def test_a_warm_up_is_for_the_shared_scope() -> None:
    """It belongs to no key."""
    made = await service(ScriptedProvider())
    await made.computer.refresh(TASK, QUESTION, purpose="warmup")
    assert (await made.ask()).cache == "hit"
    assert (await made.ask(caller=WEB)).cache == "miss"
