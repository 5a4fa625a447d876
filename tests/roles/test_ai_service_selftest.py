"""The module ai_service_selftest: a healthy service passes, and each way of not being healthy is told."""

from __future__ import annotations

import socket
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from tests.roles.ansible_module import load_plugin, run_module
from tests.roles.fake_ai_service import FakeAIService

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

KEY = "a-key-for-the-verification-of-this-test"


@pytest.fixture
def service() -> Iterator[FakeAIService]:
    """Give a healthy service."""
    with FakeAIService() as fake:
        yield fake


def try_out(service: FakeAIService, **params: Any) -> dict[str, Any]:
    """Run the module against the service; it is not waited for."""
    params = {"provider": "ollama", **params}
    return run_module("ai_service_selftest", url=service.url, ready_timeout=0, **params)


def refuse_unread(server: socket.socket) -> None:
    """Answer 401 and close as soon as the head is there."""
    connection, _ = server.accept()
    with connection:
        head = b""
        while b"\r\n\r\n" not in head:
            head += connection.recv(1024)
        connection.sendall(b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n")


def test_answer_that_comes_before_the_body_was_read_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a refusal does, which is decided by the head; the body is larger here than what a socket takes unread."""
    selftest = load_plugin("ai_service_selftest")
    monkeypatch.setattr(selftest, "REQUEST", {"partial": ["x" * 4_000_000]})
    with socket.socket(socket.AF_UNIX) as server, ThreadPoolExecutor() as beside:
        server.bind(str(tmp_path / "socket"))
        server.listen()
        beside.submit(refuse_unread, server)
        stranger = selftest.Selftest(str(tmp_path / "socket"))
        stranger.ask_as_a_stranger()
    assert stranger.tried == ["no answer without a key"]


def test_healthy_service_passes_past_its_cache_and_with_it(service: FakeAIService) -> None:
    """The first request goes past the cache, so that the provider itself has to answer."""
    result = try_out(service)
    assert not result.get("failed"), result
    assert not result["changed"]
    assert len(result["tried"]) == 3
    assert service.cache_controls == ["no-cache", None]


@pytest.mark.parametrize(("degraded", "fails"), [(True, False), (False, True)])
def test_a_service_of_the_mock_alone_has_to_label_its_answers(
    service: FakeAIService, *, degraded: bool, fails: bool
) -> None:
    """Its answers are made up, so they must say so, and are asked of no cache."""
    service.meta = {"provider": "mock", "degraded": degraded}
    result = try_out(service, provider="mock")
    assert result.get("failed", False) is fails, result
    assert service.cache_controls == ["no-cache"]


def test_service_with_keys_answers_with_one_and_not_without(service: FakeAIService, tmp_path: Path) -> None:
    """The gate is tried from both sides, with the key that is in a file."""
    service.key = KEY
    key_file = tmp_path / "key"
    key_file.write_text(f"{KEY}\n")
    result = try_out(service, key_file=str(key_file))
    assert not result.get("failed"), result
    assert result["tried"][1] == "no answer without a key"
    assert len(result["tried"]) == 4
    assert KEY not in str(result)


def test_service_that_lets_strangers_in_fails(service: FakeAIService, tmp_path: Path) -> None:
    """Keys were wanted, and the running service knows nothing of them."""
    (tmp_path / "key").write_text(KEY)
    assert "without a key to be refused with 401, got 200" in try_out(service, key_file=str(tmp_path / "key"))["msg"]


def test_key_that_does_not_open_fails(service: FakeAIService, tmp_path: Path) -> None:
    """It is none of those whose hashes the service has."""
    service.key = KEY
    (tmp_path / "key").write_text("another")
    assert "expected an answer of ollama, got 401" in try_out(service, key_file=str(tmp_path / "key"))["msg"]


def test_key_file_that_is_gone_is_explained(service: FakeAIService, tmp_path: Path) -> None:
    """Its path is in the message."""
    assert f"cannot read the key in {tmp_path / 'key'}" in try_out(service, key_file=str(tmp_path / "key"))["msg"]


def test_service_that_becomes_ready_is_waited_for(service: FakeAIService) -> None:
    """A service that is starting gets its time."""
    service.health.insert(0, {"ready": False, "providers": []})
    result = run_module("ai_service_selftest", url=service.url, provider="ollama", ready_timeout=30)
    assert not result.get("failed"), result


def test_service_without_usable_provider_fails(service: FakeAIService) -> None:
    """The providers' state is in the message."""
    service.health = [{"ready": False, "providers": [{"name": "ollama", "problem": "unreachable"}]}]
    service.health_status = 503
    result = try_out(service)
    assert "no provider is usable" in result["msg"]
    assert "unreachable" in result["msg"]


def test_service_without_its_cache_fails(service: FakeAIService) -> None:
    """Going on without Redis is right for a client and wrong for a deployment."""
    service.health[0]["cache"]["available"] = False
    assert "its cache (redis) does not answer" in try_out(service)["msg"]


def test_another_program_on_the_port_is_recognised(service: FakeAIService) -> None:
    """An answer that is no health report is shown."""
    service.health = [{"hello": "world"}]
    assert "/health answered 200" in try_out(service)["msg"]


def test_unreachable_service_fails() -> None:
    """Nothing listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{probe.getsockname()[1]}"
        result = run_module("ai_service_selftest", url=url, provider="ollama", ready_timeout=0)
    assert "did not answer" in result["msg"]


@pytest.mark.parametrize(
    "meta", [{"provider": "mock", "degraded": False}, {"provider": "ollama", "degraded": True}, {}]
)
def test_stand_in_or_degraded_answer_fails(service: FakeAIService, meta: dict[str, Any]) -> None:
    """Only the wanted provider's own answer proves the deployment."""
    service.meta = meta
    result = try_out(service)
    assert "expected an answer of ollama" in result["msg"]
    assert "provider;dur=7" in result["msg"]


def test_error_status_fails(service: FakeAIService) -> None:
    """An error with a well-formed body is an error."""
    service.status = 503
    assert "got 503" in try_out(service)["msg"]


def test_answer_that_is_never_cached_fails(service: FakeAIService) -> None:
    """The header has to say that it is a hit."""
    service.hits = False
    assert "fwd=bypass" in try_out(service)["msg"]


def test_cache_that_answers_something_else_fails(service: FakeAIService) -> None:
    """A hit is the stored answer, unchanged."""
    service.forgets = True
    assert "again from the cache" in try_out(service)["msg"]


def test_address_without_scheme_is_explained() -> None:
    """A url that is none is refused with what would be right."""
    result = run_module("ai_service_selftest", url="127.0.0.1:3010", provider="ollama")
    assert "must begin with http://" in result["msg"]


def test_check_mode_asks_nothing(service: FakeAIService) -> None:
    """A request costs a model call, so check mode makes none."""
    assert try_out(service, check_mode=True)["tried"] == []
    assert service.cache_controls == []


def test_cache_that_recovers_from_a_hiccup_passes(service: FakeAIService) -> None:
    """An answer that was not stored, because Redis was late once, is asked for and looked up again."""
    service.cold = 2
    result = try_out(service)
    assert not result.get("failed"), result
    assert service.cache_controls == ["no-cache", None] * 3
