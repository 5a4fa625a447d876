"""The command line of the maintainers' benchmarks: the exit statuses are those of `bench`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tools.perf.__main__ import main

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    "arguments",
    [[], ["fly"], ["peers", "--only", "apache"], ["peers", "--loads", "none"], ["overhead", "--pairs", "1"]],
)
def test_a_malformed_command_line_ends_with_64(arguments: list[str]) -> None:
    """Not with argparse's 2, which means INCONCLUSIVE."""
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 64


def test_a_program_that_cannot_be_installed_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One line and 70: the lab's refusal is an error of the measurement."""
    monkeypatch.setenv("PATH", str(tmp_path))
    assert main(["budgets", "--only", "import", "--out", str(tmp_path / "out")]) == 70
    assert capsys.readouterr().err.startswith("tools.perf: wrk not found: install wrk")
