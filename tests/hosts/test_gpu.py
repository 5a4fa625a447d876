"""A GPU host keeps its driver as a set, and its container has the GPUs; hosts without NVIDIA's driver are left out."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from testinfra.host import Host

    from tests.hosts.conftest import Variables

GROUP = "ollama_hosts"


@pytest.fixture(autouse=True)
def _only_with_gpus(host: Host, variables: Variables) -> None:
    """Nothing here is about a host that is to use no GPU, or has none of NVIDIA."""
    if variables("ollama")["ollama_gpu"] == "none" or not host.exists("nvidia-smi"):
        pytest.skip(f"{host.backend.get_pytest_id()} has no GPU of NVIDIA in use")


def test_driver_and_toolkit_are_held(host: Host) -> None:
    """No upgrade of a single package can part the libraries from the loaded module."""
    shown = host.check_output(
        "dpkg-query --show --showformat '${db:Status-Abbrev} ${Package}\\n' 'nvidia-*' 'libnvidia-*' libcuda1 || true"
    )
    installed = {line.split()[1]: line[0] for line in shown.splitlines() if line[1:2] == "i"}
    assert installed
    assert {name for name, wanted in installed.items() if wanted != "h" and not name.startswith("nvidia-cuda")} == set()


def test_container_answers_for_as_many_gpus_as_the_host(host: Host, variables: Variables) -> None:
    """What `nvidia-smi` lists on the host, it lists inside of the container."""
    name = variables("ollama")["ollama_container_name"]
    inside = host.check_output("docker exec %s nvidia-smi -L", name)
    assert inside == host.check_output("nvidia-smi -L")


def test_somebody_looks_whether_the_container_still_has_them(host: Host) -> None:
    """Twice a minute, inside of it: what alerts go by, and the service's report of its health."""
    report = json.loads(host.file("/run/alchemorsel/containers.json").content_string)
    assert [container["gpu_answers"] for container in report["containers"]] == [True]


def test_engine_hands_out_gpus_by_their_own_description(host: Host, variables: Variables) -> None:
    """By CDI, which a reload of systemd leaves alone, where the engine knows it."""
    if int(host.check_output("docker version --format '{{.Server.Version}}'").partition(".")[0]) < 25:
        pytest.skip("the engine is older than CDI")
    name = variables("ollama")["ollama_container_name"]
    requests = json.loads(host.check_output("docker inspect --format '{{json .HostConfig.DeviceRequests}}' %s", name))
    assert [request["Driver"] for request in requests] == ["cdi"]


def test_persistence_daemon_has_a_user_of_its_own(host: Host, variables: Variables) -> None:
    """It needs no right of root's once it runs."""
    pid = host.check_output("systemctl show --property MainPID --value nvidia-persistenced")
    assert host.check_output("stat -c %%U /proc/%s", pid) == variables("gpu_driver")["gpu_driver_persistence_user"]
