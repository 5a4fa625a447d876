"""The servers of one model as one provider: who is asked, and what becomes of a call whose server is silent or gone."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import msgspec
import pytest

from ai_service.config.ollama_servers import ServerEntry
from ai_service.providers.base import Completion, Inspection, Prompt, ignore
from ai_service.providers.errors import (
    ConnectionBroken,
    InvalidAnswer,
    ModelMissing,
    ProviderError,
    ProviderFailed,
    ProviderOverloaded,
    ProviderTimeout,
    ProviderUnreachable,
    RequestRejected,
)
from tests.unit.service.fakes import BreakOff, ScriptedProvider
from tests.unit.service.resilience.pool.pools import Site, inspected, prompt, settle

if TYPE_CHECKING:
    from collections.abc import Callable

GONE = ProviderUnreachable("gone")


class Hung(ScriptedProvider):
    """Lists its model, and is silent when it is asked."""

    def __init__(self) -> None:
        super().__init__()
        self.gate.clear()


def callers_format() -> Prompt:
    """Build a prompt whose JSON format is the caller's own."""
    return msgspec.structs.replace(prompt(), callers_own=True)


class Unloaded(ScriptedProvider):
    """Has the model, but not in memory."""

    async def inspect(self) -> Inspection:
        """Says so."""
        return Inspection(digest=str(self.digest), loaded=False)


async def test_the_server_with_the_model_in_memory_is_asked_first() -> None:
    """Whatever its weight is."""
    entries = [ServerEntry("http://1", weight=9), ServerEntry("http://2")]
    async with inspected(Site(Unloaded(), ScriptedProvider(), entries=entries)) as site:
        await site.model.complete(prompt())
        assert site.asked() == [0, 1]


async def test_then_the_one_with_more_free_slots() -> None:
    """Two at a time are one on each; a third goes to the one that is done."""
    async with inspected(Site(ScriptedProvider(), ScriptedProvider())) as site:
        first = site.servers["http://1"]
        first.gate.clear()
        held = asyncio.create_task(site.model.complete(prompt()))
        await settle()
        await site.model.complete(prompt())
        await site.model.complete(prompt())
        assert site.asked() == [1, 2]
        first.gate.set()
        await held


async def test_then_the_heavier_one_and_then_the_one_that_rested_longest() -> None:
    """Equals take turns."""
    async with inspected(Site(ScriptedProvider(), ScriptedProvider(), ScriptedProvider())) as site:
        for _ in range(6):
            site.clock.advance(1.0)
            await site.model.complete(prompt())
        assert site.asked() == [2, 2, 2]
    entries = [ServerEntry("http://1"), ServerEntry("http://2", weight=2)]
    async with inspected(Site(ScriptedProvider(), ScriptedProvider(), entries=entries)) as site:
        for _ in range(3):
            await site.model.complete(prompt())
        assert site.asked() == [0, 3]


async def test_a_call_waits_for_a_slot_where_all_are_taken() -> None:
    """It goes to no server that is busy already."""
    async with inspected(Site(ScriptedProvider(), ScriptedProvider())) as site:
        for server in site.servers.values():
            server.gate.clear()
        calls = [asyncio.create_task(site.model.complete(prompt())) for _ in range(3)]
        await settle()
        assert site.asked() == [1, 1]
        site.servers["http://2"].gate.set()
        await settle()
        assert site.asked() == [1, 2]
        site.servers["http://1"].gate.set()
        await asyncio.gather(*calls)


@pytest.mark.parametrize(
    "error", [GONE, ProviderTimeout("slow"), ProviderOverloaded("busy"), ModelMissing("none"), ProviderFailed("500")]
)
async def test_what_another_server_may_do_is_asked_of_the_next_one(error: ProviderError) -> None:
    """The caller notices nothing."""
    async with inspected(Site(ScriptedProvider(error), ScriptedProvider())) as site:
        await site.model.complete(prompt())
        assert site.asked() == [1, 1]
        assert site.calls() == {("http://1", error.outcome): 1, ("http://2", "ok"): 1}


@pytest.mark.parametrize("error", [InvalidAnswer("empty"), RequestRejected("no tools")])
async def test_what_another_server_would_do_too_is_not(error: Exception) -> None:
    """A bad answer is the model's, a bad request the caller's."""
    async with inspected(Site(ScriptedProvider(error), ScriptedProvider())) as site:
        with pytest.raises(type(error)):
            await site.model.complete(prompt())
        assert site.asked() == [1, 0]


@pytest.mark.parametrize("error", [GONE, ProviderTimeout("slow")])
async def test_text_that_was_heard_is_not_taken_back_here(error: ProviderError) -> None:
    """A second server would begin anew; what becomes of the text is decided where it was sent."""
    heard: list[str] = []
    async with inspected(Site(ScriptedProvider(BreakOff("half an ans", error)), ScriptedProvider())) as site:
        with pytest.raises(type(error)):
            await site.model.complete(prompt(), heard.append)
        assert (heard, site.asked()) == (["half an ans"], [1, 0])


async def test_a_server_that_failed_rests() -> None:
    """No further call goes there, however free it is."""
    async with inspected(Site(ScriptedProvider(GONE), ScriptedProvider())) as site:
        for _ in range(3):
            await site.model.complete(prompt())
        assert site.asked() == [1, 3]
        assert [server.breaker for server in site.pool.report()] == ["open", "closed"]


async def test_errors_of_a_model_open_the_breaker_after_three() -> None:
    """As those of a single server do."""
    async with inspected(Site(ScriptedProvider(*[ProviderFailed("500")] * 3), ScriptedProvider())) as site:
        while site.asked()[0] < 3:
            site.clock.advance(1.0)
            await site.model.complete(prompt())
        assert [server.breaker for server in site.pool.report()] == ["open", "closed"]


