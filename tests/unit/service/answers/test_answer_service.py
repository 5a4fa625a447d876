"""One request of the use case: computed, stored, hit, or refused."""

from __future__ import annotations

import asyncio
import json

import pytest

from ai_service.errors import DeadlineExceeded, NotCached
from ai_service.http.cache_control import Directives
from tests.unit.service.fakes import RECIPE, ScriptedProvider
from tests.unit.service.use_case import DOWN, TASK, service


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


async def test_a_fabricated_answer_is_labelled_and_never_stored() -> None:
    """Its confidence is zero: nobody thought about it."""
    mock = ScriptedProvider(name="mock", synthetic=True)
    made = await service(ScriptedProvider(DOWN, DOWN), mock)
    first, second = await made.ask(), await made.ask()
    assert (first.cache, second.cache) == ("miss", "miss")
    body = json.loads(first.entry.body)
    assert (body["meta"]["degraded"], body["meta"]["provider"]) == (True, "mock")
    assert body["meta"]["confidence"] == body["data"]["confidence"] == 0.0


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


async def test_nothing_is_stored_for_a_model_that_nobody_has_seen() -> None:
    """Its answers could be any model's."""
    made = await service(ScriptedProvider(digest=DOWN))
    assert (await made.ask()).detail == ""
    assert (await made.ask()).cache == "miss"


@pytest.mark.parametrize("bypass", [False, True])
async def test_an_answer_that_is_purged_while_it_is_computed_is_sent_and_not_stored(bypass: bool) -> None:
    """Nobody else gets it, and it does not claim to be stored."""
    provider = ScriptedProvider()
    provider.gate.clear()
    made = await service(provider)
    asking = asyncio.create_task(made.ask(Directives(no_cache=True) if bypass else Directives()))
    while not provider.prompts:  # noqa: ASYNC110 - the provider tells nobody
        await asyncio.sleep(0)
    await made.epochs.purge(TASK.name)
    provider.gate.set()
    assert (await asking).detail == ""
    assert (await made.ask()).cache == "miss"
