"""The part that is a container."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from docker.errors import DockerException, NotFound

from ai_service.cli.container import OllamaContainer
from ai_service.cli.errors import CliError, NotPermittedError, NotReachableError

if TYPE_CHECKING:
    from collections.abc import Callable


class Container:
    """One container."""

    def __init__(self, status: str = "running") -> None:
        self.status = status
        self.attrs = {"State": {"Health": {"Status": "healthy"}}}
        self.done: list[str] = []

    def stats(self, *, stream: bool, one_shot: bool) -> dict[str, Any]:
        """As Docker tells them without waiting for a second sample."""
        assert one_shot
        assert not stream
        return {"memory_stats": {"usage": 2**30, "limit": 4 * 2**30}}

    def start(self) -> None:
        """Note it."""
        self.done.append("start")

    def stop(self, *, timeout: int) -> None:
        """Note it."""
        self.done.append(f"stop within {timeout} s")


class Docker:
    """A client of Docker with one container, or an error instead."""

    def __init__(self, found: Container | DockerException) -> None:
        self.containers = self
        self._found = found

    def get(self, _name: str) -> Container:
        """Return the container, or raise the error in its place."""
        if isinstance(self._found, DockerException):
            raise self._found
        return self._found


def forbidden() -> DockerException:
    """As the library raises it: the reason is deep inside."""
    aborted = ConnectionError("Connection aborted.")
    aborted.__cause__ = PermissionError(13, "Permission denied")
    error = DockerException("Error while fetching server API version")
    error.__cause__ = aborted
    return error


def connecting(found: Container | DockerException) -> Callable[[], Any]:
    """Return a connect that gives the fake in place of Docker's client."""
    return lambda: Docker(found)


def raising(error: DockerException) -> Callable[[], Any]:
    """Return a failing connect function."""

    def connect() -> Any:
        raise error

    return connect


def test_a_running_container_tells_memory_and_health() -> None:
    """In use, of the limit."""
    state = OllamaContainer("ollama", connect=connecting(Container())).state()
    assert (state.words, state.running, state.detail) == ("running", True, "1.0 GiB of 4.0 GiB, healthy")


def test_one_that_ended_is_stopped() -> None:
    """Its statistics are not asked for."""
    state = OllamaContainer("ollama", connect=connecting(Container("exited"))).state()
    assert (state.words, state.running) == ("stopped", False)


def test_it_is_given_time_to_end() -> None:
    """An answer may be under way."""
    container = Container()
    OllamaContainer("ollama", connect=connecting(container)).act("stop")
    assert container.done == ["stop within 30 s"]


def test_a_socket_that_is_not_mine_is_a_question_of_rights() -> None:
    """Said so, wherever in the error it is hidden."""
    container = OllamaContainer("ollama", connect=raising(forbidden()))
    assert container.state().words == "permission denied"
    with pytest.raises(NotPermittedError, match="Permission denied on") as caught:
        container.act("stop")
    assert "group docker" in caught.value.hint


def test_no_docker_and_no_container_are_told_apart() -> None:
    """By message and status."""
    with pytest.raises(NotReachableError, match="Docker does not respond"):
        OllamaContainer("ollama", connect=raising(DockerException("refused"))).act("start")
    with pytest.raises(CliError, match="Container ollama not found"):
        OllamaContainer("ollama", connect=connecting(NotFound("gone"))).act("start")
