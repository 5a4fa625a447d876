"""Which servers of a model may be asked: by the list, by what was seen of them, and by its digest."""

from __future__ import annotations

import pytest

from ai_service.config.ollama_servers import ServerEntry
from ai_service.providers.errors import ProviderError, ProviderFailed, ProviderTimeout
from tests.unit.service.fakes import ScriptedProvider
from tests.unit.service.resilience.pool.pools import MODEL, Site, inspected, prompt


async def test_a_model_goes_only_to_servers_that_have_it() -> None:
    """By the list, and by what they list themselves."""
    entries = [ServerEntry("http://1", models=("other:1b",)), ServerEntry("http://2"), ServerEntry("http://3")]
    site = Site(ScriptedProvider(), ScriptedProvider(digest=""), ScriptedProvider(), entries=entries)
    async with inspected(site):
        for _ in range(3):
            await site.model.complete(prompt())
        assert site.asked() == [0, 0, 3]


async def test_a_drained_server_gets_nothing_new() -> None:
    """What it works on goes on."""
    entries = [ServerEntry("http://1", state="drain"), ServerEntry("http://2")]
    async with inspected(Site(ScriptedProvider(), ScriptedProvider(), entries=entries)) as site:
        for _ in range(2):
            await site.model.complete(prompt())
        assert site.asked() == [0, 2]


async def test_a_model_whose_servers_are_all_drained_is_named() -> None:
    """In the report, and as the reason of a call."""
    site = Site(ScriptedProvider(), entries=[ServerEntry("http://1", state="drain")])
    with pytest.raises(ProviderError, match="no server takes requests"):
        await site.model.inspect()
    assert [(each.problem, each.subject) for each in site.pool.problems] == [("no_server", MODEL)]
    with pytest.raises(ProviderError, match="no server takes requests"):
        await site.model.complete(prompt())


@pytest.mark.parametrize("order", [(0, 1, 2), (1, 0, 2), (1, 2, 0)])
async def test_the_digest_of_most_servers_is_used_wherever_they_are_listed(order: tuple[int, ...]) -> None:
    """The other one is a problem with a name, and is not asked."""
    digests = ["aaaaaaaaaaaa", "bbbbbbbbbbbb", "bbbbbbbbbbbb"]
    async with inspected(Site(*(ScriptedProvider(digest=digests[at]) for at in order))) as site:
        assert (await site.model.inspect()).digest == "bbbbbbbbbbbb"
        for _ in range(4):
            await site.model.complete(prompt())
        assert site.asked()[order.index(0)] == 0
        (problem,) = site.pool.problems
        assert (problem.problem, problem.subject) == ("digests_differ", MODEL)
        assert f"http://{order.index(0) + 1} has aaaaaaaaaaaa" in problem.detail


async def test_a_draw_is_decided_by_the_digest_in_use_and_else_alike_everywhere() -> None:
    """Never by the order of the list."""
    for digests in (["bbbbbbbbbbbb", "aaaaaaaaaaaa"], ["aaaaaaaaaaaa", "bbbbbbbbbbbb"]):
        async with inspected(Site(*(ScriptedProvider(digest=digest) for digest in digests))) as site:
            assert (await site.model.inspect()).digest == "aaaaaaaaaaaa"
    async with inspected(Site(ScriptedProvider(), ScriptedProvider())) as site:
        site.servers["http://1"].digest = "000000000000"
        assert (await site.model.inspect()).digest == "0123456789ab"


async def test_the_expected_digest_is_the_configurations() -> None:
    """Though most servers have another one; where none has it, none is asked."""
    digests = {MODEL: "sha256:" + "a" * 64}
    servers = [ScriptedProvider(), ScriptedProvider(), ScriptedProvider(digest="a" * 12)]
    async with inspected(Site(*servers, digests=digests)) as site:
        assert (await site.model.inspect()).digest == "a" * 12
        await site.model.complete(prompt())
        assert site.asked() == [0, 0, 1]
        assert [each.problem for each in site.pool.problems] == ["digest_mismatch"]
    site = Site(ScriptedProvider(), digests=digests)
    for ask in (site.model.inspect, lambda: site.model.complete(prompt())):
        with pytest.raises(ProviderFailed, match="another model under the name") as caught:
            await ask()
        assert caught.value.outcome == "digest_mismatch"


async def test_a_server_that_has_the_right_model_again_is_asked_again() -> None:
    """With the next look."""
    async with inspected(Site(ScriptedProvider(), ScriptedProvider(digest="f" * 12), ScriptedProvider())) as site:
        assert site.pool.problems
        site.servers["http://2"].digest = "0123456789ab"
        await site.model.inspect()
        assert not site.pool.problems
        for _ in range(3):
            site.clock.advance(1.0)
            await site.model.complete(prompt())
        assert site.asked() == [1, 1, 1]


async def test_a_server_that_does_not_answer_a_look_rests() -> None:
    """Before any caller is sent there."""
    site = Site(ScriptedProvider(digest=ProviderTimeout("hangs")), ScriptedProvider())
    async with inspected(site):
        for _ in range(2):
            await site.model.complete(prompt())
        assert site.asked() == [0, 2]
