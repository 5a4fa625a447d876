"""One site.yml brings a host of the revision before the edge to this one, with one announced gap and no way back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.lifecycle.releases import running
from tests.lifecycle.test_upgrade import recap
from tests.upgrade.conftest import OF_ANOTHER_REVISION, has_edge
from tests.upgrade.gap import GapProbe

if TYPE_CHECKING:
    from testinfra.host import Host

    from tests.hosts.conftest import Variables
    from tests.lifecycle.conftest import Play

GROUP = "ai_service_hosts"

pytestmark = [
    pytest.mark.timeout(3000),
    pytest.mark.skipif(
        not OF_ANOTHER_REVISION or has_edge(), reason="FORMER_REVISION names no revision of before the edge"
    ),
]


def former_units(host: Host) -> list[str]:
    """List the units of releases before the edge that systemd has loaded or enabled."""
    listed = host.check_output("systemctl list-units --all --plain --no-legend 'alchemorsel-ai*'")
    files = host.check_output("systemctl list-unit-files --plain --no-legend 'alchemorsel-ai*'")
    names = {line.split()[0] for line in (listed + "\n" + files).splitlines() if line.strip()}
    return sorted(name for name in names if any(word in name for word in (".socket", "blue", "green")))


def test_one_run_brings_the_edge_with_one_gap(
    host: Host, play: Play, variables: Variables, request: pytest.FixtureRequest
) -> None:
    """A dry run works; callers of API and page lose what they ask within one announced gap, and nothing else."""
    assert "alchemorsel-ai.socket" in former_units(host), "the host was not provisioned by the former revision"
    address = host.ansible.get_variables()["ansible_host"]
    shown = play("site.yml", "--check")
    assert shown.returncode == 0, shown.stdout
    assert "alchemorsel-ai.socket" in former_units(host)
    api = GapProbe(address, variables("ai_service")["ai_service_port"], "/health/ready")
    page = GapProbe(address, variables("web")["web_port"], "/health/live")
    with api, page:
        upgraded = play("site.yml")
    told = f"gap of the API {api.gap_s:.2f} s ({len(api.failures)} requests), of the page {page.gap_s:.2f} s"
    request.config.get_terminal_writer().line(told)
    assert upgraded.returncode == 0, upgraded.stdout
    assert api.answered > 0
    assert (api.gaps, page.gaps) == (1, 1), (api.failures, page.failures)
    assert "callers are refused for up to 2 s" in " ".join(upgraded.stdout.split())
    assert former_units(host) == []
    assert running(host)[0]


def test_second_run_changes_nothing(play: Play) -> None:
    """Nothing of the way here is left to be done."""
    again = play("site.yml")
    assert again.returncode == 0, again.stdout
    assert recap(again.stdout)["changed"] == 0, again.stdout


def test_rollback_across_the_edge_is_refused_with_its_reason(host: Host, play: Play) -> None:
    """The former release cannot listen on a Unix socket; what serves goes on."""
    before = running(host)
    refused = play("playbooks/rollback.yml")
    told = " ".join(refused.stdout.split())
    assert refused.returncode != 0
    assert "was built before the edge" in told
    assert running(host) == before
