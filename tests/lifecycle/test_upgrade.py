"""An upgrade says what it will change, changes it without the loss of a request, and the second time nothing."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.lifecycle.releases import running

if TYPE_CHECKING:
    from pathlib import Path

    from testinfra.host import Host

    from tests.hosts.conftest import Variables
    from tests.lifecycle.conftest import Play
    from tests.lifecycle.steady import SteadyRequests

GROUP = "ai_service_hosts"

pytestmark = pytest.mark.timeout(2000)


def recap(told: str) -> dict[str, int]:
    """Parse the figures in the last line of a play's recap, by word."""
    return {word: int(count) for word, count in re.findall(r"(\w+)=(\d+)", told.rpartition("PLAY RECAP")[2])}


@pytest.fixture
def image(host: Host, variables: Variables) -> str:
    """Push the host's image of Ollama under another name, as a new version would have."""
    now = variables("ollama")["ollama_image"]
    new = f"{now}-next"
    host.check_output("docker tag %s %s", now, new)
    host.check_output("docker push %s", new)
    return new


def test_release_and_image_are_upgraded_and_the_second_time_nothing(
    host: Host, play: Play, steady: SteadyRequests, newer_source: Path, image: str
) -> None:
    """What a cut-off run left is built again, callers noticed nothing, and a repetition finds nothing to do."""
    arguments = ("-e", f"ai_service_source={newer_source}", "-e", f"ollama_image={image}")
    before = running(host)
    shown = play("playbooks/upgrade.yml", *arguments, "--check")
    assert shown.returncode == 0, shown.stdout
    assert "would roll out 9." in shown.stdout
    assert f"+    image_name: {image}" in shown.stdout
    assert running(host) == before
    (release,) = set(re.findall(r"would roll out (9\.\S+)", shown.stdout))
    folder = f"/opt/alchemorsel/ai_service/releases/{release}"
    host.check_output("mkdir --parents %s && rm --force %s", f"{folder}/venv", f"{folder}/release.json")
    with steady:
        upgraded = play("playbooks/upgrade.yml", *arguments)
    assert upgraded.returncode == 0, upgraded.stdout
    assert f"Delete the incomplete release {release}" in upgraded.stdout
    assert running(host)[0] == release
    assert host.check_output("docker ps --format %s", "{{.Image}}").splitlines() == [image]
    assert steady.lost == []
    again = play("playbooks/upgrade.yml", *arguments)
    assert again.returncode == 0, again.stdout
    assert recap(again.stdout)["changed"] == 0, again.stdout


def test_verification_changes_nothing(play: Play) -> None:
    """It can be run at any time, on a site in use."""
    verified = play("playbooks/verify.yml")
    assert verified.returncode == 0, verified.stdout
    assert recap(verified.stdout)["changed"] == 0, verified.stdout


def test_one_role_can_be_run_by_its_tag(play: Play) -> None:
    """As the runbook has it; roles whose tags were not chosen look for nothing, and miss nothing."""
    run = play("site.yml", "--tags", "redis,ai_service")
    assert run.returncode == 0, run.stdout
    assert recap(run.stdout)["failed"] == 0


def test_teardown_without_a_yes_takes_nothing_away(host: Host, play: Play) -> None:
    """Where nobody can be asked, nothing is taken for a yes."""
    before = running(host)
    refused = play("playbooks/teardown.yml")
    assert refused.returncode != 0
    assert "pass -e teardown_confirm=yes" in refused.stdout
    assert running(host) == before
