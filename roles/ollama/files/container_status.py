#!/usr/bin/python3
"""Report the state of containers: as JSON for the AI service, as text for the node exporter.

Run as root by alchemorsel-container-status.timer: whoever may ask Docker may do everything, and those who read what is
written here need no right to. Python's standard library only, from 3.10 on: an Ollama host has no environment of ours,
and this starts twice a minute.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import json
import os
import socket
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any
from urllib.parse import quote

ENGINE_S = 5.0
OLLAMA_S = 3.0
GPU_S = 8.0
"""For the answer of the GPUs; without a persistence daemon, NVIDIA's driver wakes each of them for it."""
MAX_ANSWER_BYTES = 4 * 2**20
PORT = "11434/tcp"
KFD = "/dev/kfd"

METRICS = {
    "alchemorsel_container_running": ("gauge", "Whether the container runs."),
    "alchemorsel_container_healthy": ("gauge", "Whether its health check says so; absent without one."),
    "alchemorsel_container_restarts_total": ("counter", "How often Docker has started it again."),
    "alchemorsel_container_memory_bytes": ("gauge", "Memory in use, without file pages that can be dropped."),
    "alchemorsel_container_memory_limit_bytes": ("gauge", "Most memory that it may use."),
    "alchemorsel_container_cpu_seconds_total": ("counter", "CPU time that it has used."),
    "alchemorsel_container_cpu_limit_cores": ("gauge", "CPUs that it may use."),
    "alchemorsel_container_gpu": ("gauge", "Whether it was given GPUs."),
    "alchemorsel_container_gpu_answers": ("gauge", "Whether they answer inside of it; absent where it was given none."),
    "alchemorsel_ollama_model_present": ("gauge", "Whether Ollama has a model that the inventory requires."),
    "alchemorsel_ollama_model_loaded_bytes": ("gauge", "Size of a model in memory."),
    "alchemorsel_ollama_model_gpu_bytes": ("gauge", "Part of it that lies in GPU memory."),
    "alchemorsel_container_status_timestamp_seconds": ("gauge", "When this was found out."),
}


