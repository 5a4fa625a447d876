"""After a host restarted, what was provided on it is there again without anybody's help."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from testinfra.host import Host

HEALTHY_DEADLINE_S = 90.0
ANSWER_DEADLINE_S = "90"

_ASK = """
import json, sys, urllib.request
model, timeout = sys.argv[1], float(sys.argv[2])
body = json.dumps({"model": model, "prompt": "Tomatoes,", "stream": False, "options": {"num_predict": 4}}).encode()
request = urllib.request.Request("http://127.0.0.1:11435/api/generate", body, {"Content-Type": "application/json"})
print(urllib.request.urlopen(request, timeout=timeout).read().decode())
"""


@pytest.fixture(autouse=True)
def _only_ollama_hosts(host: Host) -> None:
    """Skip hosts that serve no model."""
    if "ollama_hosts" not in host.ansible.get_variables()["group_names"]:
        pytest.skip("serves no models")


def _health_in_the_end(host: Host) -> str:
    """Return what Docker says of the container once it is healthy, or at the deadline."""
    deadline = time.monotonic() + HEALTHY_DEADLINE_S
    while True:
        health: str = host.run("docker inspect --format '{{.State.Health.Status}}' alchemorsel-ollama").stdout.strip()
        if health == "healthy" or time.monotonic() > deadline:
            return health
        time.sleep(1)


def test_container_is_healthy_again(host: Host) -> None:
    """Docker starts the container, and its health check passes."""
    assert _health_in_the_end(host) == "healthy"


def test_model_answers_again(host: Host) -> None:
    """The models lie where they lay, and the first request loads one."""
    listed = host.check_output("docker exec alchemorsel-ollama ollama list").splitlines()[1:]
    answer = json.loads(host.check_output("python3 -c %s %s %s", _ASK, listed[0].split()[0], ANSWER_DEADLINE_S))
    assert answer["done"]
    assert answer["response"]
