"""Whole runs against an https:// target with a private authority."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from bench.results import Verdict, load_result
from tests.integration.bench.fake_target import FakeTarget
from tests.integration.bench.test_run import SLO
from tests.tls_edge import TlsEdge

pytestmark = pytest.mark.timeout(300)  # a run, on whatever machine

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize(
    "front",
    [["bench", "run", "--processes", "2", "--out"], ["pytest", "bench", "-q", "--bench-out"]],
    ids=lambda f: f[0],
)
def test_a_run_over_tls_is_proven_like_any_other(front: list[str], tmp_path: Path) -> None:
    """Load from several processes included; nothing but the option is needed."""
    (tmp_path / "slo.yml").write_text(SLO, encoding="utf-8")
    with FakeTarget() as target, TlsEdge(target.url, tmp_path) as edge:
        done = subprocess.run(
            [
                *(sys.executable, "-m", *front, str(tmp_path / "out")),
                *("--target", edge.url, "--ca-file", str(edge.ca_file)),
                *("--profile", "test", "--slo", str(tmp_path / "slo.yml")),
            ],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=280,
            check=False,
        )
    assert done.returncode == 0, done.stdout + done.stderr
    assert load_result(tmp_path / "out").verdict is Verdict.PASS
