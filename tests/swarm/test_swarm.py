"""Images rolled out and taken back, and nodes lost, under load (molecule/swarm, on throw-away hosts only)."""

from __future__ import annotations

import io
import sys
import time
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import testinfra

from lab import hosts as lab_hosts
from lab import images, mirror
from lab.engine import ensure
from tests.edge_program import EdgeProgram
from tests.integration.service.load import Load
from tests.waiting import until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from testinfra.host import Host

NODES = ("swarm-a", "swarm-b", "swarm-c")
OUTSIDE = "swarm-c"
"""It has Redis, which is no part of the Swarm."""
SERVICE = "alchemorsel_ai"
PATH = "/api/v1/ai/suggest-ingredients"
QUESTIONS = [{"partial": [word]} for word in ("pear", "leek", "oats", "rice")]
ENOUGH = 500
BACK_S = 300
UPDATE_S = 400
LOOK_S = 1.0

pytestmark = pytest.mark.timeout(900)


@pytest.fixture
def host_of(request: pytest.FixtureRequest) -> Callable[[str], Host]:
    """Give a function that reaches a host of the scenario."""
    inventory = request.config.getoption("ansible_inventory")
    return lambda name: testinfra.get_host(f"ansible://{name}", ansible_inventory=inventory)


@pytest.fixture
def caller(host_of: Callable[[str], Host], tmp_path: Path) -> Iterator[Callable[[], httpx.Client]]:
    """Make clients of a balancer in front of the edges, as the role load_balancer sets one up, on this machine."""
    variables: dict[str, Any] = {name: host_of(name).ansible.get_variables() for name in NODES}
    servers = {name: f"{variables[name]['ansible_host']}:3010" for name in NODES}
    key = variables[OUTSIDE]["vault_ai_service_verify_key"]
    with EdgeProgram(tmp_path, servers, load_balancer_slow_start="1") as balancer:
        until(lambda: set(balancer.states().values()) == {"UP"}, timeout_s=BACK_S)
        yield lambda: httpx.Client(
            base_url=f"http://127.0.0.1:{balancer.port}",
            headers={"Authorization": f"Bearer {key}"},
            timeout=120,
            trust_env=False,
        )


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
    """Return whether all tasks of all services run, and all nodes are there."""
    services = docker(node, "service", "ls", "--format", "{{.Replicas}}").split()
    nodes = docker(node, "node", "ls", "--format", "{{.Status}}").split()
    counts = [each.split("/") for each in services if "/" in each]
    return nodes == ["Ready"] * len(NODES) and all(running == wanted for running, wanted in counts)


def variant(name: str, line: str) -> str:
    """Return the reference of an image that is the service's with one more line."""
    client = ensure()
    tag = f"alchemorsel-lab/ai:{name}"
    client.images.build(fileobj=io.BytesIO(f"FROM {images.SERVICE}\n{line}\n".encode()), tag=tag, rm=True)
    return mirror.push(client, tag)


@pytest.mark.parametrize("node", NODES)
def test_every_node_answers_through_its_own_edge(node: str, host_of: Callable[[str], Host]) -> None:
    """Whether a task of the service is on it or not."""
    variables: dict[str, Any] = host_of(node).ansible.get_variables()
    headers = {"Authorization": f"Bearer {variables['vault_ai_service_verify_key']}"}
    url = f"http://{variables['ansible_host']}:3010{PATH}"
    assert httpx.post(url, json=QUESTIONS[0], headers=headers, timeout=120, trust_env=False).status_code == 200


def test_no_server_of_a_model_is_published(host_of: Callable[[str], Host]) -> None:
    """Ollama has no authentication: the service reaches it over the overlay network, and nobody else does."""
    address = host_of(NODES[0]).ansible.get_variables()["ansible_host"]
    for port in (11434, 11435):
        with pytest.raises(httpx.TransportError):
            httpx.get(f"http://{address}:{port}/", timeout=3, trust_env=False)


def test_rolling_update_costs_no_cached_request(caller: Callable[[], httpx.Client]) -> None:
    """One task after the other is exchanged, and the others answer meanwhile."""
    warm(caller)
    reference = variant("next", f"LABEL made={time.time_ns()}")
    with Load(caller, PATH, QUESTIONS) as load:
        load.more(ENOUGH)
        docker(OUTSIDE, "service", "update", "--detach", "--image", reference, SERVICE)
        becomes(lambda: image(OUTSIDE) == reference and state(OUTSIDE) == "completed", UPDATE_S)
        load.more(ENOUGH)
        sys.stdout.write(load.summary())
    assert (set(load.statuses), load.errors) == ({200}, [])


def test_image_that_never_gets_healthy_is_taken_back(caller: Callable[[], httpx.Client]) -> None:
    """By Docker itself, and callers notice nothing."""
    warm(caller)
    former = image(OUTSIDE)
    reference = variant("broken", 'ENTRYPOINT ["sleep", "infinity"]')
    with Load(caller, PATH, QUESTIONS) as load:
        begun = time.monotonic()
        docker(OUTSIDE, "service", "update", "--detach", "--image", reference, SERVICE)
        becomes(lambda: state(OUTSIDE) != "rollback_completed", UPDATE_S)  # of an earlier one
        becomes(lambda: state(OUTSIDE) == "rollback_completed", UPDATE_S)
        sys.stdout.write(f"taken back after {time.monotonic() - begun:.0f} s\n")
        load.more(ENOUGH)
        sys.stdout.write(load.summary())
    assert image(OUTSIDE) == former
    assert (set(load.statuses), load.errors) == ({200}, [])


@pytest.mark.parametrize("node", [name for name in NODES if name != OUTSIDE])
def test_loss_of_a_node_costs_no_cached_request(node: str, caller: Callable[[], httpx.Client]) -> None:
    """It goes at once, with its edge, its tasks and its vote, and is a node again where it has its address again."""
    warm(caller)
    with Load(caller, PATH, QUESTIONS) as load:
        load.more(ENOUGH)
        ensure().containers.get(node).kill()
        for _ in range(4):
            load.more(ENOUGH)
        sys.stdout.write(load.summary())
    lab_hosts.restart(ensure(), node)
    becomes(lambda: healthy(OUTSIDE), BACK_S)
    assert (set(load.statuses), load.errors) == ({200}, [])
