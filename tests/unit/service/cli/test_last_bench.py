"""The last benchmark, as the command finds and keeps it; the files are the benchmark's own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ai_service.cli import last_bench
from ai_service.cli.site import Site
from bench.results import Latency, TaskResult, Verdict, encode_result
from tests.unit.bench.records import result

if TYPE_CHECKING:
    from pathlib import Path

API = "http://127.0.0.1:3010"


def written(path: Path, started_at: str, *, target: str = API, verdict: Verdict = Verdict.PASS) -> Path:
    """Write a result of the benchmark."""
    cached = Latency(samples=100, min_ms=1, p50_ms=2, p95_ms=3.5, p99_ms=4, max_ms=5)
    task = TaskResult(task="recipe", uncached=None, cached=cached, ratio=None, verdict=verdict)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(encode_result(result(started_at=started_at, target=target, verdict=verdict, tasks=[task])))
    return path


def site(kept: Path) -> Site:
    """Create a host with its last benchmark kept at this path."""
    return Site.from_env({"ALCHEMORSEL_API_URL": API, "ALCHEMORSEL_BENCH_RESULT": str(kept)})


def test_a_hosts_own_result_is_shown(tmp_path: Path) -> None:
    """Wherever it was measured from: the target is the host, by the name that the measuring machine had for it."""
    kept = written(tmp_path / "bench.json", "2026-03-01T10:00:00+00:00", target="http://10.20.0.41:3010")
    found = last_bench.last(site(kept), tmp_path / "reports")
    assert found is not None
    assert (found.verdict, found.tasks[0].task, found.tasks[0].uncached) == ("PASS", "recipe", None)
    assert found.tasks[0].cached == last_bench.Latency(3.5)


def test_the_newest_counts(tmp_path: Path) -> None:
    """Of the host's and of the checkout's reports; a report on another API is none of this one."""
    kept = written(tmp_path / "bench.json", "2026-03-01T10:00:00+00:00")
    written(tmp_path / "reports" / "bench-2" / "result.json", "2026-03-02T10:00:00+00:00", verdict=Verdict.FAIL)
    written(tmp_path / "reports" / "bench-3" / "result.json", "2026-03-03T10:00:00+00:00", target="http://other:3010")
    found = last_bench.last(site(kept), tmp_path / "reports")
    assert found is not None
    assert found.verdict == "FAIL"


@pytest.mark.parametrize("text", [None, "", "{}", '{"started_at": "yesterday"}'])
def test_where_nothing_can_be_read_there_is_none(tmp_path: Path, text: str | None) -> None:
    """Status goes on without it."""
    if text is not None:
        (tmp_path / "bench.json").write_text(text)
    assert last_bench.last(site(tmp_path / "bench.json"), tmp_path / "reports") is None


def test_a_result_is_kept_on_a_host(tmp_path: Path) -> None:
    """In one step, by the remote shell; ssh is one that runs there what it would run on the host."""
    ssh = tmp_path / "ssh"
    ssh.write_text('#!/bin/sh\nfor word; do last=$word; done\nexec sh -c "$last"\n')
    ssh.chmod(0o755)
    run = written(tmp_path / "reports" / "bench-1" / "result.json", "2026-03-01T10:00:00+00:00").parent
    path = tmp_path / "var lib" / "bench.json"
    assert last_bench.keep_on("ai-1", "", str(path), run, ssh=str(ssh)) == ""
    assert path.read_bytes() == (run / "result.json").read_bytes()


def test_a_host_that_refuses_is_told(tmp_path: Path) -> None:
    """In its own words."""
    ssh = tmp_path / "ssh"
    ssh.write_text("#!/bin/sh\necho 'Permission denied' >&2\nexit 255\n")
    ssh.chmod(0o755)
    run = written(tmp_path / "reports" / "bench-1" / "result.json", "2026-03-01T10:00:00+00:00").parent
    assert last_bench.keep_on("ai-1", "", "/nowhere/bench.json", run, ssh=str(ssh)) == "Permission denied"
