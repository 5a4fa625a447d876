"""What a role leaves on a host while it is there, for tests of its absence and of its removal."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

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
        paths=(
            "/usr/local/sbin/alchemorsel-backup",
            "/etc/alchemorsel/backup.env",
            "/etc/alchemorsel/secrets/backup_password",
            "/var/backups/alchemorsel",
            "/var/cache/alchemorsel-backup",
            "/var/lib/alchemorsel/backup",
            "/var/lib/prometheus/node-exporter/alchemorsel_backup.prom",
        ),
        units=("alchemorsel-backup.timer", "alchemorsel-backup.service"),
    ),
    "docker": Traces(paths=("/etc/docker",), programs=("dockerd", "docker"), units=("docker.service",)),
    "model_volume": Traces(paths=("/srv/alchemorsel/models",)),
    "ollama": Traces(
        paths=(
            "/srv/alchemorsel/models/manifests",
            "/usr/local/sbin/alchemorsel-container-status",
            "/run/alchemorsel/containers.json",
            "/etc/alchemorsel/ollama.nft",
        ),
        units=(
            "alchemorsel-container-status.timer",
            "alchemorsel-container-status.service",
            "alchemorsel-ollama-firewall.service",
        ),
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
            "/var/lib/alchemorsel/redis.json",
        ),
        programs=("redis-server",),
        units=("redis-server@alchemorsel.service", "redis-server.service"),
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
            "/etc/tmpfiles.d/alchemorsel-ai.conf",
            "/run/alchemorsel/ai",
            "/usr/local/bin/alchemorsel",
            "/usr/local/share/bash-completion/completions/alchemorsel",
            "/etc/alchemorsel/ai_service.env",
            "/etc/alchemorsel/secrets/ai_service_api_keys",
            "/etc/alchemorsel/secrets/ai_service_verify_key",
        ),
        units=("alchemorsel-ai@1.service", "alchemorsel-ai@2.service"),
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
    "load_balancer": Traces(
        paths=("/etc/alchemorsel/edge.cfg", "/etc/alchemorsel/tls", "/usr/local/sbin/alchemorsel-edge-certificate"),
        programs=("haproxy",),
        units=(
            "alchemorsel-edge.service",
            "alchemorsel-edge-certificate.service",
            "alchemorsel-edge-certificate.timer",
        ),
        users=("alchemorsel-edge",),
    ),
    "swarm": Traces(paths=("/var/lib/alchemorsel/swarm.json",)),
    "stack": Traces(paths=("/srv/alchemorsel/models/manifests", "/srv/alchemorsel/models/blobs")),
    "web": Traces(
        paths=("/etc/alchemorsel/web.env", "/etc/alchemorsel/secrets/web_api_key"),
        units=("alchemorsel-web.service",),
    ),
}


def of_what_was_removed(host: Host) -> Traces:
    """Return the traces of the roles removed by the scenario: its subject, or those it names."""
    removed = [TRACES[role] for role in removed_roles(host)]
    kinds = [field.name for field in fields(Traces)]
    return Traces(**{kind: tuple(trace for role in removed for trace in getattr(role, kind)) for kind in kinds})


def removed_roles(host: Host) -> list[str]:
    """Return the roles removed by the scenario: its subject, or those it names."""
    variables = host.ansible.get_variables()
    return list(variables.get("scenario_removed") or variables["scenario_roles"][-1:])


def units_left(host: Host, units: tuple[str, ...]) -> list[str]:
    """Those that run, or would at the next boot."""
    states = {unit: host.run("systemctl is-active %s", unit).stdout.strip() for unit in units}
    active = [unit for unit, state in states.items() if state not in {"inactive", "unknown", "failed"}]
    return active + [unit for unit in units if host.run("systemctl cat %s", unit).rc == 0]
