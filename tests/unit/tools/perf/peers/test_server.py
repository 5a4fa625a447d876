"""Processes of a run: they get ready or say why not, cost what their trees use, and are gone afterwards."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import pytest

from bench.capacity.processes import cpu_seconds, resident_bytes, tree
from lab.ports import free_port, listens
from tools.perf.errors import ProcessError
from tools.perf.peers.server import Server

_PARENT = """
import subprocess, sys, time
from pathlib import Path
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
Path(sys.argv[1]).write_text(str(child.pid))
time.sleep(60)
"""


def _server(folder: Path, code: str, *arguments: str, ready_file: Path | None = None, seconds: float = 20) -> Server:
    return Server(
        "tried",
        [sys.executable, "-c", code, *arguments],
        ready=lambda: ready_file is None or (ready_file.exists() and bool(ready_file.read_text())),
        folder=folder,
        cores=os.sched_getaffinity(0),
        start_seconds=seconds,
    )


def _ends(pid: int) -> bool:
    """Whether it ends; a killed process takes the kernel a moment."""
    give_up = time.monotonic() + 10
    while tree(pid) and time.monotonic() < give_up:
        time.sleep(0.01)
    return not tree(pid)


def test_a_server_and_its_children_end_with_it(tmp_path: Path) -> None:
    """Nothing outlives a run, and while it runs its whole tree is counted."""
    told = tmp_path / "child"
    with _server(tmp_path, _PARENT, str(told), ready_file=told) as server:
        child = int(told.read_text())
        assert tree(server.pid) == [server.pid, child]
        assert resident_bytes(server.pid) > 1_000_000
        pid = server.pid
    assert _ends(pid)
    assert _ends(child)


def test_a_server_that_dies_on_start_is_reported_with_what_it_said(tmp_path: Path) -> None:
    """Not with a time-out."""
    broken = _server(tmp_path, "raise SystemExit('no such model')", ready_file=tmp_path / "never")
    with pytest.raises(ProcessError, match="no such model"):
        broken.__enter__()


def test_a_server_that_never_gets_ready_is_ended(tmp_path: Path) -> None:
    """After its deadline, with an error that names it."""
    told = tmp_path / "pid"
    code = "import os, sys, time; open(sys.argv[1], 'w').write(str(os.getpid())); time.sleep(60)"
    hung = _server(tmp_path, code, str(told), ready_file=tmp_path / "never", seconds=2)
    with pytest.raises(ProcessError, match="tried was not ready after 2 s"):
        hung.__enter__()
    assert _ends(int(told.read_text()))


def test_a_server_runs_on_its_cores_only(tmp_path: Path) -> None:
    """As the report says."""
    core = min(os.sched_getaffinity(0))
    with Server("one", ["sleep", "60"], ready=lambda: True, folder=tmp_path, cores={core}) as server:
        told = tmp_path / "waiting"
        while not told.exists():  # taskset has become the program once its name is.
            if Path(f"/proc/{server.pid}/comm").read_text().strip() == "sleep":
                told.touch()
        assert os.sched_getaffinity(server.pid) == {core}


def test_cpu_time_is_that_of_the_work_done(tmp_path: Path) -> None:
    """Half a second of work shows, whatever the wall clock said."""
    told = tmp_path / "done"
    code = "import sys, time\nwhile time.process_time() < 0.5: pass\nopen(sys.argv[1], 'w').write('1'); time.sleep(60)"
    with _server(tmp_path, code, str(told), ready_file=told) as server:
        assert 0.45 < cpu_seconds(server.pid) < 1.5


def test_a_free_port_is_one_that_nobody_listens_on() -> None:
    """And `listens` tells so."""
    assert not listens(free_port())()
