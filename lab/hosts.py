"""Bare hosts: containers that run systemd as process 1 and are reached over SSH, like any machine.

The options were found by trial where the machine lacks CAP_SYS_RESOURCE, so that `--privileged` is refused: every
other capability by name, no seccomp and AppArmor filter, the machine's cgroup tree, and an own volume for the nested
Docker Engine. On a cgroup v2 machine the host gets a cgroup namespace of its own instead of the machine's tree.
"""

from __future__ import annotations

import io
import tarfile
import time
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING

from docker.errors import APIError, NotFound
from docker.types import Mount

from lab import images, network
from lab.command import run
from lab.errors import CommandFailedError, LabError
from lab.packages import ensure_program
from lab.paths import HOST_VARS, RUN, SSH_CONFIG
from lab.progress import step

if TYPE_CHECKING:
    from docker import DockerClient
    from docker.models.containers import Container

_LABEL_VALUE = "host"
_BOOT_DEADLINE_S = 60.0
_STOP_DEADLINE_S = 30
_GONE = {HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT}
_KEY = RUN / "id_ed25519"
_KNOWN_HOSTS = RUN / "known_hosts"

# Every capability that Docker 20.10 knows, without SYS_RESOURCE.
_CAPABILITIES = [
    *("AUDIT_CONTROL", "AUDIT_READ", "AUDIT_WRITE", "BLOCK_SUSPEND", "CHOWN", "DAC_OVERRIDE", "DAC_READ_SEARCH"),
    *("FOWNER", "FSETID", "IPC_LOCK", "IPC_OWNER", "KILL", "LEASE", "LINUX_IMMUTABLE", "MAC_ADMIN", "MAC_OVERRIDE"),
    *("MKNOD", "NET_ADMIN", "NET_BIND_SERVICE", "NET_BROADCAST", "NET_RAW", "SETFCAP", "SETGID", "SETPCAP", "SETUID"),
    *("SYSLOG", "SYS_ADMIN", "SYS_BOOT", "SYS_CHROOT", "SYS_MODULE", "SYS_NICE", "SYS_PACCT", "SYS_PTRACE"),
    *("SYS_RAWIO", "SYS_TIME", "SYS_TTY_CONFIG", "WAKE_ALARM"),
]


def ensure(client: DockerClient, name: str, suite: str, *, is_isolated: bool = False) -> None:
    """Ensure a running host of that name and Debian release; replace one that is stopped or different.

    Args:
        client: the lab's engine.
        name: of the host.
        suite: code name of the Debian release.
        is_isolated: the host reaches nothing: no other host, no mirror, no packages.

    Raises:
        LabError: the name belongs to a container that is not the lab's.
        CommandFailedError: it did not boot.
    """
    images.ensure_host(client, suite)
    container = _find(client, name)
    net = network.ISOLATED if is_isolated else network.NAME
    if container is not None and not _is_fit(container, suite, net):
        container.remove(force=True, v=True)
        container = None
    if container is None:
        with step(f"host {name} ({suite})"):
            container = _start(client, name, suite, net)
            _await_boot(container)
    _authorize(container)
    write_connections(client)


def restart(client: DockerClient, name: str) -> None:
    """Restart a host: what it keeps on its disk stays, all else is lost, as after a loss of power.

    Raises:
        LabError: there is no such host.
        CommandFailedError: it did not boot.
    """
    container = _find(client, name)
    if container is None:
        raise LabError(f"there is no host {name}: `python -m lab status` lists those that there are")
    with step(f"restart of host {name}"):
        container.restart(timeout=_STOP_DEADLINE_S)
        _await_boot(container)
    write_connections(client)


def remove(client: DockerClient, name: str) -> bool:
    """Remove a host and all that is on it; returns whether it was there."""
    container = _find(client, name)
    if container is not None:
        container.remove(force=True, v=True)
    write_connections(client)
    return container is not None


def remove_all(client: DockerClient) -> None:
    """Remove every host of the lab."""
    for container in running(client):
        container.remove(force=True, v=True)


def running(client: DockerClient) -> list[Container]:
    """Return the lab's hosts by name, stopped ones included."""
    found = client.containers.list(all=True, filters={"label": f"{network.LABEL}={_LABEL_VALUE}"})
    return sorted(found, key=lambda container: str(container.name))


def address(container: Container) -> str:
    """IPv4 address of a host on its network."""
    (net,) = container.attrs["NetworkSettings"]["Networks"].values()
    return str(net["IPAddress"])


