"""A host with a Docker Engine as far as files, programs and the engine's socket tell."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

EXEC_START = (
    "{ path=/usr/sbin/dockerd ; argv[]=/usr/sbin/dockerd -H fd:// --containerd=/run/containerd/containerd.sock "
    "$DOCKER_OPTS ; ignore_errors=no ; start_time=[n/a] ; stop_time=[n/a] ; pid=0 ; code=(null) ; status=0/0 }"
)
RUNNING = {
    "Id": "docker.service",
    "LoadState": "loaded",
    "ActiveState": "active",
    "UnitFileState": "enabled",
    "FragmentPath": "/lib/systemd/system/docker.service",
    "EnvironmentFiles": "/etc/default/docker (ignore_errors=yes)",
    "MainPID": "4711",
    "InvocationID": "a1",
    "KillMode": "process",
    "ExecStart": EXEC_START,
}


class EngineHost:
    """Answers the commands of a survey, for files below a root of its own.

    Attributes:
        root: Root of its file system.
        packages: Versions by name of the packages that are installed.
        states: Those of packages that are not installed whole, as dpkg names them.
        units: Properties by unit.
        info: What the engine says of itself.
        containers: Names of the containers that run.
        refuses: What dockerd has against its configuration.
        asked: Commands so far.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.packages: dict[str, str] = {}
        self.held: set[str] = set()
        self.states: dict[str, str] = {}
        self.units: dict[str, dict[str, str]] = {}
        self.refuses = ""
        self.version = "26.1.5"
        self.asked: list[str] = []

    def start(self, *, since: float, **properties: str) -> None:
        """Have the engine run since a time."""
        boot = time.time() - time.monotonic()
        moment = str(int((since - boot) * 1e6))
        self.packages.setdefault("docker.io", self.version)
        self.units["docker.service"] = {**RUNNING, "ExecMainStartTimestampMonotonic": moment, **properties}

    def write(self, path: str, value: object) -> Path:
        """Write a file as JSON, or as it is where it is text."""
        place = self.root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(value if isinstance(value, str) else json.dumps(value))
        return place

    def run(self, command: list[str]) -> tuple[int, str, str]:
        """Run a command."""
        line = " ".join(command)
        self.asked.append(line)
        if command[0] == "dpkg-query":
            lines = [
                f"{name} {version} {'hold' if name in self.held else 'install'} ok installed\n"
                for name, version in self.packages.items()
                if name in command
            ]
            lines += [f"{name}  install ok {state}\n" for name, state in self.states.items() if name in command]
            return 1, "".join(lines), "no packages found matching docker-cli"
        if command[:2] == ["systemctl", "show"]:
            blocks = [
                "\n".join(f"{key}={value}" for key, value in self.units.get(name, {"Id": name}).items())
                for name in command[3:]
            ]
            return 0, "\n\n".join(blocks) + "\n", ""
        if command[-1] == "--version":
            return (0, f"Docker version {self.version}+dfsg1, build 1", "") if self.packages else (127, "", "")
        if "--validate" in command:
            return (1, "", self.refuses) if self.refuses else (0, "configuration OK", "")
        return 0, "", ""

    @staticmethod
    def info(**said: Any) -> dict[str, tuple[int, object]]:
        """Return answers of an engine's socket, with these containers and other facts."""
        containers = [{"Names": [f"/{name}"], "Id": name} for name in said.pop("containers", [])]
        state = {"LocalNodeState": said.pop("swarm", "inactive")}
        info = {"ServerVersion": "26.1.5", "DockerRootDir": "/var/lib/docker", "Swarm": state, **said}
        return {"/info": (200, info), "/containers/json": (200, containers)}
