"""On a host with a containerd of somebody's, after refusals in check mode and for real: nothing has changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from testinfra.host import Host


@pytest.fixture(autouse=True)
def only_with_that_past(host: Host) -> None:
    """Skip hosts with another past."""
    if host.ansible.get_variables().get("scenario_past") != "engine_refused":
        pytest.skip("the host has another past")


def test_containerd_of_others_was_never_stopped(host: Host) -> None:
    """Package and start are the same."""
    assert host.package("containerd.io").is_installed
    started = host.check_output("systemctl show --property=InvocationID containerd.service")
    assert started == host.file("/root/past/containerd").content_string.strip()


def test_nothing_of_ours_is_on_the_host(host: Host) -> None:
    """Neither packages nor files."""
    assert not host.package("docker.io").is_installed
    assert [path for path in ("/etc/docker", "/var/lib/alchemorsel") if host.file(path).exists] == []
