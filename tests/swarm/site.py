"""What the tests of the Swarm share: its nodes, questions that callers repeat, and looks at its service."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from lab.engine import ensure
from tests.waiting import until

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx

NODES = ("swarm-a", "swarm-b", "swarm-c")
OUTSIDE = "swarm-c"
"""It has Redis, which is no part of the Swarm, and no model."""
SERVICE = "alchemorsel_ai"
EDGE = "alchemorsel_edge"
PATH = "/api/v1/ai/suggest-ingredients"
QUESTIONS = [{"partial": [word]} for word in ("pear", "leek", "oats", "rice")]
BACK_S = 300
UPDATE_S = 400
LOOK_S = 1.0


def warm(caller: Callable[[], httpx.Client]) -> None:
    """Wait until nothing is being exchanged, and have all answers stored."""
    becomes(lambda: healthy(OUTSIDE) and state(OUTSIDE) not in {"updating", "rollback_started"}, BACK_S)
    with caller() as client:
        until(
            lambda: {client.post(PATH, json=question).status_code for question in QUESTIONS} == {200}, timeout_s=BACK_S
        )


def docker(node: str, *arguments: str) -> str:
    """Run Docker's command on a node; by the lab, since Ansible takes seconds."""
    done: Any = ensure().containers.get(node).exec_run(["docker", *arguments])
    assert done.exit_code == 0, done.output
    return str(done.output.decode())


def image(node: str) -> str:
    """Return the image that the service has now."""
    return docker(node, "service", "inspect", "--format", "{{.Spec.TaskTemplate.ContainerSpec.Image}}", SERVICE).strip()


def state(node: str) -> str:
    """Return how the last update of the service is; empty where there was none."""
    shown = "{{with .UpdateStatus}}{{.State}}{{end}}"
    return docker(node, "service", "inspect", "--format", shown, SERVICE).strip()


def becomes(condition: Callable[[], bool], timeout_s: float) -> None:
    """Wait for a condition; looked at every second, since each look starts programs on a busy machine."""

    def is_so() -> bool:
        time.sleep(LOOK_S)
        return condition()

    until(is_so, timeout_s=timeout_s)


def healthy(node: str) -> bool:
    """Return whether all tasks of all services run, an edge on each node, and all nodes are there."""
    listed = docker(node, "service", "ls", "--format", "{{.Name}} {{.Replicas}}").splitlines()
    counts = dict(line.split()[:2] for line in listed)
    nodes = docker(node, "node", "ls", "--format", "{{.Status}}").split()
    return (
        nodes == ["Ready"] * len(NODES)
        and counts[EDGE] == f"{len(NODES)}/{len(NODES)}"
        and all(running == wanted for running, wanted in (count.split("/") for count in counts.values()))
    )
