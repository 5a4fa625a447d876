"""Killed plays: moments from seeds, the task a play was in, what a run's recap says, and a kill that leaves nobody."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from lab import kills, plays
from lab.interrupted import PLAYS, fill, newer_source
from lab.paths import ROOT
from tests.waiting import until

RECAP = "PLAY RECAP ****\nkill-1  : ok=9 changed={} unreachable={} failed={} skipped=1 rescued=0 ignored=0\n"
LOG = (
    "PLAY [Provision] ***\n\nTASK [Gather] ***\nok: [kill-1]\n\nTASK [alchemorsel.ai.redis : Redis | run | Start] ***\n"
)


def test_moment_is_drawn_again_from_the_same_seed() -> None:
    """Within the play, and another one for another seed."""
    moments = [kills.moment(seed, 100) for seed in range(50)]
    assert moments == [kills.moment(seed, 100) for seed in range(50)]
    assert len(set(moments)) == 50
    assert 1 <= min(moments) < max(moments) <= 100


def test_last_task_is_named_without_its_role() -> None:
    """The role's name is in the task's."""
    assert kills.last_task(LOG) == "Redis | run | Start"
    assert kills.last_task("") == "before its first task"


@pytest.mark.parametrize(
    ("recap", "status", "is_settled", "fault"),
    [
        ((3, 0, 0), 0, False, []),
        ((0, 0, 0), 0, True, []),
        ((3, 0, 0), 0, True, ["changed=3"]),
        ((3, 0, 1), 2, False, ["failed in: Redis | run | Start"]),
        ((0, 1, 0), 4, True, ["failed in: Redis | run | Start"]),
    ],
)
def test_run_is_judged_by_its_recap(
    recap: tuple[int, int, int], status: int, is_settled: bool, fault: list[str]
) -> None:
    """The first run may change what it likes, the second nothing; neither may fail."""
    assert kills.judge(LOG + RECAP.format(*recap), status, is_settled=is_settled)[1] == fault


def test_run_without_recap_is_a_fault() -> None:
    """It was refused, or ended in the middle."""
    assert kills.judge(LOG, 1, is_settled=False)[1] == ["ended with status 1 before its recap"]


def test_all_that_a_process_has_started_is_found(tmp_path: Path) -> None:
    """Also what went into a session of its own, as Ansible's workers do."""
    marker = tmp_path / "started"
    inner = f"import pathlib, time; pathlib.Path({str(marker)!r}).touch(); time.sleep(60)"
    outer = (
        "import subprocess, sys, time\n"
        f"subprocess.Popen([sys.executable, '-c', {inner!r}], start_new_session=True)\ntime.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", outer], start_new_session=True) as process:
        while not marker.exists():
            assert process.poll() is None
        found = plays.descendants(process.pid)
        assert len(found) == 2
        plays.kill_all(process.pid)
        process.wait(timeout=10)
    until(lambda: not any(Path(f"/proc/{pid}/exe").exists() for pid in found))


def test_every_play_has_what_goes_before_it() -> None:
    """A bare host for site.yml, a site for the others; what they run is there."""
    assert PLAYS["site"].before == ()
    for name, wanted in PLAYS.items():
        runs = [wanted.run, *wanted.before, *filter(None, [wanted.settled])]
        assert all((ROOT / playbook).is_file() for playbook, *_ in runs), name
        assert name == "site" or wanted.before[0][0] == "site.yml"
        assert wanted.length_s > 1


def test_arguments_name_the_newer_source_and_the_first_release() -> None:
    """An argument in JSON keeps the braces of its own."""
    rotation = PLAYS["rotate_models"].run
    assert fill(rotation, newer="/n", first="0.1") == rotation
    assert fill(PLAYS["rollback"].run, newer="/n", first="0.1-abc")[-1] == "ai_service_release=0.1-abc"
    assert fill(PLAYS["upgrade"].run, newer="/n", first="0.1")[-1] == "ai_service_source=/n"


def test_newer_source_is_a_release_of_its_own(tmp_path: Path) -> None:
    """With what its wheel is built by beside it; a copy of an earlier round goes."""
    for _ in range(2):
        source = newer_source(tmp_path, 7)
    assert '__version__ = "9.' in (source / "__init__.py").read_text()
    assert (tmp_path / "pyproject.toml").is_file()