def write_connections(client: DockerClient) -> None:
    """Write how all running hosts are reached: an SSH configuration for people, host variables for inventories."""
    HOST_VARS.mkdir(parents=True, exist_ok=True)
    for stale in HOST_VARS.glob("*.yml"):
        stale.unlink()
    blocks, known = [], []
    for container in running(client):
        if container.status != "running":
            continue
        try:
            status, host_key = _output(container, "cat", "/etc/ssh/ssh_host_ed25519_key.pub")
            container.reload()
        except APIError as error:
            if error.status_code not in _GONE:
                raise
            continue  # another command has stopped or removed it meanwhile
        if status != 0:
            continue  # another command is starting it, and will write this again
        blocks.append(
            f"Host {container.name}\n"
            f"    HostName {address(container)}\n"
            f"    HostKeyAlias {container.name}\n"
            "    User root\n"
            f"    IdentityFile {_KEY}\n"
            "    IdentitiesOnly yes\n"
            f"    UserKnownHostsFile {_KNOWN_HOSTS}\n"
            "    StrictHostKeyChecking yes\n"
        )
        _replace(HOST_VARS / f"{container.name}.yml", _host_variables(container))
        known.append(f"{container.name} {' '.join(host_key.split()[:2])}\n")
    _replace(_KNOWN_HOSTS, "".join(known))
    _replace(SSH_CONFIG, "\n".join(blocks))


def _host_variables(container: Container) -> str:
    # Plain values, no templates: pytest-testinfra reads them as they stand.
    options = f"-o UserKnownHostsFile={_KNOWN_HOSTS} -o HostKeyAlias={container.name} -o StrictHostKeyChecking=yes"
    return (
        "# Written by the lab: how this host is reached.\n"
        f"ansible_host: {address(container)}\n"
        "ansible_user: root\n"
        f"ansible_ssh_private_key_file: {_KEY}\n"
        f"ansible_ssh_common_args: {options}\n"
    )


def _find(client: DockerClient, name: str) -> Container | None:
    try:
        container = client.containers.get(name)
    except NotFound:
        return None
    if container.labels.get(network.LABEL) != _LABEL_VALUE:
        raise LabError(f"a container named {name} is there already and is not the lab's: rename or remove it")
    return container


def _is_fit(container: Container, suite: str, net: str) -> bool:
    wanted = container.client.images.get(images.host(suite)).id if container.client else None
    has_image = container.attrs["Image"] == wanted
    return container.status == "running" and has_image and net in container.attrs["NetworkSettings"]["Networks"]


def _start(client: DockerClient, name: str, suite: str, net: str) -> Container:
    network.ensure(client, net)
    has_cgroup2 = Path("/sys/fs/cgroup/cgroup.controllers").exists()
    # An anonymous volume under the nested Docker Engine: overlay file systems do not stack on the container's own.
    mounts = [Mount(target="/var/lib/docker", source=None, type="volume")]
    if not has_cgroup2:
        mounts.append(Mount(target="/sys/fs/cgroup", source="/sys/fs/cgroup", type="bind"))
    options = client.api.create_host_config(
        network_mode=net,
        cap_add=_CAPABILITIES,
        security_opt=["seccomp=unconfined", "apparmor=unconfined"],
        device_cgroup_rules=["a *:* rwm"],
        mounts=mounts,
        tmpfs={"/run": "", "/tmp": "exec"},  # noqa: S108 - the host's own
    )
    # Three settings that the client library has no name for: the cgroup namespace, and no masked paths in /proc and
    # /sys, because the nested engine has to mount and write there.
    options.update(CgroupnsMode="private" if has_cgroup2 else "host", MaskedPaths=[], ReadonlyPaths=[])
    created = client.api.create_container(
        images.host(suite),
        name=name,
        hostname=name,
        labels={network.LABEL: _LABEL_VALUE},
        environment={"container": "docker"},
        host_config=options,
        stop_signal="SIGRTMIN+3",
    )
    client.api.start(created["Id"])
    return client.containers.get(created["Id"])


def _await_boot(container: Container) -> None:
    deadline = time.monotonic() + _BOOT_DEADLINE_S
    state = ""
    while time.monotonic() < deadline:
        state = _output(container, "systemctl", "is-system-running")[1].strip()
        if state in {"running", "degraded"}:
            return
        time.sleep(0.3)
    raise CommandFailedError(f"host {container.name} did not boot within {_BOOT_DEADLINE_S:.0f} s: {state}")


def _authorize(container: Container) -> None:
    """Let this checkout's key in as root."""
    RUN.mkdir(parents=True, exist_ok=True)
    if not _KEY.exists():
        ensure_program("ssh-keygen", "openssh-client")
        run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "alchemorsel-lab", "-f", str(_KEY)], timeout_s=30)
    public = _KEY.with_suffix(".pub").read_bytes()
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        folder = tarfile.TarInfo(".ssh")
        folder.type, folder.mode = tarfile.DIRTYPE, 0o700
        tar.addfile(folder)
        keys = tarfile.TarInfo(".ssh/authorized_keys")
        keys.mode, keys.size = 0o600, len(public)
        tar.addfile(keys, io.BytesIO(public))
    container.put_archive("/root", archive.getvalue())


def _output(container: Container, *argv: str) -> tuple[int | None, str]:
    result = container.exec_run(list(argv))
    output = result.output if isinstance(result.output, bytes) else b"".join(result.output)
    return result.exit_code, output.decode(errors="replace")


def _replace(path: Path, text: str) -> None:
    building = path.with_name(path.name + ".new")
    building.write_text(text)
    building.replace(path)
