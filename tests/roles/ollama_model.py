"""Runs the module ollama_model against a fake server, with its default options."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.roles.ansible_module import load_plugin

if TYPE_CHECKING:
    from tests.roles.fake_ollama_server import FakeOllamaServer

_module = load_plugin("ollama_model")
OllamaError: type[Exception] = _module.OllamaError
OllamaUnreachableError: type[Exception] = _module.OllamaUnreachableError

NAME = "tiny:1b"
"""The model that the server of the fixture has to pull."""


class Told:
    """Takes note of what the module says that it is doing.

    Attributes:
        told: What it said, with the bytes done and in all.
    """

    def __init__(self) -> None:
        self.told: list[tuple[str, int, int]] = []

    def __call__(self, doing: str, done: int = 0, total: int = 0) -> None:
        """Take note of one."""
        self.told.append((doing, done, total))


def apply_state(
    ollama_server: FakeOllamaServer,
    *,
    check_mode: bool = False,
    report: Told | None = None,
    **options: Any,
) -> dict[str, Any]:
    """Run the module's work with its default options, some replaced."""
    params = {
        "name": NAME,
        "state": "present",
        "base_url": ollama_server.url,
        "registry": "",
        "insecure": False,
        "digest": None,
        "keep_alive": "",
        "num_ctx": None,
        "wait": 0,
        "timeout": 30,
        "answers_within": None,
        **options,
    }
    result: dict[str, Any] = _module.apply_state(params, check_mode=check_mode, report=report or Told())
    return result
