"""One site.yml brings a host of any revision with an edge to this one, while callers ask."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.lifecycle.conftest import callers, steady
from tests.lifecycle.test_upgrade import recap
from tests.upgrade.conftest import OF_ANOTHER_REVISION, has_edge

if TYPE_CHECKING:
    from tests.lifecycle.conftest import Play
    from tests.lifecycle.steady import SteadyRequests

__all__ = ["callers", "steady"]

GROUP = "ai_service_hosts"

pytestmark = [
    pytest.mark.timeout(3000),
    pytest.mark.skipif(
        not OF_ANOTHER_REVISION or not has_edge(), reason="FORMER_REVISION names no revision with an edge"
    ),
]


def test_one_run_upgrades_without_a_lost_request_and_the_second_changes_nothing(
    play: Play, steady: SteadyRequests
) -> None:
    """A dry run shows it first, and does nothing."""
    shown = play("site.yml", "--check")
    assert shown.returncode == 0, shown.stdout
    assert recap(shown.stdout)["changed"] > 0, "the host is of this revision already"
    with steady:
        upgraded = play("site.yml")
    assert upgraded.returncode == 0, upgraded.stdout
    assert steady.answered > 0
    assert steady.lost == []
    again = play("site.yml")
    assert again.returncode == 0, again.stdout
    assert recap(again.stdout)["changed"] == 0, again.stdout
