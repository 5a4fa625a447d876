"""What asks before it stops or deletes something."""

from __future__ import annotations

import sys

import pytest
import typer

from ai_service.cli import confirmation
from ai_service.cli.errors import ConfirmationMissingError
from tests.unit.service.cli.typed import run


class Terminal:
    """Standard input on a terminal, or not."""

    def __init__(self, *, is_terminal: bool) -> None:
        self._is_terminal = is_terminal

    def isatty(self) -> bool:
        """Whether it is a terminal."""
        return self._is_terminal


@pytest.mark.parametrize(
    ("arguments", "act"),
    [
        (["stop"], "stop all services of this host"),
        (["stop", "all"], "stop all services of this host"),
        (["cache", "purge"], "purge the cached answers of all tasks"),
        (["rm", "a:1", "b:2"], "delete a:1, b:2 from the disk"),
        (["remove", "a:1"], "delete a:1 from the disk"),
    ],
)
def test_where_nobody_can_be_asked_it_is_refused_by_name(arguments: list[str], act: str) -> None:
    """Before any service is asked: none is there, and the status would be another one."""
    done = run(*arguments)
    assert isinstance(done.exception, ConfirmationMissingError)
    assert str(done.exception) == f"Refused to {act} without a confirmation."
    assert "--yes" in done.exception.hint


def test_yes_needs_no_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is asked, by whoever runs it."""
    monkeypatch.setattr(sys, "stdin", Terminal(is_terminal=False))
    confirmation.confirm("stop it", yes=True)


def test_no_ends_with_a_status_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """And the question names the act and what it costs."""
    asked: list[str] = []

    def answer(question: str, **_: object) -> bool:
        asked.append(question)
        return False

    monkeypatch.setattr(sys, "stdin", Terminal(is_terminal=True))
    monkeypatch.setattr(typer, "confirm", answer)
    with pytest.raises(typer.Exit) as ended:
        confirmation.confirm("stop it", yes=False, loses="It is gone then.")
    assert ended.value.exit_code == 1
    assert asked == ["Stop it? It is gone then."]
