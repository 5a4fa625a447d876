"""Several servers as one provider: who is asked, and what becomes of a call whose server is gone."""

from __future__ import annotations

import asyncio
import dataclasses

import msgspec
import pytest

from ai_service.config.settings import Settings
from ai_service.providers.base import Inspection, Prompt
from ai_service.providers.errors import (
    InvalidAnswer,
    ModelMissing,
    ProviderFailed,
    ProviderTimeout,
    ProviderUnreachable,
)
from ai_service.providers.pool import COOLDOWN_S, ProviderPool
from ai_service.tasks import build_tasks
from tests.unit.service.fakes import BODIES, BreakOff, FakeClock, ScriptedProvider

RECIPE = next(task for task in build_tasks(Settings.from_env({})) if task.name == "recipe")


def prompt() -> Prompt:
    """Build a small prompt."""
    return RECIPE.ask(msgspec.convert(BODIES[RECIPE.path], RECIPE.request_type).canonical())


def asked(*servers: ScriptedProvider) -> list[int]:
    """How many calls each has had."""
    return [len(server.prompts) for server in servers]


async def test_a_call_goes_where_the_fewest_are_under_way() -> None:
    """Two at a time are one on each, and the third goes to the one that is done."""
    first, second = ScriptedProvider(), ScriptedProvider()
    first.gate.clear()
    pool = ProviderPool([first, second])
    held = asyncio.create_task(pool.complete(prompt()))
    await asyncio.sleep(0)
    await pool.complete(prompt())
    await pool.complete(prompt())
    assert asked(first, second) == [1, 2]
    first.gate.set()
    await held


@pytest.mark.parametrize("error", [ProviderUnreachable("gone"), ModelMissing("no such model")])
async def test_a_server_that_cannot_answer_hands_its_call_on(error: ProviderFailed | ProviderUnreachable) -> None:
    """The caller notices nothing; for a while it is asked last, then like the others."""
    clock = FakeClock()
    first, second = ScriptedProvider(error), ScriptedProvider()
    pool = ProviderPool([first, second], clock=clock)
    await pool.complete(prompt())
    await pool.complete(prompt())
    assert asked(first, second) == [1, 2]
    clock.advance(COOLDOWN_S)
    await pool.complete(prompt())
    assert asked(first, second) == [2, 2]


async def test_a_server_that_is_seen_again_is_asked_again_at_once() -> None:
    """A look at all servers ends the rest of those that have the model."""
    first, second = ScriptedProvider(ProviderUnreachable("gone")), ScriptedProvider()
    pool = ProviderPool([first, second], clock=FakeClock())
    await pool.complete(prompt())
    await pool.inspect()
    await pool.complete(prompt())
    assert asked(first, second) == [2, 1]


async def test_text_that_was_heard_is_not_taken_back_here() -> None:
    """A second server would begin anew; what becomes of the text is decided where it was sent."""
    broken = ScriptedProvider(BreakOff("half an ans", ProviderUnreachable("gone")))
    other = ScriptedProvider()
    heard: list[str] = []
    with pytest.raises(ProviderUnreachable):
        await ProviderPool([broken, other]).complete(prompt(), heard.append)
    assert heard == ["half an ans"]
    assert asked(broken, other) == [1, 0]


@pytest.mark.parametrize("error", [ProviderTimeout("slow"), InvalidAnswer("empty"), ProviderFailed("status 500")])
async def test_what_another_server_would_not_mend_is_no_reason_to_ask_it(error: Exception) -> None:
    """A slow or bad answer is the model's: asking again is for the caller's budget to decide."""
    first, second = ScriptedProvider(error), ScriptedProvider()
    with pytest.raises(type(error)):
        await ProviderPool([first, second]).complete(prompt())
    assert asked(first, second) == [1, 0]


async def test_all_gone_is_unreachable() -> None:
    """Each was tried once; the reason is the last one's."""
    servers = [ScriptedProvider(ProviderUnreachable(f"{number} is gone")) for number in range(3)]
    with pytest.raises(ProviderUnreachable, match="2 is gone"):
        await ProviderPool(servers).complete(prompt())
    assert asked(*servers) == [1, 1, 1]


async def test_another_model_under_the_same_name_is_not_asked() -> None:
    """Its answers would be kept under the digest of the others' model; once it has theirs, it is one of them."""
    first, other = ScriptedProvider(ProviderUnreachable("gone")), ScriptedProvider(digest="ba9876543210")
    pool = ProviderPool([first, other], clock=FakeClock())
    assert (await pool.inspect()).digest == "0123456789ab"
    with pytest.raises(ProviderUnreachable):
        await pool.complete(prompt())
    assert asked(other) == [0]
    other.digest = "0123456789ab"
    await pool.inspect()
    first.script.append(ProviderUnreachable("gone"))
    await pool.complete(prompt())
    assert asked(other) == [1]


async def test_the_look_is_of_all_that_answer() -> None:
    """The digest of the first that has the model; nobody answering is an error."""
    gone = ProviderUnreachable("gone")
    pool = ProviderPool([ScriptedProvider(digest=gone), ScriptedProvider(digest=""), ScriptedProvider()])
    assert await pool.inspect() == Inspection(digest="0123456789ab", loaded=True)
    with pytest.raises(ProviderUnreachable):
        await ProviderPool([ScriptedProvider(digest=gone), ScriptedProvider(digest=gone)]).inspect()


async def test_a_server_that_is_gone_is_told_once_and_so_is_its_return(caplog: pytest.LogCaptureFixture) -> None:
    """Not for every question that would have gone there."""
    caplog.set_level("INFO")
    first = ScriptedProvider(*[ProviderUnreachable("connection refused")] * 2)
    clock = FakeClock()
    pool = ProviderPool([first, ScriptedProvider()], clock=clock)
    for _ in range(3):
        await pool.complete(prompt())
        clock.advance(COOLDOWN_S)
    assert [record.getMessage() for record in caplog.records] == [
        "server 1 of ollama is left out: connection refused",
        "server 1 of ollama is back",
    ]


async def test_it_closes_every_server() -> None:
    """None keeps its connections."""
    servers = [ScriptedProvider(), ScriptedProvider()]
    await ProviderPool(servers).close()
    assert [server.closed for server in servers] == [True, True]


def test_settings_name_further_servers() -> None:
    """Separated by commas, each a URL, each once."""
    settings = Settings.from_env({"ALCHEMORSEL_OLLAMA_SERVERS": "http://10.0.0.2:11435, http://10.0.0.2:11436/"})
    assert settings.ollama_servers == ("http://10.0.0.2:11435", "http://10.0.0.2:11436")
    assert dataclasses.asdict(Settings.from_env({}))["ollama_servers"] == ()
    for wrong in ("10.0.0.2:11435", "http://a,http://a/"):
        with pytest.raises(Exception, match="expected"):
            Settings.from_env({"ALCHEMORSEL_OLLAMA_SERVERS": wrong})
