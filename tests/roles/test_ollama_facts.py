"""The module ollama_facts, against an engine that speaks real HTTP on a real socket."""

from __future__ import annotations

import socketserver
import threading
from typing import TYPE_CHECKING

import pytest

from tests.http_fake import FakeHandler
from tests.roles.ansible_module import load_module, run_module

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ollama_facts = load_module("ollama", "ollama_facts")
IMAGE = "docker.io/ollama/ollama:0.34.2"


class _Handler(FakeHandler):
    fake: FakeEngine

    def address_string(self) -> str:
        """Who asks; a socket has no address."""
        return "socket"

    def do_GET(self) -> None:
        """Describe an image or a network."""
        status, value = self.fake.answers.get(self.path, (404, {"message": "No such object"}))
        self.answer(status, value)


class FakeEngine:
    """An engine's socket, with the answers that a test gives it by path."""

    def __init__(self, path: Path) -> None:
        """Listen there."""
        self.path = str(path)
        self.answers: dict[str, tuple[int, object]] = {}
        self._server = socketserver.ThreadingUnixStreamServer(self.path, type("Handler", (_Handler,), {"fake": self}))
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()

    def close(self) -> None:
        """Listen no more."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[FakeEngine]:
    """An engine that has nothing."""
    fake = FakeEngine(tmp_path / "docker.sock")
    yield fake
    fake.close()


def test_image_and_network_are_found_by_name(engine: FakeEngine) -> None:
    """A network of another driver is not the one that is wanted."""
    engine.answers[f"/images/{IMAGE}/json"] = (200, {"Id": "sha256:abc"})
    engine.answers["/networks/alchemorsel"] = (200, {"Driver": "bridge"})
    found = ollama_facts.describe(engine.path, IMAGE, "alchemorsel")
    assert (found["image_id"], found["has_network"]) == ("sha256:abc", True)
    engine.answers["/networks/alchemorsel"] = (200, {"Driver": "macvlan"})
    assert ollama_facts.describe(engine.path, IMAGE, "alchemorsel")["has_network"] is False


def test_engine_without_them_is_no_failure(engine: FakeEngine) -> None:
    """They are still to be had."""
    found = ollama_facts.describe(engine.path, IMAGE, "alchemorsel")
    assert (found["image_id"], found["has_network"]) == ("", False)


def test_error_of_the_engine_is_told(engine: FakeEngine) -> None:
    """A sick engine is not taken for one without the image."""
    engine.answers[f"/images/{IMAGE}/json"] = (500, {"message": "layer does not exist"})
    with pytest.raises(ValueError, match="layer does not exist"):
        ollama_facts.describe(engine.path, IMAGE, "alchemorsel")


def test_host_without_engine_and_folder_is_no_failure(tmp_path: Path) -> None:
    """As on a fresh host in check mode."""
    told = run_module(
        "ollama",
        "ollama_facts",
        check_mode=True,
        image=IMAGE,
        network="alchemorsel",
        models=str(tmp_path / "models"),
        socket=str(tmp_path / "docker.sock"),
    )
    assert (told["engine"], told["image_id"], told["has_network"]) == (False, "", False)
    assert told["models"]["is_folder"] is False
