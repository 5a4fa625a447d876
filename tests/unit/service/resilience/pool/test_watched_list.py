"""The list of servers: a file that changes, names whose addresses change, and what is said where they are wrong."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING

import pytest

from ai_service.config.ollama_servers import ServerEntry, ServerSource, parse_source
from ai_service.resilience.pool.addresses import AddressLookup, look_up
from ai_service.resilience.pool.watched_list import RESOLVE_S
from tests.unit.service.resilience.pool.pools import MODEL, Site, prompt

if TYPE_CHECKING:
    from pathlib import Path

NAME = "dns+http://tasks.ollama:11434"


def source(path: Path, text: str) -> ServerSource:
    """Write a file of servers, and give it as the setting is read."""
    path.write_text(text, encoding="utf-8")
    found = parse_source(str(path))
    assert found is not None
    return found


def urls(site: Site) -> list[str]:
    """Return the servers, by their addresses."""
    return [server.url for server in site.pool.report()]


async def test_a_line_more_in_the_file_is_a_server_more(tmp_path: Path) -> None:
    """It was seen before the first call, so that its digest is known."""
    path = tmp_path / "servers.yml"
    site = Site(source=source(path, "servers:\n- url: http://1\n"))
    await site.pool.look()
    path.write_text("servers:\n- url: http://1\n- url: http://2\n", encoding="utf-8")
    await site.pool.look()
    assert urls(site) == ["http://1", "http://2"]
    assert [server.models[0].digest for server in site.pool.report()] == ["0123456789ab"] * 2
    await asyncio.gather(site.model.complete(prompt()), site.model.complete(prompt()))
    assert site.asked() == [1, 1]


async def test_a_server_that_is_taken_out_ends_its_calls_first(tmp_path: Path) -> None:
    """Then its connections are closed."""
    path = tmp_path / "servers.json"
    site = Site(source=source(path, '{"servers": [{"url": "http://1"}, {"url": "http://2"}]}'))
    await site.model.inspect()
    first = site.servers["http://1"]
    first.gate.clear()
    call = asyncio.create_task(site.model.complete(prompt()))
    await asyncio.sleep(0)
    path.write_text('{"servers": [{"url": "http://2"}]}', encoding="utf-8")
    await site.pool.look()
    assert (urls(site), first.closed) == (["http://2"], False)
    first.gate.set()
    assert (await call).text
    await asyncio.sleep(0)
    await site.pool.stop()
    assert first.closed


@pytest.mark.parametrize(
    "wrong", ["servers: [", "servers: []", "servers:\n- url: http://9\n  models: [other:1b]\n", ""]
)
async def test_a_wrong_file_changes_nothing_and_is_named(
    tmp_path: Path, wrong: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Once in the log, and in the report until it is right again."""
    path = tmp_path / "servers.yml"
    site = Site(source=source(path, "servers:\n- url: http://1\n"))
    path.write_text(wrong, encoding="utf-8")
    for _ in range(3):
        await site.pool.look()
    assert urls(site) == ["http://1"]
    (problem,) = site.pool.problems
    assert (problem.problem, problem.subject) == ("servers_file_invalid", str(path))
    assert "stays as it was" in problem.detail
    assert len([record for record in caplog.records if "servers_file_invalid" in record.message]) == 1
    path.write_text("servers:\n- url: http://1\n- url: http://2\n", encoding="utf-8")
    await site.pool.look()
    assert (site.pool.problems, len(urls(site))) == ([], 2)


async def test_a_file_that_is_gone_changes_nothing_and_is_named(tmp_path: Path) -> None:
    """As a wrong one."""
    path = tmp_path / "servers.yml"
    site = Site(source=source(path, "servers:\n- url: http://1\n"))
    path.unlink()
    await site.pool.look()
    assert urls(site) == ["http://1"]
    assert "No such file" in site.pool.problems[0].detail


