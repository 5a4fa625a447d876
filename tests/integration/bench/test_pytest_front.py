"""``pytest bench --target URL``: the benchmark as tests, on a fake target whose truth is known."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest

from tests.integration.bench.fake_target import Behaviour, FakeTarget
from tests.integration.bench.test_run import DEAD_PROXY, PROXY_TOLD, SLO

if TYPE_CHECKING:
    from collections.abc import Mapping

pytestmark = pytest.mark.timeout(300)  # three runs side by side, on whatever machine

ROOT = Path(__file__).resolve().parents[3]
BEHAVIOURS: Mapping[str, Behaviour] = {
    "honest": Behaviour(),
    "liar": Behaviour(claims_hits=True),
    "refusing": Behaviour(fails_every=5),
    "not ready": Behaviour(ready=False),
}


@dataclass(frozen=True, slots=True)
class Front:
    """What a CI sees of a session: status, output, and the tests of its JUnit file by outcome."""

    status: int
    output: str
    tests: dict[str, ET.Element]

    def outcomes(self) -> Counter[str]:
        """Count tests by outcome."""
        return Counter(self.outcome(name) for name in self.tests)

    def outcome(self, name: str) -> str:
        """Return how a test ended."""
        children = [child.tag for child in self.tests[name] if child.tag in {"failure", "error", "skipped"}]
        return children[0] if children else "passed"


UNDECIDED = "latency{task:nutrition,cache:hit}: p(99.9)<20000"
"""More than the 112 samples of the refusing target's phase can decide."""


COLD = "model_load: max<60000"
"""A bound of a workload that only runs where --ollama is given."""


def pytest_bench(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Start the program as a CI does."""
    command = [sys.executable, "-m", "pytest", "bench", *map(str, arguments)]
    environment = {**os.environ, **DEAD_PROXY}
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=280, check=False)


def against(behaviour: Behaviour, folder: Path) -> Front:
    """Run against a target that behaves so."""
    bounds = SLO.replace("    show:", f"      {COLD}\n    show:")
    if behaviour.fails_every:
        bounds = bounds.replace("    show:", f"      {UNDECIDED}\n    show:")
    (folder / "slo.yml").write_text(bounds, encoding="utf-8")
    junit = folder / "junit.xml"
    with FakeTarget(behaviour) as target:
        done = pytest_bench(
            *("--target", target.url, "--profile", "test", "--slo", folder / "slo.yml"),
            *("--bench-out", folder / "out", "--junitxml", junit),
        )
    suite = ET.parse(junit).getroot()  # noqa: S314 - pytest has just written it
    return Front(done.returncode, done.stdout, {case.get("name", ""): case for case in suite.iter("testcase")})


@pytest.fixture(scope="module")
def fronts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Front]:
    """Run against every behaviour, side by side: nothing here depends on how fast the machine is."""
    folders = [tmp_path_factory.mktemp(name) for name in BEHAVIOURS]
    with ThreadPoolExecutor() as pool:
        return dict(zip(BEHAVIOURS, pool.map(against, BEHAVIOURS.values(), folders), strict=True))


def test_an_honest_target_passes_every_test(fronts: dict[str, Front]) -> None:
    """One test a bound and a rule of each phase; what is only shown is skipped with its figure."""
    front = fronts["honest"]
    assert front.status == 0, front.output
    assert PROXY_TOLD in front.output
    assert front.outcome("test_bound[latency{task:recipe,cache:hit}: p(50)<20000]") == "passed"
    shown = front.tests["test_bound[latency{task:recipe,cache:miss}: p(95)<20000]"].find("skipped")
    assert shown is not None
    assert "shown, not gated: measured" in shown.get("message", "")
    assert front.outcome(f"test_bound[{COLD}]") == "skipped"
    assert front.outcomes() == {"passed": len(front.tests) - 2, "skipped": 2}
    assert sum("test_evidence[cached recipe:" in name for name in front.tests) >= 6


def test_broken_evidence_is_an_error_and_no_bound_of_that_run_passes(fronts: dict[str, Front]) -> None:
    """A target that lies about hits: its rule is named, its bounds are errors too, none of it is a failure."""
    front = fronts["liar"]
    assert front.status == 1
    assert front.outcome("test_evidence[cached recipe: provider calls agree with the misses]") == "error"
    assert front.outcome("test_evidence[cached recipe: every arrival was sent and recorded]") == "passed"
    assert {front.outcome(name) for name in front.tests if "test_bound" in name} == {"error"}
    assert front.outcomes()["failure"] == 0


def test_a_broken_bound_is_a_failure_with_its_figure(fronts: dict[str, Front]) -> None:
    """Every fifth hit refused: that bound fails, the evidence holds; and a bound that nothing decides is not kept."""
    front = fronts["refusing"]
    assert front.status == 1
    assert front.outcome("test_bound[failures{phase:cached}: rate<0.15]") == "failure"
    assert "FAIL: measured 20%, from 420 samples; 84 of 420 failed: 84 x HTTP 503" in front.output
    assert front.outcome(f"test_bound[{UNDECIDED}]") == "failure"
    assert "more samples would decide" in front.output
    assert front.outcomes()["failure"] == 2
    assert front.outcomes()["error"] == 0


def test_a_target_that_is_not_ready_makes_every_test_an_error(fronts: dict[str, Front]) -> None:
    """Nothing passes that was not measured; the service's own word is passed on."""
    front = fronts["not ready"]
    assert front.status == 1
    assert set(front.outcomes()) == {"error"}
    assert "/health/ready answers 503 no provider" in front.output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "say --target URL"),
        (["--target", "localhost:3010"], "is no http:// or https:// URL"),
        (["--target", "http://h", "--profile", "moon"], "no profile 'moon' in slo.yml"),
    ],
)
def test_a_command_line_that_no_run_can_be_made_of_is_refused(arguments: list[str], message: str) -> None:
    """Pytest's status for wrong usage, before anything is collected."""
    done = pytest_bench(*arguments)
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert message in done.stderr
