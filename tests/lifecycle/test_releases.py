"""A release comes into service without the loss of a request, or not at all; and it can be taken back."""

from __future__ import annotations

import csv
import re
from typing import TYPE_CHECKING

import pytest

from tests.lifecycle.conftest import SOURCE
from tests.lifecycle.releases import running

if TYPE_CHECKING:
    from pathlib import Path

    from testinfra.host import Host

    from tests.lifecycle.conftest import Play
    from tests.lifecycle.steady import SteadyRequests

GROUP = "ai_service_hosts"

pytestmark = pytest.mark.timeout(2000)


def leftovers(host: Host) -> list[str]:
    """List what only a rollout needs, and instances that the edge still drains."""
    files: list[str] = host.check_output("find /opt/alchemorsel/ai_service/instances -name 'next*'").splitlines()
    script = (
        "import socket; s = socket.socket(socket.AF_UNIX); s.connect('/run/alchemorsel/edge/edge.sock'); "
        "s.sendall(b'show stat\\n'); print(s.makefile().read())"
    )
    rows = csv.DictReader(host.check_output("python3 -c %s", script).lstrip("# ").splitlines())
    servers = [row for row in rows if row["pxname"] == "api" and row["svname"].isdecimal()]
    assert servers
    return files + [f"{row['svname']} {row['status']}" for row in servers if row["status"] != "UP"]


def test_new_release_loses_no_request_and_can_be_taken_back(
    host: Host, play: Play, steady: SteadyRequests, newer_source: Path
) -> None:
    """Callers on new and on kept connections notice neither the way there nor the way back."""
    before, _ = running(host)
    with steady:
        deployed = play("playbooks/deploy.yml", "-e", f"ai_service_source={newer_source}")
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
    """The play fails with the reason from the release's log; the canary alone was stopped, and is back."""
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
    """It starts and is ready, but a fallback answers: its verification fails before any caller reaches it."""
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


def test_wheelhouse_without_a_requirement_is_refused_by_its_name(host: Host, play: Play, source: Path) -> None:
    """Pip asks no index instead, and nothing is left of the release."""
    listing = "ls /opt/alchemorsel/ai_service/releases"
    before, releases = running(host), host.check_output(listing)
    wheelhouse = source.parent / "wheels"
    wheelhouse.mkdir()
    (wheelhouse / "other-1.0-py3-none-any.whl").touch()
    (source / "added.py").touch()
    given = ("-e", f"ai_service_source={source}", "-e", f"ai_service_wheelhouse={wheelhouse}")
    deployed = play("playbooks/deploy.yml", *given)
    assert deployed.returncode != 0
    assert "ai_service_wheelhouse has no wheel of" in " ".join(deployed.stdout.split())
    assert (running(host), host.check_output(listing)) == (before, releases)
