"""The command line: distinct exit statuses, and errors that say what would be right."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from bench.cli import main
from bench.report.console import LineObserver, ProgressObserver, print_closing
from bench.results import Latency, TaskResult, ThresholdResult, Verdict, encode_result
from tests.unit.bench.records import result

if TYPE_CHECKING:
    from pathlib import Path

TASK = TaskResult(
    task="recipe",
    uncached=Latency(samples=3, min_ms=4000, p50_ms=5000, p95_ms=6000, p99_ms=6000, max_ms=6000),
    cached=Latency(samples=700, min_ms=1, p50_ms=2, p95_ms=5, p99_ms=7, max_ms=9),
    ratio=2500.0,
    verdict=Verdict.PASS,
)
BOUND = ThresholdResult(
    selector="latency{task:recipe,cache:hit}",
    expression="p(95)<100",
    task="recipe",
    gated=True,
    unit="ms",
    bound=100,
    value=5.0,
    lower=4.5,
    upper=5.5,
    samples=700,
    verdict=Verdict.PASS,
)


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["run"],
        ["fly"],
        ["run", "--target", "http://h", "--duration", "3"],
        ["run", "--target", "http://h", "--duration", "-3s"],
        ["run", "--target", "http://h", "--speed", "9"],
    ],
)
def test_a_malformed_command_line_ends_with_64(arguments: list[str]) -> None:
    """Not with argparse's 2, which means INCONCLUSIVE."""
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 64


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--target", "localhost:3010"], "is no http:// or https:// URL; expected e.g. http://127.0.0.1:3010"),
        (["--target", "http://u:secret@h"], "carries a password"),
        (["--target", "http://h", "--profile", "moon"], "no profile 'moon' in slo.yml; it has lab, dev, prod"),
        (["--target", "http://h", "--slo", "none.yml"], "cannot read the SLO file none.yml"),
        (["--target", "http://h", "--duration", "1s"], "leaves nothing after the warm-up of 1 s"),
    ],
)
def test_an_impossible_wish_ends_with_64_and_says_why(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """One line on stderr, no traceback."""
    assert main(["run", *arguments]) == 64
    printed = capsys.readouterr().err
    assert message in printed
    assert printed.count("\n") == 1


def test_a_secret_in_the_target_is_not_repeated(capsys: pytest.CaptureFixture[str]) -> None:
    """The refusal of a password does not print it."""
    main(["run", "--target", "http://u:secret@h"])
    assert "secret" not in capsys.readouterr().err


def test_a_malformed_slo_file_ends_with_65_and_its_place(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Line and column come through to the user."""
    (tmp_path / "slo.yml").write_text("profiles:\n  lab: 7\n", encoding="utf-8")
    assert main(["run", "--target", "http://h", "--slo", str(tmp_path / "slo.yml")]) == 65
    assert "slo.yml:2:8: expected 'key: value' lines" in capsys.readouterr().err


def test_a_target_that_is_not_there_ends_with_69_and_leaves_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A refused connection is told with the URL; no folder is made."""
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{closed.getsockname()[1]}"
        assert main(["run", "--target", url, "--out", str(tmp_path / "out")]) == 69
    assert f"{url} does not answer" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_show_prints_the_table_of_a_result(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Both cache paths, the ratio and the verdict, a line for each task."""
    (tmp_path / "result.json").write_bytes(encode_result(result(tasks=[TASK])))
    assert main(["show", str(tmp_path / "result.json")]) == 0
    line = next(line for line in capsys.readouterr().out.splitlines() if "recipe" in line)
    assert line.split() == ["recipe", "5.00", "s", "6.00", "s", "2.00", "ms", "5.00", "ms", "2,500x", "PASS"]


def test_show_without_a_result_ends_with_65(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The message says what was expected."""
    assert main(["show", str(tmp_path)]) == 65
    assert "expected a run's result.json" in capsys.readouterr().err


def test_the_closing_screen_fits_eighty_columns(tmp_path: Path) -> None:
    """Tables, verdict, reasons and the report's place, without a line too long for a plain terminal."""
    console = Console(width=80, record=True, file=(tmp_path / "out").open("w"))
    with console.file:
        print_closing(console, result(tasks=[TASK], thresholds=[BOUND], reasons=["reason " * 20]), tmp_path)
    lines = console.export_text().splitlines()
    assert any(line.startswith(" latency recipe hit p(95)<100") and "5.50 ms" in line for line in lines)
    assert "\n".join(lines).count("reason") == 20
    assert f"report       {tmp_path / 'report.html'}" in lines
    assert all(len(line) <= 80 for line in lines if str(tmp_path) not in line)


@pytest.mark.parametrize("kind", [ProgressObserver, LineObserver])
def test_every_observer_shows_each_step_and_what_came_of_it(
    kind: type[ProgressObserver | LineObserver], tmp_path: Path
) -> None:
    """On a terminal and in a log alike."""
    console = Console(
        width=120, record=True, force_terminal=kind is ProgressObserver, file=(tmp_path / "out").open("w")
    )
    with console.file, kind(console) as observer:
        observer.began("cached: recipe", 800)
        observer.advanced(900)
        observer.ended("p50 2.0 ms")
    text = console.export_text()
    assert "cached: recipe" in text
    assert "800" in text
    assert "p50 2.0 ms" in text
