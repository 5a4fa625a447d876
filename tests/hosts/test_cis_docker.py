"""The checks of the CIS Docker Benchmark 1.6 that docs/cis-docker.md calls met, tried on the host."""

from __future__ import annotations

import ipaddress
import json
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from testinfra.host import Host

    from tests.hosts.conftest import Variables

GROUP = "ollama_hosts"

_SENSITIVE = ("/", "/boot", "/dev", "/etc", "/lib", "/proc", "/sys", "/usr", "/var/run", "/run")
_LEAST_ORDINARY_PORT = 1024


class Site:
    """What Docker says of itself and of the project's container, and the host for what it does not say."""

    def __init__(self, host: Host, variables: Variables) -> None:
        """Ask the engine once."""
        self.host = host
        self.info = self._json("docker info --format '{{json .}}'")
        self.daemon = json.loads(host.file("/etc/docker/daemon.json").content_string)
        self.bridge = self._json("docker network inspect bridge")[0]["Options"]
        name = variables("ollama")["ollama_container_name"]
        self.container = self._json(f"docker inspect {name}")[0]
        self.limits: dict[str, Any] = self.container["HostConfig"]
        self.processes = host.check_output("docker top %s -eo pid,comm", name).split()
        self.insecure = set(variables("docker")["docker_insecure_registries"])

    def owned(self, path: str, mode: int, group: str = "root") -> bool:
        """Whether a file belongs to root and a group, and lets nobody do more than the mode says."""
        file = self.host.file(path)
        return (file.user, file.group, file.mode & ~mode) == ("root", group, 0)

    def members_of_docker(self) -> str:
        """Return the users allowed to command the engine without being root."""
        members: str = self.host.check_output("getent group docker").rpartition(":")[2].strip()
        return members

    def engine_arguments(self) -> str:
        """Return the engine's command line."""
        arguments: str = self.host.check_output("tr '\\0' ' ' < /proc/$(pidof dockerd)/cmdline")
        return arguments

    def has_apparmor(self) -> bool:
        """Whether the kernel has AppArmor switched on."""
        return bool(self.host.run("cat /sys/module/apparmor/parameters/enabled").stdout.strip() == "Y")

    def published(self) -> list[dict[str, str]]:
        """Addresses and ports on which the container is published."""
        ports: dict[str, list[dict[str, str]] | None] = self.container["NetworkSettings"]["Ports"]
        return [binding for bindings in ports.values() for binding in bindings or []]

    def insecure_registries(self) -> set[str]:
        """Registries without TLS, loopback left out: the engine itself puts that in."""
        config = self.info["RegistryConfig"]
        networks = {net for net in config["InsecureRegistryCIDRs"] if not ipaddress.ip_network(net).is_loopback}
        return networks | {name for name, index in config["IndexConfigs"].items() if not index["Secure"]}

    def _json(self, command: str) -> Any:
        return json.loads(self.host.check_output(command))


