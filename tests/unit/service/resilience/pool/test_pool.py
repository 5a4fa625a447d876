"""The pool of servers: trials of those that rest, gauges, and its end."""

from __future__ import annotations

from ai_service.config.ollama_servers import ServerEntry
from ai_service.providers.errors import ProviderUnreachable
from ai_service.resilience.pool.server import COOLDOWN_S
from tests.unit.service.fakes import ScriptedProvider
from tests.unit.service.resilience.pool.pools import Site, inspected, prompt, settle

GONE = ProviderUnreachable("gone")
NAME = "dns+http://tasks.ollama:11434"


async def test_a_trial_decides_whether_a_server_is_back() -> None:
    """The pool's own, of one token: no caller waits for it, and nobody is sent there before."""
    async with inspected(Site(ScriptedProvider(GONE, GONE), ScriptedProvider())) as site:
        first = site.servers["http://1"]
        await site.model.complete(prompt())
        await site.pool.look()
        await settle()
        assert len(first.prompts) == 1
        site.clock.advance(COOLDOWN_S)
        await site.pool.look()
        await settle()
        assert [len(first.prompts), first.prompts[-1].task] == [2, "trial"]
        assert site.pool.report()[0].breaker == "open"
        site.clock.advance(COOLDOWN_S)
        await site.pool.look()
        await settle()
        assert len(first.prompts) == 2  # It rests twice as long as before.
        site.clock.advance(COOLDOWN_S)
        await site.pool.look()
        await settle()
        assert [len(first.prompts), site.pool.report()[0].breaker] == [3, "closed"]
        await site.model.complete(prompt())
        await site.model.complete(prompt())
        assert len(first.prompts) == 4


async def test_while_a_trial_is_under_way_nobody_is_sent_there() -> None:
    """The breaker is half-open, for one call."""
    async with inspected(Site(ScriptedProvider(GONE), ScriptedProvider())) as site:
        first = site.servers["http://1"]
        await site.model.complete(prompt())
        first.gate.clear()
        site.clock.advance(COOLDOWN_S)
        for _ in range(3):
            await site.pool.look()
            await settle()
            await site.model.complete(prompt())
        assert len(first.prompts) == 2
        assert site.pool.report()[0].breaker == "half-open"
        first.gate.set()


async def test_gauges_are_by_the_entries_of_the_list() -> None:
    """Addresses of a name come and go; the name's series stay, with their sums and the worst breaker."""
    addresses = ["http://10.0.0.1:1", "http://10.0.0.2:1"]
    site = Site(entries=[ServerEntry(NAME, slots=2)], resolve=lambda _name, _port: addresses)
    site.servers["http://10.0.0.1:1"] = ScriptedProvider(ProviderUnreachable("gone"))
    await site.pool.look()
    await site.model.complete(prompt())
    await site.pool.look()
    told = {
        sample.name.removeprefix("alchemorsel_ai_ollama_server_"): sample.value
        for family in site.metrics.registry.collect()
        for sample in family.samples
        if sample.labels.get("server") == NAME and "outcome" not in sample.labels
    }
    assert told == {"slots": 4, "running": 0, "breaker_state": 2}


async def test_stopping_closes_every_server() -> None:
    """None keeps its connections."""
    site = Site(ScriptedProvider(), ScriptedProvider())
    await site.pool.start()
    await site.pool.stop()
    assert [server.closed for server in site.servers.values()] == [True, True]
