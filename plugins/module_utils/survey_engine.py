"""What a host has of container engines: packages, units, sockets, swarm membership, containers, settings; reads only.

Standard library only, because it runs on the managed host.
"""

from __future__ import annotations

import contextlib
import json
import re
import time
from typing import TYPE_CHECKING, Any

from ansible_collections.alchemorsel.ai.plugins.module_utils import docker_engine, docker_flags
from ansible_collections.alchemorsel.ai.plugins.module_utils.docker_daemon import BadConfigError, read_object
from ansible_collections.alchemorsel.ai.plugins.module_utils.host_facts import packages, unsettled
from ansible_collections.alchemorsel.ai.plugins.module_utils.package_simulation import simulate

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Set
    from pathlib import Path

    Run = Callable[[list[str]], tuple[int, str, str]]

UNIT = "docker.service"
UNITS = (UNIT, "docker.socket", "containerd.service", "snap.docker.dockerd.service", "kubelet.service")
ENGINES = ("docker.io", "docker-ce")
CONTAINERD = ("containerd", "containerd.io", "runc")
PACKAGES = (
    *ENGINES,
    *CONTAINERD,
    *("docker-ce-cli", "docker-cli", "docker-engine", "kubelet", "moby-engine", "podman", "podman-docker"),
)
PROPERTIES = (
    "Id,LoadState,ActiveState,UnitFileState,FragmentPath,DropInPaths,MainPID,InvocationID,KillMode,"
    "ExecMainStartTimestampMonotonic,ExecStart,Environment,EnvironmentFiles"
)
CONFIG = "etc/docker/daemon.json"
DATA_ROOT = "/var/lib/docker"
STATE = "var/lib/alchemorsel"
BROUGHT = f"{STATE}/docker-engine.json"
"""Remembers what of the engine the role docker brought."""
SOCKET = "run/docker.sock"
CLIENTS = ("docker.io", "docker-ce-cli", "docker-cli", "podman-docker")
PROGRAMS = tuple(f"usr/{folder}/dockerd" for folder in ("bin", "sbin", "local/bin", "local/sbin"))
CONFLICT = re.compile(r"^(?:Conflicts|Breaks):.*\b(?:docker\.io|docker-cli|containerd|runc)\b", re.MULTILINE)


def survey(run: Run, root: Path) -> dict[str, Any]:
    """Return what the host has of container engines.

    Args:
        run: Runs a command within a deadline; returns exit status, output and errors.
        root: Root of the file system; tests pass one of their own.

    Returns:
        ``packages`` and ``held``; ``unsettled``, engines that are being installed; ``units``; ``engine``, as
        docker_engine's `describe` returns it; ``flags``, settings that the unit's command line makes; ``program`` and
        ``arguments``, that command line; ``config_file``, which it names; ``config_error``, why daemon.json cannot be
        read; ``settings``, names of what it holds; ``live_restore`` and ``hosts``, their values; ``objections``, what
        the engine has against a file that it has not read; ``brought``, what the role docker brought; ``is_managed``,
        whether it has set anything; ``set_by_us``, settings in daemon.json that are ours; ``daemons``, engines outside
        of the unit; ``socket_target``, where a link in the socket's place leads; ``data_root``; ``programs`` that
        belong to no package; ``removals``, packages that the distribution's engine would displace.
    """
    installed, held = packages(run, PACKAGES)
    # The play that had them installed may be gone, and apt-get with it or not.
    begun = unsettled(run, ENGINES)
    units = read_units(run)
    unit = units[UNIT]
    is_active = unit["active"] == "active"
    engine = docker_engine.describe(str(root / SOCKET)) if is_active else dict(docker_engine.SILENT)
    command = engine_command(unit, root)
    arguments = command[1:]
    flags = docker_flags.settings(arguments)
    config, config_error = _config(root / CONFIG)
    data_root = engine["data_root"] or _last(flags.get("data-root")) or config.get("data-root") or DATA_ROOT
    if not is_active and (root / str(data_root).lstrip("/") / "swarm" / "docker-state.json").exists():
        engine["swarm"] = "unknown"
    link = root / SOCKET
    return {
        "packages": installed,
        "held": held,
        "unsettled": begun,
        "units": units,
        "engine": engine,
        "program": command[0] if command else "",
        "arguments": arguments,
        "flags": flags,
        "config_file": docker_flags.config_file(arguments),
        "config_error": config_error,
        "settings": sorted(config),
        "live_restore": config.get("live-restore"),
        "hosts": config.get("hosts") or [],
        "objections": "" if config_error else _objections(run, root, unit, command),
        "brought": brought(root),
        "is_managed": any((root / STATE).glob("docker-daemon*.json")),
        "set_by_us": _set_by_us(root),
        "daemons": daemons(root, unit["pid"]),
        "socket_target": str(link.readlink()) if link.is_symlink() else "",
        "data_root": data_root,
        "programs": _programs(root, {*installed, *begun}),
        "removals": [] if set(ENGINES) & set(installed) else _removals(run, root),
    }


