"""The real program over several Ollama servers: the real one, and stand-ins of known behaviour."""

from __future__ import annotations

import json
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from lab.stand_in_ollama import DIGEST, MODEL, StandInOllama
from tests.integration.service.program import Program
from tests.waiting import until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from lab.ollama_process import OllamaProcess

INGREDIENTS = "/api/v1/ai/suggest-ingredients"
OTHER_DIGEST = "ba9876543210" + "0" * 52
FOODS = ("leek", "fennel", "celery", "carrot", "beet", "radish", "turnip", "parsnip")


@pytest.fixture
def stand_in() -> Iterator[Callable[..., StandInOllama]]:
    """Give a factory of stand-ins, which end with the test."""
    with ExitStack() as stack:
        yield lambda **how: stack.enter_context(StandInOllama(**how))


def program(servers: Sequence[StandInOllama] = (), **settings: str) -> Program:
    """One over stand-ins, with a cache in memory."""
    listed = {"OLLAMA_SERVERS": ",".join(server.url for server in servers)} if servers else {}
    return Program(**{"OLLAMA_MODEL": MODEL, **listed, **settings})


def ask_all(service: Program, foods: Sequence[str] = FOODS) -> list[httpx.Response]:
    """Ask for each of them at the same time."""
    with ThreadPoolExecutor(len(foods)) as pool:
        return list(pool.map(lambda food: service.ask(INGREDIENTS, {"partial": [food]}), foods))


def health(service: Program) -> dict[str, Any]:
    """Read the health report."""
    report: dict[str, Any] = service.http.get("/health").json()
    return report


def write(path: Path, *servers: StandInOllama, **further: Any) -> None:
    """Write the file of servers, as roles do."""
    path.with_suffix(".new").write_text(json.dumps({"servers": [{"url": each.url} for each in servers], **further}))
    path.with_suffix(".new").replace(path)


def test_of_eight_callers_at_most_one_waits_for_a_server_that_hangs(
    ollama: OllamaProcess, stand_in: Callable[..., StandInOllama]
) -> None:
    """Of a real Ollama, a stand-in and one that hangs in inference: all are answered by a model, nobody times out."""
    listed = httpx.get(f"{ollama.url}/api/tags").json()["models"]
    digest = next(model["digest"] for model in listed if model["name"] == ollama.model)
    quick = stand_in(model=ollama.model, digest=digest, service_s=0.2)
    hung = stand_in(model=ollama.model, digest=digest, state="hung")
    servers = ",".join((hung.url, ollama.url, quick.url))
    with Program(OLLAMA_MODEL=ollama.model, OLLAMA_SERVERS=servers, OLLAMA_NUM_PARALLEL="4") as service:
        answers = ask_all(service)
        report = {server["url"]: server for server in health(service)["servers"]}
    assert [answer.status_code for answer in answers] == [200] * 8
    assert [answer.json()["meta"]["degraded"] for answer in answers] == [False] * 8
    assert hung.asked == 1
    assert report[hung.url]["breaker"] == "open"
    assert report[hung.url]["problem"] == "timeout"


def test_a_server_that_is_silent_altogether_gets_no_caller(stand_in: Callable[..., StandInOllama]) -> None:
    """The look before the first request finds it out."""
    servers = [stand_in(state="deaf"), stand_in(), stand_in()]
    with program(servers) as service:
        answers = ask_all(service)
        assert [answer.status_code for answer in answers] == [200] * 8
    assert servers[0].asked == 0


def test_a_server_that_hung_is_used_again_once_it_answers_a_trial(stand_in: Callable[..., StandInOllama]) -> None:
    """The trial is the pool's own, of one token."""
    first, second = stand_in(state="hung"), stand_in()
    with program([first, second], OLLAMA_TIMEOUT="1s") as service:
        ask_all(service, FOODS[:2])
        assert first.asked == 1
        first.state = "ok"
        until(lambda: health(service)["servers"][0]["breaker"] == "closed")
        assert (first.asked, first.trials) == (1, 1)
        ask_all(service, FOODS[2:4])
    assert first.asked >= 1


def test_a_line_in_the_file_is_a_server_without_a_restart(
    stand_in: Callable[..., StandInOllama], tmp_path: Path
) -> None:
    """And another line drains one; the process stays the same."""
    first, second = stand_in(service_s=0.1), stand_in(service_s=0.1)
    path = tmp_path / "servers.json"
    write(path, first)
    with program(OLLAMA_SERVERS=str(path)) as service:
        pid = service.process.pid
        ask_all(service, FOODS[:2])
        assert (first.asked, second.asked) == (2, 0)
        write(path, first, second)
        until(lambda: [server["models"][0]["digest"] for server in health(service)["servers"]] == [DIGEST[:12]] * 2)
        ask_all(service, FOODS[2:4])
        assert (first.asked, second.asked) == (3, 1)
        path.write_text(json.dumps({"servers": [{"url": first.url, "state": "drain"}, {"url": second.url}]}))
        until(lambda: health(service)["servers"][0]["state"] == "drain")
        ask_all(service, FOODS[4:])
        assert (first.asked, second.asked) == (3, 5)
        assert service.process.poll() is None
        assert service.process.pid == pid


