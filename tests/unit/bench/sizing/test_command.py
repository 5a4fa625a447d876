"""`bench sizing`: from a run, or from figures of another machine."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import pytest

from bench.cli import main
from bench.results import HitRatio, Verdict, encode_result
from bench.samples import encode_lines
from tests.unit.bench.records import end, miss, result

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Write a run of two tasks, of 4 s and 1 s, with a Zipf mix."""
    write(tmp_path)
    return tmp_path


def write(folder: Path, **changes: Any) -> None:
    """Write a run."""
    zipf = HitRatio(
        task="recipe", catalogue=100, exponent=1.0, requests=200, predicted=0.75, low=0.7, high=0.8, measured=0.75
    )
    samples = [
        *(miss(latency) for latency in (3000, 4000, 5000)),
        *(miss(latency, task="ingredients") for latency in (500, 1500)),
        miss(90_000, failure="timeout"),
        miss(90_000, warmup=True),
        miss(90_000, cache="hit"),
        miss(90_000, degraded=True),
        miss(90_000, phase="stream"),
    ]
    lines = encode_lines([*samples, end(len(samples))])
    (folder / "samples.jsonl").write_bytes(lines)
    digest = hashlib.sha256(lines).hexdigest()
    told = result(
        **{
            "verdict": Verdict.PASS,
            "hit_ratios": [zipf],
            "samples_file": "samples.jsonl",
            "samples_digest": digest,
            **changes,
        }
    )
    (folder / "result.json").write_bytes(encode_result(told))


def figures(capsys: pytest.CaptureFixture[str], *words: str) -> Any:
    """Return what it prints for programs."""
    assert main(["sizing", *words, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_times_and_hit_ratio_are_the_runs(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Of proven uncached requests only; tasks weigh alike, or as they are asked."""
    told = figures(capsys, str(folder), "--rate", "8")
    assert told["host"]["service_s"] == pytest.approx(2.5)
    assert told["sizing"]["computed_rate"] == pytest.approx(2.0)
    assert told["sizing"]["busy_slots"] == pytest.approx(5.0)
    told = figures(capsys, str(folder), "--rate", "8", "--mix", "recipe=1,ingredients=3", "--hit-ratio", "0.5")
    assert told["host"]["service_s"] == pytest.approx(1.75)
    assert told["sizing"]["computed_rate"] == pytest.approx(4.0)


def test_another_machine_is_estimated_from_its_tokens(capsys: pytest.CaptureFixture[str]) -> None:
    """And said to be an estimate."""
    words = ("--rate", "10", "--hit-ratio", "0.9", "--tokens", "300", "--tokens-per-second", "60")
    told = figures(capsys, *words, "--prompt-seconds", "0.5", "--slots", "4", "--gain", "3")
    assert told["host"]["service_s"] == pytest.approx(5.5)
    assert "estimate" in told["source"]
    assert told["sizing"]["busy_slots"] == pytest.approx(5.5 * 4 / 3)


def test_people_read_a_table(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With where each figure comes from."""
    assert main(["sizing", str(folder), "--rate", "8"]) == 0
    shown = capsys.readouterr().out
    assert "hosts, one to spare" in shown
    assert "3 of recipe, 2 of ingredients" in shown


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--rate", "0"), "not above 0"),
        (("--rate", "1", "--hit-ratio", "2"), "no share"),
        (("--rate", "nan"), "no number"),
        (("--rate", "1"), "give a RUN, or both --tokens and --tokens-per-second"),
        (("RUN", "--rate", "1", "--tokens", "9"), "give a RUN, or both"),
        (("--rate", "1", "--tokens", "9", "--hit-ratio", "0"), "go together"),
        (("RUN", "--rate", "1", "--mix", "recipe"), "TASK=WEIGHT"),
        (
            ("RUN", "--rate", "1", "--mix", "nutrition=1"),
            "no uncached requests of nutrition; it has ingredients, recipe",
        ),
        (("RUN", "--rate", "1", "--gain", "2"), "more than the 1 slots can give"),
        (("RUN", "--rate", "1", "--within", "1"), "below 1"),
    ],
)
def test_wrong_usage_is_named(
    folder: Path, words: tuple[str, ...], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """With the exit status of wrong usage."""
    try:
        status: Any = main(["sizing", *(word.replace("RUN", str(folder)) for word in words)])
    except SystemExit as ended:
        status = ended.code
    assert status == 64
    assert told in capsys.readouterr().err


def test_samples_that_are_not_the_runs_size_nothing(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Half of them have another mean."""
    file = folder / "samples.jsonl"
    file.write_bytes(b"".join(file.read_bytes().splitlines(keepends=True)[:5]))
    assert main(["sizing", str(folder), "--rate", "8"]) == 65
    assert "is not what the run of" in capsys.readouterr().err


def test_a_run_that_proves_nothing_sizes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Its reasons are repeated."""
    write(tmp_path, verdict=Verdict.INVALID, reasons=["counters disagree"])
    assert main(["sizing", str(tmp_path), "--rate", "1"]) == 64
    assert "counters disagree" in capsys.readouterr().err
    write(tmp_path, hit_ratios=[])
    assert main(["sizing", str(tmp_path), "--rate", "1"]) == 64
    assert "--hit-ratio is needed" in capsys.readouterr().err
