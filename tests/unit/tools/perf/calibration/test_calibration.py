"""Equal runs are hardly ever called different, and the table goes where the manual has a place for it."""

from __future__ import annotations

import argparse
import io
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from bench.errors import UsageError
from tools.perf.calibration import command
from tools.perf.calibration.comparisons import BUSY, QUEUE, SHARED, Machine, called_different

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.timeout(300)
@pytest.mark.parametrize(("machine", "rounds"), [(QUEUE, 1), (SHARED, 1), (BUSY, 5)])
def test_two_equal_runs_are_called_different_in_at_most_5_percent(machine: Machine, rounds: int) -> None:
    """Of 200 comparisons, on a shared machine too."""
    assert called_different(machine, 200 if rounds == 1 else 60, seed=3, rounds=rounds) <= 0.05


def test_single_runs_without_an_allowance_would_be_called_different_on_a_shared_machine(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What the allowance is for: runs that differ by 10 % without a cause."""
    monkeypatch.setattr("bench.compare.statistics.with_noise", lambda found, _noise: found)
    monkeypatch.setattr("bench.compare.comparison.with_noise", lambda found, _noise: found)
    assert called_different(SHARED, 40, seed=3) >= 0.4


def test_a_real_change_is_found_by_runs_in_turns() -> None:
    """1.5 times as slow."""
    assert called_different(SHARED, 20, seed=3, rounds=5, factor=1.5) >= 0.9


def test_the_table_replaces_the_one_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between its marks; a file without them is refused."""
    monkeypatch.setattr(command, "CASES", command.CASES[:1])
    monkeypatch.setattr(command, "COMPARISONS", command.COMPARISONS[:1])
    manual = tmp_path / "manual.md"
    manual.write_text(f"before\n{command.BEGIN}\nold\n{command.END}\nafter\n", encoding="utf-8")
    options = argparse.Namespace(runs=20, comparisons=5, write=manual)
    assert command.run(options, Console(file=io.StringIO())) == 0
    text = manual.read_text(encoding="utf-8")
    assert text.startswith(f"before\n{command.BEGIN}\n20 simulated runs")
    assert text.endswith(f"| 0.0% |\n{command.END}\nafter\n")
    manual.write_text("nothing", encoding="utf-8")
    with pytest.raises(UsageError, match="has no place for the table"):
        command.run(options, Console(file=io.StringIO()))