class EngineConnection(http.client.HTTPConnection):
    """HTTP over the engine's socket."""

    def __init__(self, path: str, timeout: float) -> None:
        super().__init__("docker", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        """Connect to the socket; raise OSError where nothing listens."""
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


class Engine:
    """The Docker Engine.

    Args:
        path: Its socket.
    """

    def __init__(self, path: str) -> None:
        self._path = path

    def inspect(self, name: str) -> dict[str, Any] | None:
        """Return the engine's record of a container, or None without one; raise OSError or ValueError on failure."""
        return self._ask(f"/containers/{quote(name, safe='')}/json")

    def stats(self, name: str) -> dict[str, Any]:
        """Memory and CPU of a container, without waiting for a second sample."""
        return self._ask(f"/containers/{quote(name, safe='')}/stats?stream=false&one-shot=true") or {}

    def run(self, name: str, command: list[str]) -> int:
        """Exit status of a command inside of a container; raises OSError or ValueError where that cannot be said."""
        created = self._ask(f"/containers/{quote(name, safe='')}/exec", {"Cmd": command, "AttachStdout": True})
        if created is None:
            raise ValueError(f"there is no container {name} to ask in")
        self._exchange(f"/exec/{created['Id']}/start", {"Detach": False})
        ended = (self._ask(f"/exec/{created['Id']}/json") or {}).get("ExitCode")
        if ended is None:
            raise ValueError(f"{command[0]} in {name} did not end")
        return int(ended)

    def _ask(self, resource: str, question: dict[str, Any] | None = None) -> dict[str, Any] | None:
        status, body = self._exchange(resource, question)
        if status == http.client.NOT_FOUND:
            return None
        if status not in (http.client.OK, http.client.CREATED):
            raise ValueError(f"the engine answered {status} for {resource}")
        described: dict[str, Any] = json.loads(body)
        return described

    def _exchange(self, resource: str, question: dict[str, Any] | None) -> tuple[int, bytes]:
        """Status and body of an answer: to a POST where there is a question, which may be a command that takes time."""
        connection = EngineConnection(self._path, ENGINE_S if question is None else GPU_S)
        method, headers = ("GET", {}) if question is None else ("POST", {"Content-Type": "application/json"})
        try:
            connection.request(method, resource, None if question is None else json.dumps(question), headers)
            response = connection.getresponse()
            return response.status, response.read(MAX_ANSWER_BYTES)
        except http.client.HTTPException as error:
            raise OSError(f"the engine broke off: {error!r}") from error
        finally:
            connection.close()


def look(engine: Engine, name: str) -> dict[str, Any]:
    """How a container is.

    Returns:
        `name`, `state` (Docker's word; `missing` where there is no such container, `unknown` where the engine does not
        answer); of one that runs also `health`, `restarts`, `memory_bytes`, `memory_limit_bytes`, `cpu_seconds`,
        `cpu_limit_cores`, `gpu`, `gpu_answers` where it was given any, and `models` where Ollama answers in it.
    """
    try:
        described = engine.inspect(name)
        if described is None:
            return {"name": name, "state": "missing"}
        state = described["State"]
        found = {
            "name": name,
            "state": state["Status"],
            "health": state.get("Health", {}).get("Status", "none"),
            "restarts": described.get("RestartCount", 0),
            "gpu": has_gpu(described["HostConfig"]),
        }
        if found["state"] == "running":
            found.update(usage(engine.stats(name), described["HostConfig"]))
            found["models"] = models(described["NetworkSettings"].get("Ports") or {})
            if found["gpu"]:
                found["gpu_answers"] = gpu_answers(engine, name, described["HostConfig"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        sys.stderr.write(f"{name}: {error!r}\n")
        return {"name": name, "state": "unknown"}
    return found


def has_gpu(host_config: dict[str, Any]) -> bool:
    """Whether a container was given GPUs, in one of the ways that the role gives them."""
    return bool(host_config.get("DeviceRequests")) or host_config.get("Runtime") == "nvidia" or _is_amds(host_config)


def _is_amds(host_config: dict[str, Any]) -> bool:
    return any(device.get("PathOnHost") == KFD for device in host_config.get("Devices") or [])


def gpu_answers(engine: Engine, name: str, host_config: dict[str, Any]) -> bool:
    """Whether the GPUs of a container answer inside of it, where systemd or an upgrade may have taken them away."""
    command = ["sh", "-c", f": <> {KFD}"] if _is_amds(host_config) else ["nvidia-smi", "-L"]
    try:
        return engine.run(name, command) == 0
    except (OSError, ValueError, KeyError, TypeError) as error:
        sys.stderr.write(f"{name}: {' '.join(command)}: {error!r}\n")
        return False


def usage(stats: dict[str, Any], limits: dict[str, Any]) -> dict[str, Any]:
    """Memory and CPU, counted as `docker stats` counts them."""
    memory = stats.get("memory_stats") or {}
    pages = memory.get("stats") or {}
    used = memory.get("usage")
    inactive = pages.get("total_inactive_file", pages.get("inactive_file", 0))
    cpu = (stats.get("cpu_stats") or {}).get("cpu_usage", {}).get("total_usage")
    return {
        "memory_bytes": None if used is None else max(0, used - inactive),
        "memory_limit_bytes": limits.get("Memory") or memory.get("limit"),
        "cpu_seconds": None if cpu is None else cpu / 1e9,
        "cpu_limit_cores": limits["NanoCpus"] / 1e9 if limits.get("NanoCpus") else None,
    }


def models(ports: dict[str, Any]) -> dict[str, Any] | None:
    """Return the models on disk and in memory of the container's Ollama; None where it does not answer in time."""
    published = (ports.get(PORT) or [None])[0]
    if published is None:
        return None
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(published["HostIp"], published["HostIp"])  # noqa: S104 - compared
    base = f"http://[{host}]" if ":" in host else f"http://{host}"
    try:
        listed, loaded = (_get(f"{base}:{published['HostPort']}{path}") for path in ("/api/tags", "/api/ps"))
        return {
            "present": [model["name"] for model in listed["models"]],
            "loaded": [
                {"name": model["name"], "bytes": model.get("size") or 0, "gpu_bytes": model.get("size_vram") or 0}
                for model in loaded["models"]
            ],
        }
    except (OSError, http.client.HTTPException, ValueError, KeyError, TypeError) as error:
        sys.stderr.write(f"Ollama at {base}:{published['HostPort']}: {error!r}\n")
        return None


def _get(url: str) -> Any:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(url, timeout=OLLAMA_S) as response:
        return json.loads(response.read(MAX_ANSWER_BYTES))


def report_before(path: Path) -> dict[str, Any]:
    """Return the previous report; {} where it is missing or unreadable."""
    with contextlib.suppress(OSError, ValueError):
        before = json.loads(path.read_text(encoding="utf-8"))
        return before if isinstance(before, dict) else {}
    return {}


def with_cores(report: dict[str, Any], before: dict[str, Any]) -> dict[str, Any]:
    """Add to each container its CPU usage in cores since the previous report; None where it cannot be computed."""
    seconds = report["time"] - before.get("time", report["time"])
    earlier = {container["name"]: container.get("cpu_seconds") for container in before.get("containers", [])}
    for container in report["containers"]:
        now, then = container.get("cpu_seconds"), earlier.get(container["name"])
        known = now is not None and then is not None and seconds > 0 and now >= then
        container["cpu_cores"] = round((now - then) / seconds, 3) if known else None
    return report


def text(report: dict[str, Any], required: list[str]) -> str:
    """Format a report in Prometheus' text format.

    Args:
        report: What was found.
        required: Models that Ollama should have.
    """
    samples: dict[str, list[tuple[dict[str, str], float]]] = {name: [] for name in METRICS}
    for container in report["containers"]:
        for metric, labels, value in _samples(container, required):
            if value is not None:
                samples[metric].append(({"container": container["name"], **labels}, float(value)))
    samples["alchemorsel_container_status_timestamp_seconds"].append(({}, report["time"]))
    lines = []
    for name, (kind, meaning) in METRICS.items():
        if samples[name]:
            lines += [f"# HELP {name} {meaning}", f"# TYPE {name} {kind}"]
            lines += [f"{name}{_braces(labels)} {value!r}" for labels, value in samples[name]]
    return "\n".join(lines) + "\n"


def _samples(container: dict[str, Any], required: list[str]) -> list[tuple[str, dict[str, str], Any]]:
    health = container.get("health", "none")
    found: list[tuple[str, dict[str, str], Any]] = [
        ("alchemorsel_container_running", {}, container["state"] == "running"),
        ("alchemorsel_container_healthy", {}, None if health == "none" else health == "healthy"),
        ("alchemorsel_container_restarts_total", {}, container.get("restarts")),
        ("alchemorsel_container_memory_bytes", {}, container.get("memory_bytes")),
        ("alchemorsel_container_memory_limit_bytes", {}, container.get("memory_limit_bytes")),
        ("alchemorsel_container_cpu_seconds_total", {}, container.get("cpu_seconds")),
        ("alchemorsel_container_cpu_limit_cores", {}, container.get("cpu_limit_cores")),
        ("alchemorsel_container_gpu", {}, container.get("gpu")),
        ("alchemorsel_container_gpu_answers", {}, container.get("gpu_answers")),
    ]
    held = container.get("models")
    if held is not None:
        present = {name.removesuffix(":latest") for name in held["present"]}
        for name in required:
            is_there = name.removesuffix(":latest") in present
            found.append(("alchemorsel_ollama_model_present", {"model": name}, is_there))
        for model in held["loaded"]:
            found.append(("alchemorsel_ollama_model_loaded_bytes", {"model": model["name"]}, model["bytes"]))
            found.append(("alchemorsel_ollama_model_gpu_bytes", {"model": model["name"]}, model["gpu_bytes"]))
    return found


def _braces(labels: dict[str, str]) -> str:
    quoted = (f"{name}={json.dumps(value, ensure_ascii=False)}" for name, value in labels.items())
    return f"{{{','.join(quoted)}}}" if labels else ""


def write(path: Path, content: str) -> None:
    """Replace a file in one step, so that no reader gets half of it."""
    draft = path.with_name(f"{path.name}.new")
    with draft.open("w", encoding="utf-8") as file:
        os.fchmod(file.fileno(), 0o644)
        file.write(content)
    draft.replace(path)


def main(argv: list[str] | None = None) -> int:
    """Collect once and write both files; the text only where the node exporter's package created its folder."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("containers", nargs="+", metavar="CONTAINER", help="name of a container that should run")
    parser.add_argument("--json", type=Path, required=True, help="file for the AI service")
    parser.add_argument("--text", type=Path, required=True, help="file for the node exporter")
    parser.add_argument("--model", action="append", default=[], help="a model that Ollama should have")
    parser.add_argument("--socket", default="/run/docker.sock", help="of the Docker Engine")
    arguments = parser.parse_args(argv)
    engine = Engine(arguments.socket)
    found = [look(engine, name) for name in arguments.containers]
    report = with_cores({"time": time.time(), "containers": found}, report_before(arguments.json))
    write(arguments.json, json.dumps(report))
    if arguments.text.parent.is_dir():
        write(arguments.text, text(report, arguments.model))
    return 0


if __name__ == "__main__":
    sys.exit(main())
