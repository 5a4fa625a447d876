"""An Ollama host runs one container within its limits, reachable only where it should be, and its models answer."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.hosts.neighbour import HOST_ADDRESS, has_ipv6, neighbour, reaches
from tests.hosts.sandbox import MAX_EXPOSURE, exposure

if TYPE_CHECKING:
    from testinfra.host import Host

    from tests.hosts.conftest import Variables

GROUP = "ollama_hosts"

_INNER_PORT = 11434
_SSH = 22

_UNITS = {"k": 2**10, "m": 2**20, "g": 2**30}


@pytest.fixture
def container(host: Host, variables: Variables) -> dict[str, Any]:
    """Give Docker's record of the container."""
    inspected = host.check_output("docker inspect %s", variables("ollama")["ollama_container_name"])
    described: dict[str, Any] = json.loads(inspected)[0]
    return described


def _bytes(size: str) -> int:
    return int(float(size[:-1]) * _UNITS[size[-1].lower()])


def test_container_is_running_and_healthy(container: dict[str, Any]) -> None:
    """The container runs, and its own health check agrees."""
    assert container["State"]["Status"] == "running"
    assert container["State"]["Health"]["Status"] == "healthy"


def test_container_has_the_limits_of_the_inventory(container: dict[str, Any], variables: Variables) -> None:
    """Memory and CPU limits are those that the inventory sets."""
    wanted = variables("ollama")
    limits = container["HostConfig"]
    assert limits["Memory"] == _bytes(wanted["ollama_memory_limit"])
    assert limits["MemoryReservation"] == _bytes(wanted["ollama_memory_reservation"])
    assert limits["NanoCpus"] == float(wanted["ollama_cpus"]) * 1e9
    assert limits["CpuShares"] == wanted["ollama_cpu_shares"]


def test_memory_limit_is_enforced_by_the_kernel(host: Host, container: dict[str, Any], variables: Variables) -> None:
    """The control group of the container's own process carries the limit, not only Docker's description."""
    groups = host.check_output("cat /proc/%s/cgroup", str(container["State"]["Pid"]))
    memory = next((line.split(":")[2] for line in groups.splitlines() if ":memory:" in line), None)
    path = f"/sys/fs/cgroup/memory{memory}/memory.limit_in_bytes"
    if memory is None:
        unified = groups.splitlines()[-1].split(":")[2]
        path = f"/sys/fs/cgroup{unified}/memory.max"
    assert int(host.check_output("cat %s", path)) == _bytes(variables("ollama")["ollama_memory_limit"])


def test_port_is_published_on_the_address_of_the_inventory_only(host: Host, variables: Variables) -> None:
    """Ollama has no authentication: it listens on the one address that the inventory names."""
    wanted = variables("ollama")
    port = wanted["ollama_publish_port"]
    listening = host.check_output("ss --listening --tcp --numeric --no-header %s", f"sport = :{port}")
    addresses = {line.split()[3].rpartition(":")[0] for line in listening.splitlines()}
    assert addresses == {wanted["ollama_publish_address"]}


def test_neighbour_that_routes_to_the_container_gets_no_answer(
    host: Host, container: dict[str, Any], variables: Variables
) -> None:
    """Published on loopback, the container answers this host alone, also by its own addresses."""
    wanted = variables("ollama")
    if wanted["ollama_publish_address"] not in {"127.0.0.1", "::1"}:
        pytest.skip("published for other hosts: the host's firewall says for which")
    own = container["NetworkSettings"]["Networks"][wanted["ollama_network"]]
    addresses = [own["IPAddress"], own["GlobalIPv6Address"] if has_ipv6(host) else ""]
    with neighbour(host) as within:
        assert reaches(host, HOST_ADDRESS, _SSH, within=within), "the namespace reaches nothing, so it proves nothing"
        for address in filter(None, addresses):
            assert reaches(host, address, _INNER_PORT)
            assert not reaches(host, address, _INNER_PORT, within=within), f"a neighbour reaches {address}"


def test_rules_of_the_container_return_with_the_next_start(host: Host, variables: Variables) -> None:
    """The unit that loads them is enabled, loaded them and can do little else."""
    if variables("ollama")["ollama_publish_address"] not in {"127.0.0.1", "::1"}:
        pytest.skip("published for other hosts: the host's firewall says for which")
    unit = host.service("alchemorsel-ollama-firewall.service")
    assert unit.is_enabled
    assert unit.is_running
    assert exposure(host, "alchemorsel-ollama-firewall.service") <= MAX_EXPOSURE


def test_required_models_are_there_and_preloaded_ones_in_memory(host: Host, variables: Variables) -> None:
    """`ollama list` and `ollama ps` show what the inventory's manifest promises."""
    wanted = variables("ollama")
    name = wanted["ollama_container_name"]
    present = host.check_output("docker exec %s ollama list", name)
    loaded = host.check_output("docker exec %s ollama ps", name)
    for model in wanted["ollama_models"]:
        if model.get("required", True):
            assert model["name"] in present
        if model.get("preload", False):
            assert model["name"] in loaded, f"{model['name']} is not in memory: the next request pays for its load"


def test_the_state_of_the_container_is_told(host: Host, variables: Variables) -> None:
    """By a look that is no older than two of them, in a file that the AI service may read."""
    assert host.service("alchemorsel-container-status.timer").is_running
    assert host.service("alchemorsel-container-status.timer").is_enabled
    path = host.file("/run/alchemorsel/containers.json")
    assert path.mode & 0o004
    told = json.loads(path.content_string)
    assert float(host.check_output("date +%s")) - told["time"] < 2 * 30 + 10
    found = next(c for c in told["containers"] if c["name"] == variables("ollama")["ollama_container_name"])
    assert (found["state"], found["health"]) == ("running", "healthy")
    assert 0 < found["memory_bytes"] <= found["memory_limit_bytes"]
    assert found["models"]["present"]


def test_who_looks_at_the_container_can_do_little_else(host: Host) -> None:
    """Docker's socket is all that it gets."""
    assert exposure(host, "alchemorsel-container-status.service") <= MAX_EXPOSURE