async def test_a_silent_server_is_passed_over_within_its_share() -> None:
    """A part of the longest silence for each server that could be asked."""
    async with inspected(Site(Hung(), ScriptedProvider(), ScriptedProvider(), timeout_s=0.3)) as site:
        loop = asyncio.get_running_loop()
        began = loop.time()
        await site.model.complete(prompt())
        assert site.asked() == [1, 1, 0]
        assert loop.time() - began >= 0.1
        assert site.calls()["http://1", "timeout"] == 1


async def test_of_eight_callers_at_most_one_waits_for_a_hung_server() -> None:
    """However many slots it has, and the others answer all."""
    sites = Site(Hung(), ScriptedProvider(), ScriptedProvider(), slots=4, timeout_s=0.6)
    async with inspected(sites) as site:
        others = [site.servers["http://2"], site.servers["http://3"]]
        for server in others:
            server.gate.clear()
        calls = [asyncio.create_task(site.model.complete(prompt())) for _ in range(8)]
        await settle()
        assert site.asked() == [1, 1, 1]
        for server in others:
            server.gate.set()
        await asyncio.gather(*calls)
        assert site.asked()[0] == 1


async def test_a_server_that_hangs_after_it_worked_keeps_one_caller() -> None:
    """The others leave it as soon as it is slower than it was."""
    async with inspected(Site(ScriptedProvider(), ScriptedProvider(), slots=4, timeout_s=60.0)) as site:
        first = site.servers["http://1"]
        for _ in range(2):
            site.clock.advance(1.0)
            await site.model.complete(prompt())
        first.gate.clear()
        calls = [asyncio.create_task(site.model.complete(prompt())) for _ in range(6)]
        done, waiting = await asyncio.wait(calls, timeout=20)
        assert (len(done), len(waiting)) == (5, 1)
        assert site.calls()["http://1", "moved"] >= 1
        first.gate.set()
        await asyncio.gather(*calls)


async def test_the_last_server_has_the_whole_silence_and_rests_only_after_three_failures() -> None:
    """One that is slow is better than none."""
    slow = ProviderTimeout("slow")
    async with inspected(Site(ScriptedProvider(GONE), ScriptedProvider(slow, slow))) as site:
        for _ in range(2):
            with pytest.raises(ProviderTimeout):
                await site.model.complete(prompt())
        await site.model.complete(prompt())
        assert site.asked() == [1, 3]


async def test_all_gone_is_the_first_ones_reason_and_then_at_once() -> None:
    """Each was tried once; while all rest, nobody is."""
    async with inspected(Site(*(ScriptedProvider(*[ProviderUnreachable("gone")] * 9) for _ in range(2)))) as site:
        for _ in range(4):
            with pytest.raises(ProviderUnreachable):
                await site.model.complete(prompt())
        assert site.asked() == [1, 3]
        with pytest.raises(ProviderUnreachable):
            await site.model.inspect()


async def test_one_server_alone_is_asked_whatever_happened() -> None:
    """The breaker in front of it decides, as with any provider."""
    async with inspected(Site(ScriptedProvider(*[GONE] * 4))) as site:
        for _ in range(4):
            with pytest.raises(ProviderUnreachable):
                await site.model.complete(prompt())
        await site.model.complete(prompt())
        assert site.asked() == [5]
        assert [server.breaker for server in site.pool.report()] == ["closed"]


@pytest.mark.parametrize(
    ("errors", "asked"),
    [
        ([ConnectionBroken("died of the schema")], [1, 0, 0]),
        ([ProviderFailed("500")], [1, 0, 0]),
        ([ProviderTimeout("slow"), ProviderTimeout("slow")], [1, 1, 0]),
    ],
)
async def test_a_callers_format_is_not_tried_on_every_server(errors: list[ProviderError], asked: list[int]) -> None:
    """One request must not put all of them to rest; and at most the first of them rests."""
    servers = [ScriptedProvider(*errors[at : at + 1]) for at in range(3)]
    async with inspected(Site(*servers)) as site:
        with pytest.raises(ProviderError):
            await site.model.complete(callers_format())
        assert site.asked() == asked
        assert [server.breaker for server in site.pool.report()].count("open") == len(errors) - 1


async def test_a_callers_format_is_asked_of_the_server_that_is_there() -> None:
    """One that is gone is no fault of the format."""
    async with inspected(Site(ScriptedProvider(GONE), ScriptedProvider(GONE), ScriptedProvider())) as site:
        await site.model.complete(callers_format())
        assert site.asked() == [1, 1, 1]


async def test_room_follows_the_servers_that_can_be_asked() -> None:
    """One call on each at first, all slots once it wrote something, none while it rests."""
    rooms: list[int] = []
    async with inspected(Site(ScriptedProvider(GONE), ScriptedProvider(), slots=3)) as site:
        site.model.on_change = lambda: rooms.append(site.model.room)
        assert site.model.room == 2
        await site.model.complete(prompt())
        assert site.model.room == 3
    assert rooms


async def test_vectors_are_asked_of_the_next_server_too() -> None:
    """With the same rests."""
    async with inspected(Site(ScriptedProvider(GONE), ScriptedProvider())) as site:
        for _ in range(2):
            await site.model.embed(["a"], dimensions=None, truncates=False)
        assert [len(server.embedded) for server in site.servers.values()] == [1, 2]


async def test_a_provider_writes_through_it() -> None:
    """Text and reasoning, as they come."""
    told: list[str] = []
    write: Callable[[str], None] = told.append
    server = ScriptedProvider(Completion("an answer", reasoning="a thought"))
    async with inspected(Site(server)) as site:
        await site.model.complete(prompt(), ignore, write)
        assert told == ["a thought"]
