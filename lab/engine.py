"""A Docker Engine for the lab: the one that this machine runs, else one of the lab's own.

The lab's own engine has its own socket and data folder, so that taking it down touches nothing else on the machine.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

import docker
from docker.errors import DockerException

from lab import orphans
from lab.command import run
from lab.errors import CommandFailedError, LabError
from lab.network import default_route_mtu
from lab.packages import ensure_program

if TYPE_CHECKING:
    from docker import DockerClient

RUNTIME = Path("/run/alchemorsel-lab")
DATA = Path("/var/lib/alchemorsel-lab/docker")
SOCKET = f"unix://{RUNTIME}/docker.sock"

CONTAINERD_SOCKET = RUNTIME / "exec" / "containerd" / "containerd.sock"

_PID_FILE = RUNTIME / "dockerd.pid"
_LOG = RUNTIME / "dockerd.log"
_START_DEADLINE_S = 60.0
_STOP_DEADLINE_S = 60.0
_API_TIMEOUT_S = 300


def connect() -> DockerClient | None:
    """Return a client of the first engine to answer (the lab's own, then the machine's), or None."""
    for address in (SOCKET, os.environ.get("DOCKER_HOST"), "unix:///var/run/docker.sock"):
        if address is None:
            continue
        try:
            client = docker.DockerClient(base_url=address, timeout=_API_TIMEOUT_S)
            client.ping()
        except DockerException:
            continue
        return client
    return None


def ensure() -> DockerClient:
    """Return a client of a running engine; install and start one where none answers.

    Raises:
        MachineUnfitError: no engine answers, and none can be installed here.
        CommandFailedError: installing or starting it failed.
    """
    client = connect()
    if client is not None:
        return client
    packages = ("docker.io", "iptables", "ca-certificates")
    ensure_program("dockerd", *packages, units=("docker.service", "docker.socket"))
    _start()
    client = connect()
    if client is None:
        raise CommandFailedError(f"the Docker Engine did not answer at {SOCKET}:\n{_log_tail()}")
    return client


def is_own(client: DockerClient) -> bool:
    """Whether the lab started this engine."""
    return str(client.info()["DockerRootDir"]) == str(DATA)


def stop() -> None:
    """Stop the lab's own engine, end what an engine that was killed left running, unmount what is left mounted."""
    pid = _running_pid(_PID_FILE, "dockerd")
    if pid is not None:
        os.kill(pid, signal.SIGTERM)
        deadline = time.monotonic() + _STOP_DEADLINE_S
        while _running_pid(_PID_FILE, "dockerd") == pid:
            if time.monotonic() > deadline:
                raise LabError(f"the lab's Docker Engine (process {pid}) did not end within {_STOP_DEADLINE_S:.0f} s")
            time.sleep(0.1)
    orphans.end(CONTAINERD_SOCKET)
    for mount in leftover_mounts():
        run(["umount", "--lazy", mount], timeout_s=30)
    shutil.rmtree(RUNTIME, ignore_errors=True)


def leftover_mounts() -> list[str]:
    """Mount points below the lab's own folders, innermost first."""
    points = [line.split()[1] for line in Path("/proc/mounts").read_text().splitlines()]
    ours = (f"{RUNTIME}/", f"{DATA}/")
    return sorted((point for point in points if point.startswith(ours) or point == str(DATA)), reverse=True)


def _start() -> None:
    RUNTIME.mkdir(parents=True, exist_ok=True)
    DATA.mkdir(parents=True, exist_ok=True)
    # After a hard stop: stale pid files keep an engine from starting, and hosts run on that no engine knows of.
    _forget_dead(_PID_FILE, "dockerd")
    _forget_dead(CONTAINERD_SOCKET.with_name("containerd.pid"), "containerd")
    orphans.end(CONTAINERD_SOCKET)
    argv = ["dockerd", "--data-root", str(DATA), "--exec-root", str(RUNTIME / "exec"), "--host", SOCKET]
    argv += ["--pidfile", str(_PID_FILE), "--mtu", str(default_route_mtu())]
    with _LOG.open("wb") as log:
        process = subprocess.Popen(argv, stdout=log, stderr=subprocess.STDOUT, start_new_session=True)
    deadline = time.monotonic() + _START_DEADLINE_S
    while time.monotonic() < deadline and process.poll() is None:
        if connect() is not None:
            return
        time.sleep(0.2)
    raise CommandFailedError(f"the Docker Engine did not start:\n{_log_tail()}")


def _forget_dead(pid_file: Path, program: str) -> None:
    if pid_file.exists() and _running_pid(pid_file, program) is None:
        pid_file.unlink()


def _running_pid(pid_file: Path, program: str) -> int | None:
    """Return the pid in a pid file if that program runs under it: pids are reused, and zombies linger."""
    try:
        pid = int(pid_file.read_text())
        name, _, rest = Path(f"/proc/{pid}/stat").read_text().partition("(")[2].rpartition(")")
    except (OSError, ValueError):
        return None
    return pid if name == program and rest.split()[0] != "Z" else None


def _log_tail() -> str:
    return "\n".join(_LOG.read_text(errors="replace").splitlines()[-10:]) if _LOG.exists() else "(no log)"
