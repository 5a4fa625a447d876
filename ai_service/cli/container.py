"""The service that is a container: Ollama."""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING, Any

import docker
from docker.errors import APIError, DockerException, NotFound
from requests.exceptions import RequestException

from ai_service.cli.errors import CliError, NotPermittedError, NotReachableError
from ai_service.cli.service import NOT_INSTALLED, LogLine, State, megabytes

if TYPE_CHECKING:
    from collections.abc import Callable

    from docker import DockerClient
    from docker.models.containers import Container

STOP_S = 30
ANSWER_S = STOP_S + 10


def connect() -> DockerClient:
    """Docker on this host, or where DOCKER_HOST says."""
    return docker.from_env(timeout=ANSWER_S)


class OllamaContainer:
    """The container that Ollama runs in.

    Args:
        name: Its name.
        connect: Gives a client of Docker; raises DockerException.
    """

    def __init__(self, name: str, *, connect: Callable[[], DockerClient] = connect) -> None:
        self._name = name
        self._connect = connect

    def state(self) -> State:
        """See Service."""
        try:
            container = self._container()
            if container.status != "running":
                return State("stopped" if container.status == "exited" else container.status, running=False)
            health = container.attrs["State"].get("Health", {}).get("Status", "")
            stats: Any = container.stats(stream=False, one_shot=True)
            return State("running", True, ", ".join(filter(None, [_memory(stats["memory_stats"]), health])))
        except NotPermittedError:
            return State("permission denied", running=False, detail="needs root or the group docker")
        except (CliError, APIError, RequestException):
            return State(NOT_INSTALLED, running=False)

    def act(self, verb: str) -> None:
        """See Service."""
        container = self._container()
        try:
            if verb == "start":
                container.start()
            elif verb == "stop":
                container.stop(timeout=STOP_S)
            else:
                container.restart(timeout=STOP_S)
        except (APIError, RequestException) as error:
            raise CliError(f"Docker could not {verb} {self._name}: {error}") from error

    def log_command(self, *, lines: int | None, since: datetime | None, follow: bool) -> list[str]:
        """See Service."""
        command = ["docker", "logs", "--timestamps", *([] if lines is None else [f"--tail={lines}"])]
        command += [] if since is None else [f"--since={since.isoformat()}"]
        return [*command, *(["--follow"] if follow else []), self._name]

    def read_log_line(self, line: str) -> LogLine:
        """See Service."""
        stamp, _, text = line.partition(" ")
        try:
            # Docker writes nanoseconds.
            time = datetime.fromisoformat(re.sub(r"(\.\d{6})\d+", r"\1", stamp))
        except ValueError:
            return LogLine(None, self._name, line)
        return LogLine(time, self._name, text)

    def _container(self) -> Container:
        try:
            return self._connect().containers.get(self._name)
        except NotFound as error:
            raise CliError(f"Container {self._name} not found on this host.") from error
        except DockerException as error:
            if _is_forbidden(error):
                hint = "Run this with sudo, or join the group docker."
                raise NotPermittedError("Permission denied on Docker's socket.", hint=hint) from error
            raise NotReachableError(
                "Docker does not respond on this host.", hint="See `systemctl status docker`."
            ) from error


def _memory(stats: dict[str, Any]) -> str:
    return f"{megabytes(stats['usage'])} of {megabytes(stats['limit'])}" if {"usage", "limit"} <= set(stats) else ""


def _is_forbidden(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, PermissionError):
            return True
        error = error.__cause__ or error.__context__ or next((a for a in error.args if isinstance(a, Exception)), None)
    return False
