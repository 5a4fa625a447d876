"""After a role was removed with its data, nothing of it is left on the host."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from testinfra.host import Host


@dataclass(frozen=True)
class Traces:
    """What a role leaves on a host while it is there."""

    paths: tuple[str, ...] = ()
    programs: tuple[str, ...] = ()
    units: tuple[str, ...] = ()
    users: tuple[str, ...] = ()
    containers: tuple[str, ...] = ()


TRACES = {
    "airgap": Traces(paths=("/etc/apt/apt.conf.d/99alchemorsel-airgap", "/var/lib/alchemorsel/packages")),
    "backup": Traces(
        paths=("/usr/local/sbin/alchemorsel-backup", "/etc/alchemorsel/backup.env", "/var/backups/alchemorsel"),
        units=("alchemorsel-backup.timer", "alchemorsel-backup.service"),
    ),
    "docker": Traces(paths=("/etc/docker",), programs=("dockerd", "docker"), units=("docker.service",)),
    "model_volume": Traces(paths=("/srv/alchemorsel/models",)),
    "ollama": Traces(
        paths=(
            "/srv/alchemorsel/models/manifests",
            "/usr/local/sbin/alchemorsel-container-status",
            "/run/alchemorsel/containers.json",
        ),
        units=("alchemorsel-container-status.timer", "alchemorsel-container-status.service"),
        containers=("alchemorsel-ollama",),
    ),
    "firewall": Traces(
        paths=("/etc/alchemorsel/firewall.nft",), programs=("nft",), units=("alchemorsel-firewall.service",)
    ),
    "redis": Traces(
        paths=(
            "/etc/redis",
            "/var/lib/redis",
            "/etc/alchemorsel/secrets/redis_password",
            "/etc/alchemorsel/secrets/redis_admin_password",
        ),
        programs=("redis-server",),
        units=("redis-server.service",),
    ),
    "gpu_driver": Traces(
        paths=(
            "/etc/apt/sources.list.d/alchemorsel-gpu-driver.sources",
            "/etc/apt/preferences.d/alchemorsel-gpu-driver",
            "/etc/modprobe.d/alchemorsel-gpu-driver.conf",
        ),
        programs=("nvidia-smi", "nvidia-persistenced"),
        units=("nvidia-persistenced.service", "nvidia-fabricmanager.service"),
        users=("nvpd",),
    ),
    "gpu_container_toolkit": Traces(
        paths=("/run/cdi/nvidia.yaml", "/etc/apt/sources.list.d/alchemorsel-gpu-container-toolkit.sources"),
        programs=("nvidia-ctk",),
        units=("alchemorsel-cdi.service", "alchemorsel-cdi.path"),
    ),
    "ai_service": Traces(
        paths=(
            "/opt/alchemorsel/ai_service",
            "/usr/local/bin/alchemorsel",
            "/etc/alchemorsel/ai_service.env",
            "/etc/alchemorsel/secrets/ai_service_api_keys",
            "/etc/alchemorsel/secrets/ai_service_verify_key",
        ),
        units=("alchemorsel-ai.socket", "alchemorsel-ai@blue.service"),
        users=("alchemorsel",),
    ),
    "monitoring": Traces(
        paths=(
            "/etc/prometheus/alchemorsel.yml",
            "/etc/prometheus/alchemorsel-rules",
            "/etc/dcgm-exporter/alchemorsel.csv",
            "/etc/systemd/system/nvidia-dcgm-exporter.service.d",
            "/var/lib/prometheus",
        ),
        programs=("prometheus", "prometheus-alertmanager", "prometheus-redis-exporter", "dcgm-exporter"),
        units=("prometheus.service", "prometheus-node-exporter.service", "nvidia-dcgm-exporter.service"),
    ),
    "web": Traces(
        paths=("/etc/alchemorsel/web.env", "/etc/alchemorsel/secrets/web_api_key"),
        units=("alchemorsel-web.service",),
    ),
}


@pytest.fixture
def traces(host: Host) -> Traces:
    """The traces of what the scenario removed: the role that it is about, or those that it names."""
    variables = host.ansible.get_variables()
    removed = [TRACES[role] for role in variables.get("scenario_removed") or variables["scenario_roles"][-1:]]
    kinds = [field.name for field in fields(Traces)]
    return Traces(**{kind: tuple(trace for role in removed for trace in getattr(role, kind)) for kind in kinds})


def test_its_files_are_gone(host: Host, traces: Traces) -> None:
    """No folder and no file of the role's own stays."""
    assert [path for path in traces.paths if host.file(path).exists] == []


def test_its_programs_are_gone(host: Host, traces: Traces) -> None:
    """The packages it brought are removed."""
    assert [program for program in traces.programs if host.exists(program)] == []


def test_its_units_are_gone(host: Host, traces: Traces) -> None:
    """Nothing of it runs or would start at the next boot."""
    states = {unit: host.run("systemctl is-active %s", unit).stdout.strip() for unit in traces.units}
    assert set(states.values()) <= {"inactive", "unknown", "failed"}, states
    assert [unit for unit in traces.units if host.run("systemctl cat %s", unit).rc == 0] == []


def test_its_users_and_containers_are_gone(host: Host, traces: Traces) -> None:
    """No account and no container stays."""
    assert [user for user in traces.users if host.user(user).exists] == []
    assert [name for name in traces.containers if host.run("docker inspect %s", name).rc == 0] == []