def test_a_wrong_file_is_refused_at_the_start_and_named_later(
    stand_in: Callable[..., StandInOllama], tmp_path: Path
) -> None:
    """Later the list stays as it was: in health, in the log, and for callers."""
    path = tmp_path / "servers.json"
    path.write_text('{"servers": [{"url": "http://127.0.0.1:1", "slot": 2}]}')
    ended = program(OLLAMA_SERVERS=str(path)).run()
    assert ended.returncode == 78
    assert f"ALCHEMORSEL_OLLAMA_SERVERS='{path}': {path}: " in ended.stderr
    assert "unknown field `slot`" in ended.stderr
    server = stand_in()
    write(path, server)
    with program(OLLAMA_SERVERS=str(path)) as service:
        path.write_text("{")
        until(lambda: bool(health(service)["problems"]))
        report = health(service)
        assert report["status"] == "degraded"
        assert report["problems"][0]["problem"] == "servers_file_invalid"
        assert ask_all(service, FOODS[:1])[0].status_code == 200
        assert any("servers_file_invalid" in line["message"] for line in service.log())
        write(path, server)
        until(lambda: health(service)["status"] == "healthy")


def test_a_server_with_another_model_under_the_name_is_named_and_not_asked(
    stand_in: Callable[..., StandInOllama], tmp_path: Path
) -> None:
    """Most have the right one; the configuration's digest overrules them."""
    other, *same = stand_in(digest=OTHER_DIGEST), stand_in(), stand_in()
    path = tmp_path / "servers.json"
    write(path, other, *same)
    with program(OLLAMA_SERVERS=str(path)) as service:
        report = health(service)
        assert (report["status"], report["model_digest"]) == ("degraded", DIGEST[:12])
        assert [each["problem"] for each in report["problems"]] == ["digests_differ"]
        assert f"{other.url} has {OTHER_DIGEST[:12]}" in report["problems"][0]["detail"]
        ask_all(service)
        assert other.asked == 0
        write(path, other, *same, digests={MODEL: f"sha256:{OTHER_DIGEST}"})
        until(lambda: health(service)["model_digest"] == OTHER_DIGEST[:12])
        asked = [server.asked for server in same]
        answers = ask_all(service)
        assert [answer.headers["cache-status"] for answer in answers] == ["alchemorsel; fwd=miss; stored"] * 8
        assert ([server.asked for server in same], other.asked) == (asked, 8)


def test_models_are_asked_of_their_servers(stand_in: Callable[..., StandInOllama], tmp_path: Path) -> None:
    """A model that none has is refused at the start, by its name."""
    small, large = stand_in(model="small:1b"), stand_in(model="large:3b")
    listed = [{"url": small.url, "models": ["small:1b"]}, {"url": large.url, "models": ["large:3b"]}]
    path = tmp_path / "servers.json"
    path.write_text(json.dumps({"servers": listed}))
    settings = {"OLLAMA_MODEL": "large:3b", "OLLAMA_SERVERS": str(path)}
    with Program(INGREDIENTS_MODEL="small:1b", **settings) as service:
        ask_all(service)
        assert (small.asked, large.asked) == (8, 0)
    ended = Program(MODELS="huge:70b", **settings).run()
    assert ended.returncode == 78
    assert "no server has the model huge:70b" in ended.stderr


def test_addresses_of_a_name_are_followed(stand_in: Callable[..., StandInOllama], tmp_path: Path) -> None:
    """The operating system's resolver is asked every few seconds; here it reads a hosts file that changes."""
    if not shutil.which("unshare") or subprocess.run(["unshare", "--mount", "true"], check=False).returncode:
        pytest.skip("needs root's unshare, for a hosts file of its own")
    server = stand_in()
    port = server.url.rpartition(":")[2]
    hosts = tmp_path / "hosts"
    hosts.write_text("127.0.0.9 pool.test\n")
    with program(OLLAMA_SERVERS=f"dns+http://pool.test:{port}").with_hosts_file(hosts) as service:
        assert [each["url"] for each in health(service)["servers"]] == [f"http://127.0.0.9:{port}"]
        hosts.write_text("127.0.0.1 pool.test\n")
        until(lambda: [each["url"] for each in health(service)["servers"]] == [f"http://127.0.0.1:{port}"])
        until(lambda: health(service)["status"] == "healthy")
        assert ask_all(service, FOODS[:1])[0].json()["meta"]["provider"] == "ollama"
        hosts.write_text("")
        until(lambda: bool(health(service)["problems"]))
        report = health(service)
        assert report["problems"][0]["problem"] == "name_unresolved"
        assert [each["url"] for each in report["servers"]] == [f"http://127.0.0.1:{port}"]
        assert ask_all(service, FOODS[1:2])[0].json()["meta"]["provider"] == "ollama"


def test_metrics_are_by_server(stand_in: Callable[..., StandInOllama]) -> None:
    """Calls by how they ended, slots, and breakers."""
    first, second = stand_in(), stand_in(state="hung")
    with program([first, second], OLLAMA_TIMEOUT="1s") as service:
        ask_all(service, FOODS[:3])
        text = service.metrics()
    assert f'alchemorsel_ai_ollama_server_calls_total{{outcome="ok",server="{first.url}"}} 3.0' in text
    assert f'alchemorsel_ai_ollama_server_calls_total{{outcome="timeout",server="{second.url}"}} 1.0' in text
    assert f'alchemorsel_ai_ollama_server_breaker_state{{server="{second.url}"}} 2.0' in text
    assert f'alchemorsel_ai_ollama_server_slots{{server="{first.url}"}} 1.0' in text
