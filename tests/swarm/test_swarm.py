"""Images rolled out and taken back, and nodes lost, under load (molecule/swarm, on throw-away hosts only)."""

from __future__ import annotations

import io
import sys
import time
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from lab import hosts as lab_hosts
from lab import images, mirror
from lab.engine import ensure
from tests.integration.service.load import Load
from tests.swarm.site import (
    BACK_S,
    NODES,
    OUTSIDE,
    PATH,
    QUESTIONS,
    SERVICE,
    UPDATE_S,
    becomes,
    docker,
    healthy,
    image,
    state,
    warm,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from testinfra.host import Host

ENOUGH = 500

pytestmark = pytest.mark.timeout(900)


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


@pytest.mark.parametrize("node", NODES)
def test_loss_of_a_node_costs_no_cached_request(node: str, caller: Callable[[], httpx.Client]) -> None:
    """It goes at once, with its edge, its tasks and its vote, and is a node again where it has its address again.

    One of them takes Redis along, which starts empty: what callers asked before is answered from each task's memory.
    """
    observer = next(name for name in NODES if name != node)
    warm(caller)
    with Load(caller, PATH, QUESTIONS) as load:
        load.more(ENOUGH)
        ensure().containers.get(node).kill()
        for _ in range(4):
            load.more(ENOUGH)
        sys.stdout.write(load.summary())
    lab_hosts.restart(ensure(), node)
    becomes(lambda: healthy(observer), BACK_S)
    assert (set(load.statuses), load.errors) == ({200}, [])