CHECKS: dict[str, Callable[[Site], bool]] = {
    "1.1.2": lambda site: site.members_of_docker() == "",
    "2.2": lambda site: site.bridge["com.docker.network.bridge.enable_icc"] == "false",
    "2.3": lambda site: site.daemon.get("log-level", "info") == "info",
    "2.4": lambda site: site.daemon.get("iptables", True) is True,
    "2.5": lambda site: site.insecure_registries() <= site.insecure,
    "2.6": lambda site: site.info["Driver"] != "aufs",
    "2.7": lambda site: "tcp://" not in site.engine_arguments() and "hosts" not in site.daemon,
    "2.10": lambda site: "cgroup-parent" not in site.daemon,
    "2.11": lambda site: "storage-opts" not in site.daemon,
    "2.14": lambda site: site.daemon["no-new-privileges"] is True,
    "2.15": lambda site: site.info["LiveRestoreEnabled"] is True,
    "2.16": lambda site: site.daemon["userland-proxy"] is False,
    "2.17": lambda site: any(option.startswith("name=seccomp") for option in site.info["SecurityOptions"]),
    "2.18": lambda site: site.info["ExperimentalBuild"] is False,
    "3.1": lambda site: site.owned("/lib/systemd/system/docker.service", 0o644),
    "3.2": lambda site: site.owned("/lib/systemd/system/docker.service", 0o644),
    "3.3": lambda site: site.owned("/lib/systemd/system/docker.socket", 0o644),
    "3.4": lambda site: site.owned("/lib/systemd/system/docker.socket", 0o644),
    "3.5": lambda site: site.owned("/etc/docker", 0o755),
    "3.6": lambda site: site.owned("/etc/docker", 0o755),
    "3.15": lambda site: site.owned("/run/docker.sock", 0o660, "docker"),
    "3.16": lambda site: site.owned("/run/docker.sock", 0o660, "docker"),
    "3.17": lambda site: site.owned("/etc/docker/daemon.json", 0o644),
    "3.18": lambda site: site.owned("/etc/docker/daemon.json", 0o644),
    "3.19": lambda site: site.owned("/etc/default/docker", 0o644),
    "3.20": lambda site: site.owned("/etc/default/docker", 0o644),
    "3.23": lambda site: site.owned("/run/containerd/containerd.sock", 0o660),
    "3.24": lambda site: site.owned("/run/containerd/containerd.sock", 0o660),
    "4.1": lambda site: site.container["Config"]["User"].split(":")[0] not in {"", "0", "root"},
    "4.6": lambda site: bool(site.container["Config"]["Healthcheck"]["Test"]),
    "5.1": lambda site: site.info["Swarm"]["LocalNodeState"] == "inactive",
    "5.2": lambda site: not site.has_apparmor() or site.container["AppArmorProfile"] == "docker-default",
    "5.4": lambda site: not site.limits["CapAdd"] and site.limits["CapDrop"] == ["ALL"],
    "5.5": lambda site: site.limits["Privileged"] is False,
    "5.6": lambda site: not {mount["Source"] for mount in site.container["Mounts"]} & set(_SENSITIVE),
    "5.7": lambda site: "sshd" not in site.processes,
    "5.8": lambda site: all(int(binding["HostPort"]) >= _LEAST_ORDINARY_PORT for binding in site.published()),
    "5.9": lambda site: len(site.published()) == 1,
    "5.10": lambda site: site.limits["NetworkMode"] != "host",
    "5.11": lambda site: site.limits["Memory"] > 0,
    "5.12": lambda site: site.limits["CpuShares"] > 0,
    "5.13": lambda site: site.limits["ReadonlyRootfs"] is True,
    "5.14": lambda site: not {binding["HostIp"] for binding in site.published()} & {"", "0.0.0.0", "::"},
    "5.16": lambda site: site.limits["PidMode"] != "host",
    "5.17": lambda site: site.limits["IpcMode"] != "host",
    "5.19": lambda site: not site.limits["Ulimits"],
    "5.20": lambda site: all(mount["Propagation"] != "shared" for mount in site.container["Mounts"]),
    "5.21": lambda site: site.limits["UTSMode"] != "host",
    "5.22": lambda site: "seccomp=unconfined" not in site.limits["SecurityOpt"],
    "5.25": lambda site: site.limits["CgroupParent"] == "",
    "5.26": lambda site: any(option.startswith("no-new-privileges") for option in site.limits["SecurityOpt"]),
    "5.27": lambda site: site.container["State"]["Health"]["Status"] == "healthy",
    "5.29": lambda site: (site.limits["PidsLimit"] or 0) > 0,
    "5.30": lambda site: site.limits["NetworkMode"] not in {"bridge", "default"},
    "5.31": lambda site: site.limits["UsernsMode"] != "host",
    "5.32": lambda site: not any("docker.sock" in mount["Source"] for mount in site.container["Mounts"]),
}
"""What has to be true, by the number of the check."""

_sites: dict[str, Site] = {}


@pytest.fixture
def site(host: Host, variables: Variables) -> Site:
    """Give the host's engine facts, queried once for all checks."""
    name = host.backend.get_pytest_id()
    if name not in _sites:
        _sites[name] = Site(host, variables)
    return _sites[name]


@pytest.mark.parametrize("number", CHECKS)
def test_check_of_the_benchmark_is_met(site: Site, number: str) -> None:
    """See docs/cis-docker.md for what it is about and which variable meets it."""
    assert CHECKS[number](site), f"CIS {number} is not met: see docs/cis-docker.md"
