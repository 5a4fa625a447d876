"""What the Docker Engine itself tells over its socket, and what it has against a configuration file; changes nothing.

Standard library only, because it runs on the managed host.
"""

from __future__ import annotations

import http.client
import json
import os
import re
import shutil
import socket
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ansible_collections.alchemorsel.ai.plugins.module_utils import docker_flags

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Run = Callable[[list[str]], tuple[int, str, str]]

DEADLINE_SECONDS = 20
FIRST_WITH_VALIDATE = 23
NOBODY = 65534
ACCEPTED = "needs to be started with root"
"""What dockerd of another user ends with once it has accepted its flags and its configuration file, and before it
creates anything (cmd/dockerd/daemon.go, `start`)."""
LOG_LINE = re.compile(r"^(?:.*\bmsg=\"|failed to start daemon: |unable to configure the Docker daemon[^:]*: )")


class EngineConnection(http.client.HTTPConnection):
    """HTTP over the engine's socket.

    Args:
        path: The socket.
    """

    def __init__(self, path: str) -> None:
        super().__init__("docker", timeout=DEADLINE_SECONDS)
        self._path = path

    def connect(self) -> None:
        """Connect to the socket.

        Raises:
            OSError: Nobody listens there.
        """
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


def ask(engine_socket: str, resource: str) -> Any:
    """Return what the engine says of a resource; an empty mapping where it has none of that name.

    Raises:
        OSError: No engine answers.
        ValueError: It answers with an error.
    """
    connection = EngineConnection(engine_socket)
    try:
        connection.request("GET", resource)
        response = connection.getresponse()
        body = response.read()
    except http.client.HTTPException as error:
        raise OSError(f"the engine broke off: {error!r}") from error
    finally:
        connection.close()
    if response.status == http.client.NOT_FOUND:
        return {}
    if response.status != http.client.OK:
        raise ValueError(f"the engine answered {response.status} for {resource}: {body.decode(errors='replace')[:200]}")
    return json.loads(body)


def describe(engine_socket: str) -> dict[str, Any]:
    """Return what a running engine tells of itself.

    Never call it for an engine that is stopped: systemd's socket would start it.

    Returns:
        ``answers``; ``version``; ``live_restore``, whether it is in force; ``swarm``, the state of the membership;
        ``data_root``; ``containers``, those that run, each with ``name`` and ``id``.
    """
    try:
        info, listed = ask(engine_socket, "/info"), ask(engine_socket, "/containers/json")
    except (OSError, ValueError):
        return {**SILENT, "containers": []}
    return {
        "answers": True,
        "version": str(info.get("ServerVersion") or ""),
        "live_restore": bool(info.get("LiveRestoreEnabled")),
        "swarm": str((info.get("Swarm") or {}).get("LocalNodeState") or "inactive"),
        "data_root": str(info.get("DockerRootDir") or ""),
        "containers": [
            {"name": (entry.get("Names") or ["?"])[0].lstrip("/"), "id": str(entry.get("Id", ""))} for entry in listed
        ],
    }


SILENT: dict[str, Any] = {
    "answers": False,
    "version": "",
    "live_restore": False,
    "swarm": "inactive",
    "data_root": "",
    "containers": [],
}
"""What is known of an engine that is stopped, or does not answer."""


def objections(run: Run, version: str, command: Sequence[str], path: Path) -> str:
    """Return what the engine has against a configuration file beside its unit's flags; empty where it accepts both.

    Engines from 23 on validate. Older ones are started as another user: they end after they have read their
    configuration, before they create or open anything.

    Args:
        run: Runs a command within a deadline; returns exit status, output and errors.
        version: Of the engine's program.
        command: Program and arguments of the engine's unit.
        path: The configuration file.
    """
    program, *flags = command or ("dockerd",)
    rest = docker_flags.without(flags, "config-file")
    if int(version.partition(".")[0] or 0) >= FIRST_WITH_VALIDATE:
        code, output, errors = run([program, "--validate", *rest, "--config-file", str(path)])
        return "" if code == 0 else _reason(errors or output)
    folder = Path(tempfile.mkdtemp())
    try:
        copy = folder / "daemon.json"
        shutil.copyfile(path, copy)
        copy.chmod(0o400)
        for place in (copy, folder):
            os.chown(place, NOBODY, NOBODY)
        user = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
        _code, output, errors = run([*user, program, *rest, "--config-file", str(copy)])
    finally:
        shutil.rmtree(folder)
    told = f"{output}\n{errors}"
    return "" if ACCEPTED in told else _reason(told.replace(str(copy), str(path)))


def _reason(told: str) -> str:
    """Return the last line that the engine wrote, without what its log puts before it."""
    lines = [line for line in told.splitlines() if line.strip()]
    return LOG_LINE.sub("", lines[-1]).rstrip('"') if lines else "dockerd ended without a word"
