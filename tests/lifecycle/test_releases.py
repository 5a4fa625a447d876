"""A release comes into service without the loss of a request, or not at all; and it can be taken back."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.lifecycle.steady import SteadyRequests

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable

    from testinfra.host import Host

    from tests.hosts.conftest import Variables

    Play = Callable[..., subprocess.CompletedProcess[str]]

GROUP = "ai_service_hosts"
SOURCE = Path(__file__).resolve().parents[2] / "ai_service"

pytestmark = pytest.mark.timeout(600)


@pytest.fixture
def steady(host: Host, variables: Variables) -> SteadyRequests:
    """Callers from outside of the host."""
    return SteadyRequests(host.ansible.get_variables()["ansible_host"], variables("ai_service")["ai_service_port"])


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A copy of the service's source, to be changed."""
    copied = tmp_path / "ai_service"
    shutil.copytree(SOURCE, copied, ignore=shutil.ignore_patterns("__pycache__"))
    return copied


def running(host: Host) -> tuple[str, str]:
    """The release that the serving process was started from, and that process."""
    pid = host.check_output("systemctl show --property=MainPID --value alchemorsel-ai@blue.service")
    return host.check_output("readlink /proc/%s/cwd", pid).rpartition("/")[2], pid


def leftovers(host: Host) -> list[str]:
    """What only the exchange of a release needs."""
    told = host.check_output("systemctl list-units --plain --no-legend --all 'alchemorsel-ai*.service'")
    units = [line.split()[0] for line in told.splitlines() if " running " in line]
    files = host.check_output(
        "find /opt/alchemorsel/ai_service /run/systemd/system -maxdepth 1 -name 'green*' -o -name 'alchemorsel*'"
    )
    return [unit for unit in units if unit != "alchemorsel-ai@blue.service"] + files.splitlines()


def test_new_release_loses_no_request_and_can_be_taken_back(
    host: Host, play: Play, steady: SteadyRequests, source: Path
) -> None:
    """Callers on new and on kept connections notice neither the way there nor the way back."""
    before, _ = running(host)
    package = source / "__init__.py"
    package.write_text(package.read_text().replace('__version__ = "', '__version__ = "9.'))
    with steady:
        deployed = play("playbooks/deploy.yml", "-e", f"ai_service_source={source}")
        assert deployed.returncode == 0, deployed.stdout
        after, _ = running(host)
        assert after.startswith("9."), after
        back = play("playbooks/rollback.yml")
        assert back.returncode == 0, back.stdout
    assert running(host)[0] == before
    assert (steady.lost, leftovers(host)) == ([], [])
    assert steady.answered > 0


def test_release_that_crashes_is_never_put_in_service(
    host: Host, play: Play, steady: SteadyRequests, source: Path
) -> None:
    """The play fails with the reason from the release's log; the process that serves stays the same one."""
    before = running(host)
    main = source / "server.py"
    main.write_text(main.read_text() + '\nraise RuntimeError("broken on purpose")\n')
    with steady:
        deployed = play("playbooks/deploy.yml", "-e", f"ai_service_source={source}")
    assert deployed.returncode != 0
    assert "RuntimeError: broken on purpose" in deployed.stdout
    assert f"{before[0]} serves as before" in deployed.stdout
    assert (running(host), steady.lost, leftovers(host)) == (before, [], [])


def test_release_that_cannot_reach_its_provider_is_never_put_in_service(
    host: Host, play: Play, steady: SteadyRequests
) -> None:
    """It starts and is ready, but a fallback answers: the trial notices before any caller does."""
    before = running(host)
    with steady:
        deployed = play("playbooks/deploy.yml", "-e", "ai_service_ollama_url=http://127.0.0.1:9")
    assert deployed.returncode != 0
    assert "expected an answer of ollama" in deployed.stdout
    assert (running(host), steady.lost, leftovers(host)) == (before, [], [])


def test_wheel_with_another_hash_is_refused_and_leaves_nothing(host: Host, play: Play, source: Path) -> None:
    """A wheel that is not the one that was pinned stops the play while the old release serves."""
    before = running(host)
    requirements = source.parent / "service.txt"
    pinned = (SOURCE.parent / "requirements" / "service.txt").read_text()
    requirements.write_text(re.sub(r"sha256:[0-9a-f]{64}", f"sha256:{'0' * 64}", pinned))
    deployed = play("playbooks/deploy.yml", "-e", f"ai_service_requirements={requirements}")
    assert deployed.returncode != 0
    assert "DO NOT MATCH THE HASHES" in deployed.stdout
    assert running(host) == before
