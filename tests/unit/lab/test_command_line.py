"""The lab's command takes host names that a network accepts and releases that it can build."""

from __future__ import annotations

import pytest

from lab.__main__ import main


@pytest.mark.parametrize("host", ["Lab1", "lab_1", "1lab", "lab1:sid", "", "lab1;id"])
def test_unusable_host_is_refused_before_anything_starts(host: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit status 2 and a sentence that says what would be right."""
    with pytest.raises(SystemExit) as ended:
        main(["host", "add", host])
    assert ended.value.code == 2
    said = capsys.readouterr().err
    assert "lower-case letters" in said or "bookworm and trixie" in said


def test_command_is_required(capsys: pytest.CaptureFixture[str]) -> None:
    """Without a command the usage is shown."""
    with pytest.raises(SystemExit) as ended:
        main([])
    assert ended.value.code == 2
    assert "COMMAND" in capsys.readouterr().err
