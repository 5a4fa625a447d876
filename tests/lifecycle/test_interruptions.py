"""A play that is cut off or refused leaves nothing that the next run does not mend."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from tests.lifecycle.test_upgrade import recap

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from testinfra.host import Host

    from tests.hosts.conftest import Variables
    from tests.lifecycle.conftest import Begin, Play

GROUP = "ai_service_hosts"
SMALL = "/mnt/small"

pytestmark = pytest.mark.timeout(2000)


def cut_connections(folder: Path) -> int:
    """End the connections that a play shares between its tasks, whatever goes on in them; returns how many."""
    sockets = [path for path in folder.iterdir() if path.is_socket()]
    for path in sockets:
        subprocess.run(
            ["ssh", "-o", f"ControlPath={path}", "-O", "exit", "host"], capture_output=True, timeout=20, check=False
        )
    return len(sockets)


def test_connection_lost_in_the_middle_is_made_up_for(begin: Begin, play: Play, tmp_path: Path) -> None:
    """Whether the play gets over it or ends as unreachable: the next run has all as it should be."""
    change = ("-e", "redis_maxmemory=200mb", "-e", "ollama_keep_alive=23h")
    cut = 0
    with begin("site.yml", *change) as running:
        assert running.stdout is not None
        for line in running.stdout:
            if line.startswith("TASK [") and any(role in line for role in (".ollama :", ".redis :", ".ai_service :")):
                cut += cut_connections(tmp_path)
    assert cut > 0
    again = play("site.yml", *change)
    assert again.returncode == 0, again.stdout
    settled = play("site.yml", *change)
    assert recap(settled.stdout)["changed"] == 0, settled.stdout
    back = play("site.yml")
    assert back.returncode == 0, back.stdout


def test_another_host_key_is_refused_with_its_reason(host: Host, play: Play, tmp_path: Path) -> None:
    """Somebody else may answer at the address: the report of preflight says so, and no play goes on."""
    names = host.ansible.get_variables()
    key = tmp_path / "other"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], timeout=20, check=True)
    kind, text = key.with_suffix(".pub").read_text().split()[:2]
    known = tmp_path / "known_hosts"
    known.write_text(f"{names['inventory_hostname']} {kind} {text}\n")
    arguments = (
        f"-o UserKnownHostsFile={known} -o HostKeyAlias={names['inventory_hostname']} -o StrictHostKeyChecking=yes"
    )
    refused = play("site.yml", "-e", f"ansible_ssh_common_args='{arguments}'")
    told = " ".join(refused.stdout.split())
    assert refused.returncode != 0
    assert "Host key verification failed" in told
    assert "Nothing was changed anywhere" in told


@pytest.fixture
def small(host: Host) -> Iterator[str]:
    """Mount a file system smaller than a model."""
    host.check_output("mkdir --parents %s", SMALL)
    host.check_output("mount -t tmpfs -o size=64m tmpfs %s", SMALL)
    yield SMALL
    host.run("umount --lazy %s", SMALL)


def test_models_that_do_not_fit_are_told_and_mended_by_room(
    host: Host, play: Play, variables: Variables, small: str
) -> None:
    """Preflight refuses the disk; told to accept less, the pull says what is full; with room again all is there."""
    paths = ("-e", f"model_volume_path={small}", "-e", f"ollama_models_path={small}")
    refused = play("site.yml", *paths)
    assert refused.returncode != 0
    assert "Nothing was changed anywhere" in " ".join(refused.stdout.split())
    tried = play("playbooks/provision.yml", *paths, "-e", "model_volume_min_free_gb=0.01")
    assert tried.returncode != 0
    assert "no space left on device" in tried.stdout.lower()
    mended = play("site.yml")
    assert mended.returncode == 0, mended.stdout
    listed = host.check_output("docker exec %s ollama list", variables("ollama")["ollama_container_name"])
    assert all(model["name"] in listed for model in variables("ollama")["ollama_models"])