async def test_a_drain_and_another_digest_are_taken_from_the_file(tmp_path: Path) -> None:
    """Without a restart."""
    path = tmp_path / "servers.yml"
    site = Site(source=source(path, "servers:\n- url: http://1\n- url: http://2\n"))
    await site.pool.look()
    await site.model.inspect()
    drained = "servers:\n- {url: http://1, state: drain, slots: 3, weight: 2}\n- url: http://2\n"
    path.write_text(f"{drained}digests: {{'{MODEL}': {'f' * 12}}}\n", encoding="utf-8")
    await site.pool.look()
    first = site.pool.report()[0]
    assert (first.state, first.slots, first.weight) == ("drain", 3, 2)
    assert [each.problem for each in site.pool.problems] == ["digest_mismatch"]
    assert site.pool.expected_digest(MODEL) == "f" * 12


class Names:
    """A resolver that says what a test has it say."""

    def __init__(self, *addresses: str) -> None:
        self.addresses: list[str] | OSError = list(addresses)
        self.asked: list[tuple[str, int]] = []

    def __call__(self, name: str, port: int) -> list[str]:
        """Resolve a name."""
        self.asked.append((name, port))
        if isinstance(self.addresses, OSError):
            raise self.addresses
        return self.addresses


async def test_each_address_of_a_name_is_a_server_and_changes_are_followed() -> None:
    """Every few seconds."""
    names = Names("http://10.0.0.1:11434", "http://[fd00::1]:11434")
    site = Site(entries=[ServerEntry(NAME, slots=2)], resolve=names)
    await site.pool.look()
    assert [(server.url, server.entry, server.slots) for server in site.pool.report()] == [
        ("http://10.0.0.1:11434", NAME, 2),
        ("http://[fd00::1]:11434", NAME, 2),
    ]
    names.addresses = ["http://10.0.0.2:11434"]
    await site.pool.look()
    assert len(names.asked) == 1
    site.clock.advance(RESOLVE_S)
    await site.pool.look()
    assert urls(site) == ["http://10.0.0.2:11434"]
    assert names.asked == [("tasks.ollama", 11434)] * 2
    await site.model.complete(prompt())
    assert site.calls() == {(NAME, "ok"): 1}


async def test_a_resolver_that_fails_leaves_the_last_addresses() -> None:
    """And is a problem with a name until it answers."""
    names = Names("http://10.0.0.1:11434")
    site = Site(entries=[ServerEntry(NAME)], resolve=names)
    await site.pool.look()
    names.addresses = OSError(-3, "Temporary failure in name resolution")
    site.clock.advance(RESOLVE_S)
    await site.pool.look()
    assert urls(site) == ["http://10.0.0.1:11434"]
    (problem,) = site.pool.problems
    assert (problem.problem, problem.subject) == ("name_unresolved", NAME)
    assert "Temporary failure" in problem.detail
    names.addresses = ["http://10.0.0.1:11434"]
    site.clock.advance(RESOLVE_S)
    await site.pool.look()
    assert not site.pool.problems


async def test_a_name_without_addresses_yet_is_no_server() -> None:
    """Calls fail at once, and say why."""
    site = Site(entries=[ServerEntry(NAME)], resolve=Names())
    await site.pool.look()
    with pytest.raises(Exception, match="no server takes requests"):
        await site.model.complete(prompt())


async def test_a_resolver_that_hangs_is_given_up_and_not_asked_twice() -> None:
    """Its thread keeps nothing waiting."""
    release = threading.Event()
    asked: list[str] = []

    def hang(name: str, _port: int) -> list[str]:
        asked.append(name)
        release.wait(30)
        return ["http://10.0.0.1:11434"]

    lookup = AddressLookup(hang, deadline_s=0.05)
    for _ in range(2):
        with pytest.raises(OSError, match="did not answer within"):
            await lookup.find("tasks.ollama", 11434)
    assert asked == ["tasks.ollama"]
    release.set()
    patient = AddressLookup(hang, deadline_s=20)
    assert await patient.find("tasks.ollama", 11434) == ["http://10.0.0.1:11434"]


def test_the_operating_system_resolves_names() -> None:
    """Both families, each address once."""
    assert "http://127.0.0.1:11434" in look_up("localhost", 11434)
    assert look_up("::1", 80) == ["http://[::1]:80"]
    with pytest.raises(OSError, match=r"."):
        look_up("name.invalid", 80)