def read_units(run: Run) -> dict[str, dict[str, Any]]:
    """Return how the units are, by name; one that there is not is not loaded.

    Returns:
        ``load``, ``active`` and ``enabled``, systemd's states; ``since``, seconds since 1970; ``invocation``, systemd's
        id of the start; ``pid``; ``file``; ``files``, the file with all that are read beside it; ``keeps``, whether a
        stop leaves the processes of containers alone; ``exec_start`` and ``environment``, as systemd prints them.
    """
    shown = run(["systemctl", "show", f"--property={PROPERTIES}", *UNITS])[1]
    found = {name: _unit({}) for name in UNITS}
    for block in shown.split("\n\n"):
        properties: dict[str, str] = {}
        for line in block.splitlines():
            key, separator, value = line.partition("=")
            if separator:  # a property may come on several lines, as EnvironmentFiles does
                properties[key] = f"{properties[key]}\n{value}" if key in properties else value
        if properties.get("Id") in found:
            found[properties["Id"]] = _unit(properties)
    return found


def _unit(properties: Mapping[str, str]) -> dict[str, Any]:
    since = int(properties.get("ExecMainStartTimestampMonotonic") or 0) / 1e6
    file = properties.get("FragmentPath", "")
    environment_files = re.findall(r"(\S+) \(ignore_errors=\w+\)", properties.get("EnvironmentFiles", ""))
    return {
        "load": properties.get("LoadState", "not-found"),
        "active": properties.get("ActiveState", "inactive"),
        "enabled": properties.get("UnitFileState", ""),
        "since": time.time() - time.monotonic() + since if since else 0.0,
        "invocation": properties.get("InvocationID", ""),
        "pid": int(properties.get("MainPID") or 0),
        "file": file,
        "files": [path for path in (file, *properties.get("DropInPaths", "").split(), *environment_files) if path],
        "environment_files": environment_files,
        # An engine that has a containerd of its own takes it, and its shims, down with its control group.
        "keeps": properties.get("KillMode") == "process" or "--containerd" in properties.get("ExecStart", ""),
        "exec_start": properties.get("ExecStart", ""),
        "environment": properties.get("Environment", ""),
    }


def engine_command(unit: Mapping[str, Any], root: Path) -> list[str]:
    """Return program and arguments with which the unit starts the engine."""
    variables = docker_flags.environment("\n".join(unit["environment"].split()))
    for path in unit["environment_files"]:
        with contextlib.suppress(OSError):
            variables.update(docker_flags.environment((root / path.lstrip("/")).read_text(errors="replace")))
    return docker_flags.command_line(unit["exec_start"], variables)


def brought(root: Path) -> dict[str, list[str]]:
    """Return what the role docker brought: packages, holds of packages, folders that it was the first to fill."""
    try:
        record = json.loads((root / BROUGHT).read_text())
        return {name: [str(item) for item in record.get(name, [])] for name in ("packages", "held", "data")}
    except (OSError, ValueError, AttributeError, TypeError):
        return {"packages": [], "held": [], "data": []}


def daemons(root: Path, pid: int) -> list[dict[str, Any]]:
    """Return the engines of root that run on the host itself, not in a container, and outside of the unit."""
    own = _link(root / "proc" / "self" / "ns" / "pid")
    found = []
    for comm in (root / "proc").glob("[0-9]*/comm"):
        folder = comm.parent
        try:
            is_engine = comm.read_text().strip() == "dockerd" and int(folder.name) != pid
            if is_engine and _link(folder / "ns" / "pid") == own and folder.stat().st_uid == 0:
                found.append({"pid": int(folder.name), "program": _link(folder / "exe")})
        except OSError:  # it ended meanwhile
            continue
    return found


def _link(path: Path) -> str:
    try:
        return str(path.readlink())
    except OSError:
        return ""


def _config(path: Path) -> tuple[dict[str, Any], str]:
    try:
        return read_object(path), ""
    except (BadConfigError, OSError) as error:
        return {}, str(error)


def _last(values: list[str] | None) -> str:
    return values[-1] if values else ""


def _set_by_us(root: Path) -> list[str]:
    names: set[str] = set()
    for path in (root / STATE).glob("docker-daemon*.json"):
        names.update(_config(path)[0])
    return sorted(names)


def _objections(run: Run, root: Path, unit: Mapping[str, Any], command: list[str]) -> str:
    """Return what the engine has against its file, where file or unit are newer than its start."""
    config = root / CONFIG
    if not config.exists() or unit["load"] != "loaded":
        return ""
    read = [config, *(root / name.lstrip("/") for name in unit["files"])]
    newest = max(path.stat().st_mtime for path in read if path.exists())
    if unit["active"] == "active" and newest < unit["since"]:
        return ""
    version = program_version(run, *command[:1])
    return "" if version == "0" else docker_engine.objections(run, version, command, config)


def program_version(run: Run, program: str = "dockerd") -> str:
    """Return the version of the engine's program; 0 where there is none."""
    version = re.search(r"\d+[.\d]*", run([program, "--version"])[1])
    return version.group() if version else "0"


def _programs(root: Path, installed: Set[str]) -> list[str]:
    """Return programs of Docker that no package of a channel brought, where packages would come into their way."""
    names = [] if installed & set(ENGINES) else list(PROGRAMS)
    names += [] if installed & set(CLIENTS) else ["usr/bin/docker"]
    return [f"/{name}" for name in names if (root / name).is_file()]


def _removals(run: Run, root: Path) -> list[str]:
    """Return the packages that the distribution's engine would displace, where any might be."""
    status = root / "var/lib/dpkg/status"
    if not status.exists() or not CONFLICT.search(status.read_text(encoding="utf-8", errors="replace")):
        return []
    return list(simulate(run, ["docker.io"]).removed)
