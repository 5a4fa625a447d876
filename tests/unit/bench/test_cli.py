"""The command line: distinct exit statuses, and errors that say what would be right."""

from __future__ import annotations

import hashlib
import json
import socket
from typing import TYPE_CHECKING

import msgspec
import numpy as np
import pytest
from msgspec.structs import replace
from rich.console import Console

from bench.cli import main
from bench.report.console import LineObserver, ProgressObserver, print_closing
from bench.results import Latency, TaskResult, ThresholdResult, Verdict, encode_result, load_result
from bench.samples import encode_lines, read_samples
from bench.verdict.summaries import summarize_phase
from bench.verdict.thresholds import parse_threshold
from bench.verdict.verdicts import judge
from tests.unit.bench.records import cached_record, hit, miss, result

if TYPE_CHECKING:
    from pathlib import Path

    from bench.results import Result
    from bench.samples import Sample

TASK = TaskResult(
    task="recipe",
    uncached=Latency(samples=3, min_ms=4000, p50_ms=5000, p95_ms=6000, p99_ms=6000, max_ms=6000),
    cached=Latency(samples=700, min_ms=1, p50_ms=2, p95_ms=5, p99_ms=7, max_ms=9),
    ratio=2500.0,
    ratio_low=2000.0,
    ratio_high=3000.0,
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
        undecided = replace(TASK, task="ingredients", verdict=Verdict.INCONCLUSIVE)
        longest = replace(BOUND, selector="latency{phase:cached,task:ingredients,cache:hit}", expression="p(99.9)<1000")
        whole = result(tasks=[TASK, undecided], thresholds=[BOUND, longest], reasons=["reason " * 20])
        print_closing(console, whole, tmp_path)
    lines = console.export_text().splitlines()
    assert any(line.startswith(" latency recipe hit p(95)<100") and "5.50 ms" in line for line in lines)
    assert "\n".join(lines).count("reason") == 20
    assert "…" not in "\n".join(lines)
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


def saved_run(folder: Path, factor: float) -> Path:
    """Write a run whose cached recipes took so much longer than a millisecond or two."""
    bound = parse_threshold("latency{task:recipe,cache:hit}", "p(95)<100", gated=True)
    latencies = factor * np.random.default_rng(len(folder.name)).lognormal(0, 0.2, 700)
    samples = [hit(float(latency), intended_ns=number) for number, latency in enumerate(latencies)]
    folder.mkdir()
    save(
        folder,
        result(thresholds=[judge(bound, samples)], phases=[summarize_phase(cached_record(samples), [])]),
        samples,
    )
    return folder


def save(folder: Path, whole: Result, samples: list[Sample]) -> None:
    """Write result and samples as a run does."""
    lines = encode_lines(samples)
    (folder / "samples.jsonl").write_bytes(lines)
    digest = hashlib.sha256(lines).hexdigest()
    (folder / "result.json").write_bytes(encode_result(msgspec.structs.replace(whole, samples_digest=digest)))


@pytest.mark.parametrize(
    ("factor", "options", "status"),
    [(1.0, [], 0), (2.0, [], 1), (1.5, ["--max-ratio", "2"], 0), (1.5, ["--max-ratio", "1.5"], 2)],
)
def test_compare_ends_with_the_verdict(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], factor: float, options: list[str], status: int
) -> None:
    """0 nothing slower or ratio kept, 1 slower or ratio broken, 2 the ratio cannot be decided; in 80 columns."""
    old, new = saved_run(tmp_path / "before", 1.0), saved_run(tmp_path / "after", factor)
    assert main(["compare", str(old), str(new), *options]) == status
    printed = capsys.readouterr().out
    assert f" {('PASS', 'FAIL', 'INCONCLUSIVE')[status]} " in printed
    assert "recipe hit p50" in printed
    assert f"{factor:.1f}" in printed
    assert "…" not in printed


def test_scopes_that_nothing_can_be_said_of_are_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Two uncached answers have no row of their own, so that the rows with a meaning are seen."""
    runs = [saved_run(tmp_path / name, 1.0) for name in ("old", "new")]
    for run in runs:
        few = [miss(3000.0), miss(3100.0)]
        save(run, load_result(run), [*read_samples(run / "samples.jsonl")[0], *few])
    assert main(["compare", *map(str, runs)]) == 0
    printed = capsys.readouterr().out
    assert "- too few samples to compare, or too much alike: recipe miss p50" in printed
    assert "inf" not in printed


def test_a_saved_baseline_stands_for_the_old_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Saved once, compared with later: the same as with the run itself."""
    run, file = saved_run(tmp_path / "run", 1.0), tmp_path / "baseline.json"
    assert main(["baseline", "save", str(run), str(file)]) == 0
    assert "1 scopes, profile lab" in capsys.readouterr().out
    assert main(["compare", "--baseline", str(file), str(run), "--max-ratio", "1.2"]) == 0
    assert main(["compare", str(file), str(saved_run(tmp_path / "worse", 2.0)), "--max-ratio", "1.2"]) == 1
    assert "FAIL" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["compare", "{run}"], 64, "compare takes two: OLD and NEW; 1 given"),
        (["compare", "--baseline", "{run}", "{run}", "{run}"], 64, "takes one run beside --baseline; 2 given"),
        (["compare", "{run}", "{run}/none"], 65, "cannot be read"),
        (["baseline", "save", "{run}", "{run}/none/baseline.json"], 64, "cannot write"),
        (["compare", "{run}", "{invalid}"], 3, "is INVALID, so no base for a comparison: late"),
        (["baseline", "save", "{invalid}"], 3, "is INVALID"),
    ],
)
def test_what_cannot_be_compared_is_told_in_a_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], status: int, message: str
) -> None:
    """Wrong usage, unreadable files and runs that prove nothing are told apart by the exit status."""
    run, invalid = saved_run(tmp_path / "run", 1.0), saved_run(tmp_path / "invalid", 1.0)
    save(invalid, result(verdict=Verdict.INVALID, reasons=["late"]), [])
    assert main([argument.format(run=run, invalid=invalid) for argument in arguments]) == status
    printed = capsys.readouterr().err
    assert message in printed
    assert printed.count("\n") == 1


@pytest.mark.parametrize("option", ["--max-ratio=0", "--max-ratio=fast", "--least-change=-5%", "--least-change=nan"])
def test_a_ratio_that_is_none_is_refused(option: str, capsys: pytest.CaptureFixture[str]) -> None:
    """With 64, and what would be right."""
    with pytest.raises(SystemExit) as ended:
        main(["compare", "a", "b", option])
    assert ended.value.code == 64
    assert "above 0, e.g." in capsys.readouterr().err


def test_a_report_is_written_again_with_a_capacity_curve(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """From the files of a run, to its own place or another one."""
    run = saved_run(tmp_path / "run", 1.0)
    curve = {"target": "t", "task": "recipe", "bound": "b", "method": "m", "started_at": "2026", "duration_s": 1.0}
    rest = {"interrupted": False, "environment": {}, "points": []}
    (tmp_path / "capacity.json").write_text(json.dumps(curve | rest), encoding="utf-8")
    assert main(["report", str(run)]) == 0
    assert "Capacity" not in (run / "report.html").read_text(encoding="utf-8")
    page = tmp_path / "page.html"
    assert main(["report", str(run), "--capacity", str(tmp_path), "--out", str(page)]) == 0
    assert "Capacity" in page.read_text(encoding="utf-8")
    assert str(page) in capsys.readouterr().out
    assert main(["report", str(run), "--out", str(tmp_path / "none" / "page.html")]) == 64
    assert main(["report", str(run), "--capacity", str(run)]) == 65
