"""Which release the role ai_service runs, and which it deletes once the new one has proven itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from jinja2.nativetypes import NativeEnvironment

VARS = yaml.safe_load((Path(__file__).parents[2] / "roles" / "ai_service" / "vars" / "main.yml").read_text())


def superfluous(release: str, keep: int, deployed: list[str], half_made: list[str], tried: tuple[str, ...] = ()) -> Any:
    """Return what the role would delete; `deployed` is the last one first, `tried` never served."""
    known: dict[str, Any] = {
        "ai_service_keep_releases": keep,
        "__ai_service_release": release,
        "__ai_service_facts": {"whole": [*deployed, *tried], "deployed": deployed, "half_made": half_made},
    }
    environment = NativeEnvironment()
    known["__ai_service_other_releases"] = environment.from_string(VARS["__ai_service_other_releases"]).render(known)
    return environment.from_string(VARS["__ai_service_surplus_releases"]).render(known)


@pytest.mark.parametrize(
    ("keep", "deleted"),
    [(1, ["d", "c", "b", "a"]), (2, ["c", "b", "a"]), (3, ["b", "a"]), (5, []), (9, [])],
)
def test_oldest_releases_go(keep: int, deleted: list[str]) -> None:
    """The new release counts as one of those that stay, whether the host knew it before or not."""
    assert superfluous("new", keep, ["d", "c", "b", "a"], []) == deleted
    assert superfluous("new", keep, ["new", "d", "c", "b", "a"], []) == deleted


def test_current_release_stays_however_old_it_is() -> None:
    """After a step back the current release is not the newest."""
    assert superfluous("a", 1, ["c", "b", "a"], []) == ["c", "b"]


def test_half_made_releases_go_but_for_the_one_just_made() -> None:
    """What was half-made when the play began may be the release that it finished."""
    assert superfluous("b", 3, ["a"], ["b", "c"]) == ["c"]


def test_release_that_failed_its_trial_goes_with_the_next_deployment() -> None:
    """It takes the place of none that could be gone back to."""
    assert superfluous("new", 3, ["b", "a"], [], tried=("broken", "new")) == ["broken"]


def test_fresh_host_has_nothing_to_delete() -> None:
    """The first release is the only one."""
    assert superfluous("a", 3, [], []) == []


def chosen(wanted: str, current: str, deployed: list[str]) -> Any:
    """Return the release that the role would run; `new` is the one that the source would make."""
    known: dict[str, Any] = {
        "ai_service_release": wanted,
        "__ai_service_built_release": "new",
        "__ai_service_facts": {"deployed": deployed, "current": f"/opt/releases/{current}" if current else ""},
    }
    environment = NativeEnvironment()
    environment.filters["basename"] = lambda path: path.rpartition("/")[2]
    known["__ai_service_previous_releases"] = environment.from_string(VARS["__ai_service_previous_releases"]).render(
        known
    )
    return environment.from_string(VARS["__ai_service_release"]).render(known)


@pytest.mark.parametrize(
    ("wanted", "current", "release"),
    [("", "c", "new"), ("a", "c", "a"), ("previous", "c", "b"), ("previous", "b", "a"), ("previous", "a", "")],
)
def test_release_is_the_sources_the_named_or_the_one_before(wanted: str, current: str, release: str) -> None:
    """Going back twice leads to the one before that, not forth again; before the first there is none."""
    assert chosen(wanted, current, ["c", "b", "a"]) == release


def test_host_that_lost_its_current_release_goes_back_to_the_last_one() -> None:
    """The link leads nowhere: whatever was deployed last is before it."""
    assert chosen("previous", "", ["c", "b"]) == "c"
    assert chosen("previous", "gone", ["c", "b"]) == "c"
