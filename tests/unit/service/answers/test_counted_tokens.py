"""Which computations count for whom."""

from __future__ import annotations

import asyncio
import contextlib

import pytest

from ai_service.answers.caller import Caller
from ai_service.answers.embedding_service import EmbeddingRequest
from ai_service.answers.token_usage import KeyUsage
from ai_service.errors import ServiceUnavailable
from ai_service.http.cache_control import Directives
from ai_service.providers.base import Completion
from ai_service.providers.transcript import Subscriber
from tests.unit.service.fakes import PIECE_CHARACTERS, BreakOff, ScriptedProvider
from tests.unit.service.use_case import DOWN, FRESH_S, QUESTION, TASK, Service, service

WEB, JOB = Caller("web"), Caller("job")
ONE = KeyUsage(10, 20, 1)


async def counted(made: Service) -> dict[str, KeyUsage]:
    """Return today's usage."""
    days, _ = await made.usage.days()
    return days[0].keys


async def test_computed_answers_count_and_cached_ones_do_not() -> None:
    """For the key that had them computed."""
    made = await service(ScriptedProvider())
    for caller in (WEB, JOB, WEB):
        await made.ask(caller=caller)
    assert await counted(made) == {"web": ONE}
    await made.ask(Directives(no_cache=True), JOB)
    await made.ask(Directives(no_store=True), JOB)
    assert await counted(made) == {"web": ONE, "job": KeyUsage(20, 40, 2)}


async def test_of_equal_misses_the_first_pays() -> None:
    """Who joins has nothing computed; in another process neither."""
    provider = ScriptedProvider()
    provider.gate.clear()
    first = await service(provider)
    second = await service(provider, clock=first.clock, store=first.store)
    asking = [asyncio.create_task(first.ask(caller=WEB))]
    await asyncio.sleep(0.01)
    asking += [asyncio.create_task(each.ask(caller=JOB)) for each in (first, second)]
    await asyncio.sleep(0.01)
    provider.gate.set()
    await asyncio.gather(*asking)
    assert await counted(first) == {"web": ONE}
    assert await counted(second) == {}


async def test_attempts_that_fail_count_too() -> None:
    """A caller cannot have tokens computed for nothing; without any answer it is no request that was computed."""
    bad = Completion("no JSON", prompt_tokens=3, completion_tokens=4)
    made = await service(ScriptedProvider(bad))
    await made.ask(caller=WEB)
    assert await counted(made) == {"web": KeyUsage(13, 24, 1)}
    made = await service(ScriptedProvider(bad, bad))
    with pytest.raises(ServiceUnavailable):
        await made.ask(caller=WEB)
    assert await counted(made) == {"web": KeyUsage(6, 8, 0)}
    made = await service(ScriptedProvider(DOWN))
    with pytest.raises(ServiceUnavailable):
        await made.ask(caller=WEB)
    assert await counted(made) == {}


async def test_text_whose_tokens_nobody_counted_counts_a_token_a_piece() -> None:
    """The provider broke off, or counts none."""
    broken = BreakOff("x" * 2 * PIECE_CHARACTERS, DOWN)
    made = await service(ScriptedProvider(broken), ScriptedProvider(name="openai"))
    await made.ask(caller=WEB)
    assert await counted(made) == {"web": KeyUsage(10, 22, 1)}


async def test_a_stream_that_its_caller_leaves_counts_what_was_written() -> None:
    """Hanging up before the end is no way around a budget."""
    provider = ScriptedProvider()
    provider.midway.clear()
    made = await service(provider)
    asking = asyncio.create_task(made.answers.answer(TASK, QUESTION, Directives(), Subscriber(), caller=WEB))
    await asyncio.sleep(0.01)
    asking.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await asking
    await asyncio.sleep(0.01)
    assert await counted(made) == {"web": KeyUsage(0, 1, 0)}


async def test_refreshes_and_warm_ups_count_for_nobody() -> None:
    """No caller asked for them."""
    provider = ScriptedProvider()
    made = await service(provider)
    await made.ask(caller=WEB)
    made.clock.advance(FRESH_S + 1)
    await made.ask(caller=WEB)
    await made.settle()
    await made.computer.refresh(TASK, QUESTION, purpose="warmup")
    assert len(provider.prompts) == 2
    assert await counted(made) == {"web": ONE}


async def test_texts_that_are_embedded_count_once() -> None:
    """Those from the cache count nothing."""
    provider = ScriptedProvider()
    made = await service(provider)
    for texts, caller in ((("a", "b"), WEB), (("b", "c"), JOB), (("a", "c"), JOB)):
        await made.embeddings.embed(EmbeddingRequest(provider.model, texts), Directives(), caller=caller)
    assert await counted(made) == {"web": KeyUsage(2, 0, 1), "job": KeyUsage(1, 0, 1)}
