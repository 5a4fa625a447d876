"""``python -m tools.perf overhead`` as a maintainer runs it; what it finds is left open here."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import msgspec

from bench.results import Verdict
from lab.ollama_process import OllamaProcess
from tests.integration.service.program import Program
from tools.perf.overhead.command import Report

ROOT = Path(__file__).resolve().parents[4]


def measure(*arguments: str | Path) -> tuple[int, str]:
    """Run the program to its end; returns its exit status and output."""
    done = subprocess.run(
        [sys.executable, "-m", "tools.perf", "overhead", *map(str, arguments)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=115,
        check=False,
    )
    return done.returncode, done.stdout


def test_the_overhead_of_a_real_service_is_measured_in_pairs(tmp_path: Path) -> None:
    """Every answer through the service is computed, and no call has to load the model anew."""
    with OllamaProcess() as ollama, Program(OLLAMA_HOST=ollama.url, OLLAMA_MODEL=ollama.model) as program:
        where = ("--target", str(program.http.base_url).rstrip("/"), "--ollama", ollama.url)
        status, output = measure(*where, "--pairs", "20", "--out", tmp_path)
    report = msgspec.json.decode((tmp_path / "overhead.json").read_bytes(), type=Report)
    assert len(report.direct_ms) == len(report.through_ms) == 20
    assert Verdict.INVALID not in {finding.verdict for finding in report.findings}, output
    assert status == max(finding.verdict.exit_status for finding in report.findings)


def test_another_context_length_than_the_services_proves_nothing(tmp_path: Path) -> None:
    """Ollama loads the model anew for every second call then, which is told instead of a figure."""
    with OllamaProcess() as ollama, Program(OLLAMA_HOST=ollama.url, OLLAMA_MODEL=ollama.model) as program:
        where = ("--target", str(program.http.base_url).rstrip("/"), "--ollama", ollama.url)
        status, output = measure(*where, "--pairs", "20", "--num-ctx", "1024", "--out", tmp_path)
    assert status == 3
    assert "is --num-ctx that of the service?" in output


def test_a_service_that_is_not_there_leaves_nothing(tmp_path: Path) -> None:
    """Status 69 with the URL, and no folder."""
    where = ("--target", "http://127.0.0.1:9", "--ollama", "http://127.0.0.1:9")
    status, output = measure(*where, "--out", tmp_path / "out")
    assert status == 69
    assert "http://127.0.0.1:9 does not answer" in output
    assert not (tmp_path / "out").exists()
