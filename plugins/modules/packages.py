#!/usr/bin/python
# Copyright: Alchemorsel contributors
# MIT License (see LICENSE)
"""Ansible module: install or remove Debian packages beside others who do the same."""

from __future__ import annotations

DOCUMENTATION = r"""
module: packages
short_description: Install or remove packages by apt-get
version_added: 0.1.0
description:
  - Waits for the locks of apt and dpkg, those of lists and archives too, and names who holds them. The module
    M(ansible.builtin.apt) first installs python3-apt on a host that lacks it, and fails there at once where anybody
    holds a lock.
  - Downloads lists that are missing, however fresh apt's stamp says they are, and once more where a package is not
    known or its file is gone from the archive.
  - Refuses what would remove, downgrade or, though it is held, change a package that was not named, and says who needs
    it. M(ansible.builtin.apt) removes what is in the way without a word.
  - Refuses a host whose dpkg was interrupted, with the way out. Settings that somebody changed stay as they are.
options:
  name:
    description:
      - Packages as apt takes them, with C(=version) where one is wanted; C(*) may end it.
      - An empty list downloads the lists of packages where they are missing or older than O(cache_valid_time).
    type: list
    elements: str
    required: true
  state:
    description: C(latest) upgrades what is installed.
    type: str
    choices: [present, latest, absent]
    default: present
  purge:
    description: With O(state=absent), remove the configuration too, also of packages that were removed before.
    type: bool
    default: false
  keeps_stopped:
    description: Do not start the units that come with the packages.
    type: bool
    default: false
  is_pinned:
    description: Downgrade and change held packages too.
    type: bool
    default: false
  guarded:
    description: Installed packages of others whose version has to stay.
    type: list
    elements: str
    default: []
  keeps_dependents:
    description: With O(state=absent), refuse where packages that were not named would go too.
    type: bool
    default: false
  cache_valid_time:
    description: Seconds for which apt's lists count as fresh.
    type: int
    default: 3600
  lock_timeout:
    description: Seconds to wait for locks that others hold.
    type: int
    default: 300
  timeout:
    description: Seconds that one command of apt-get may take.
    type: int
    default: 3600
  proxy:
    description: Environment variables of a proxy, for sources for which apt has none of its own.
    type: dict
    default: {}
attributes:
  check_mode: {support: full, description: The installation is simulated; lists are not downloaded.}
  diff_mode: {support: full, description: "Versions of the packages that change, dependencies included."}
author: Alchemorsel contributors (!UNKNOWN)
"""

EXAMPLES = r"""
- name: Install HAProxy without its default unit
  alchemorsel.ai.packages:
    name: [haproxy]
    keeps_stopped: true
"""

RETURN = r"""
before: {description: Former versions of the packages that changed., returned: success, type: dict}
after: {description: New versions of the packages that changed., returned: success, type: dict}
waited_for: {description: Programs whose locks were waited for., returned: success, type: list, elements: str}
needs_lists:
  description: Whether check mode cannot tell more, because the lists do not know all packages yet.
  returned: success
  type: bool
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.alchemorsel.ai.plugins.module_utils.package_manager import (
    UNKNOWN,
    Changes,
    PackageError,
    PackageManager,
)
from ansible_collections.alchemorsel.ai.plugins.module_utils.package_simulation import Simulation, problems, simulate

if TYPE_CHECKING:
    from collections.abc import Callable

    Run = Callable[[list[str]], tuple[int, str, str]]

ENVIRONMENT = {
    "LC_ALL": "C",  # what is printed is read here
    "DEBIAN_FRONTEND": "noninteractive",
    "DEBIAN_PRIORITY": "critical",
    "APT_LISTCHANGES_FRONTEND": "none",
    "NEEDRESTART_MODE": "l",  # listed, not restarted: units of others are theirs
}


def install(manager: PackageManager, params: dict[str, Any], flags: list[str]) -> Changes:
    """Install packages; once more with newer lists, where these may mend the failure."""
    complaint = manager.update() if manager.lists_are_older_than(params["cache_valid_time"]) else None
    while True:
        assert_others_keep_theirs(manager.run, params, simulate(manager.run, params["name"], flags=flags))
        try:
            return manager.apply("install", params["name"], flags, keeps_stopped=params["keeps_stopped"])
        except PackageError as error:
            if not UNKNOWN.search(str(error)):
                raise
            if complaint is not None:
                raise PackageError("; ".join(filter(None, (str(error), complaint)))) from error
            complaint = manager.update()


def plan(manager: PackageManager, params: dict[str, Any], flags: list[str]) -> tuple[Changes, bool]:
    """Return what an installation would change, and whether the lists are too old to tell."""
    planned = simulate(manager.run, params["name"], flags=flags)
    assert_others_keep_theirs(manager.run, params, planned)
    if planned.is_unknown:
        return Changes({}, dict.fromkeys(params["name"], "?")), True
    return planned_changes(planned), False


def planned_changes(planned: Simulation) -> Changes:
    """Return what a plan would change.

    Raises:
        PackageError: apt-get refuses.
    """
    if planned.refusal:
        raise PackageError(planned.refusal)
    return planned.changes


def assert_others_keep_theirs(run: Run, params: dict[str, Any], planned: Simulation) -> None:
    """Refuse an installation or removal by which others would lose a package; apt-get itself tells what it cannot do.

    Raises:
        PackageError: It names what would be lost, who needs it, and the way out.
    """
    if refused := problems(run, planned, params["name"], params["guarded"]):
        raise PackageError(f"{'; '.join(refused)}. Nothing was changed")


def lines(versions: dict[str, str]) -> str:
    """Return versions by package as a text to compare."""
    return "".join(f"{name} {version}\n" for name, version in sorted(versions.items()))


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "name": {"type": "list", "elements": "str", "required": True},
            "state": {"type": "str", "choices": ["present", "latest", "absent"], "default": "present"},
            "purge": {"type": "bool", "default": False},
            "keeps_stopped": {"type": "bool", "default": False},
            "is_pinned": {"type": "bool", "default": False},
            "guarded": {"type": "list", "elements": "str", "default": []},
            "keeps_dependents": {"type": "bool", "default": False},
            "cache_valid_time": {"type": "int", "default": 3600},
            "lock_timeout": {"type": "int", "default": 300},
            "timeout": {"type": "int", "default": 3600},
            "proxy": {"type": "dict", "default": {}, "no_log": True},
        },
        supports_check_mode=True,
    )
    params = module.params
    environment = ENVIRONMENT | {name: str(value) for name, value in params["proxy"].items()}

    def run(command: list[str]) -> tuple[int, str, str]:
        result: tuple[int, str, str] = module.run_command(
            ["timeout", "--signal=INT", str(params["timeout"]), *command], environ_update=environment
        )
        return result

    manager = PackageManager(run, Path("/"), params["lock_timeout"])
    try:
        changes, needs_lists = converge(manager, params, check_mode=module.check_mode)
    except PackageError as error:
        module.fail_json(msg=str(error), waited_for=manager.waited_for)
    module.exit_json(
        changed=needs_lists or changes.before != changes.after,
        diff={"before": lines(changes.before), "after": lines(changes.after)},
        before=changes.before,
        after=changes.after,
        waited_for=manager.waited_for,
        needs_lists=needs_lists,
    )


def converge(manager: PackageManager, params: dict[str, Any], *, check_mode: bool) -> tuple[Changes, bool]:
    """Install or remove what there is to install or remove; in check mode, return what that would be."""
    flags = ["--allow-downgrades", "--allow-change-held-packages"] if params["is_pinned"] else []
    if not params["name"]:
        return refresh(manager, params["cache_valid_time"], check_mode=check_mode), False
    if params["state"] == "absent":
        names = manager.present(params["name"], purges=params["purge"])
        if not names:
            return Changes({}, {}), False
        manager.assert_healthy(names)
        command = "purge" if params["purge"] else "remove"
        planned = simulate(manager.run, names, command, flags)
        if params["keeps_dependents"]:
            assert_others_keep_theirs(manager.run, {**params, "name": names}, planned)
        changes = planned_changes(planned) if check_mode else manager.apply(command, names, flags)
        # What was removed before has no version any more, but its configuration goes.
        return Changes(dict.fromkeys(names, "(configuration)") | changes.before, changes.after), False
    names = params["name"] if params["state"] == "latest" else manager.missing(params["name"])
    if not names:
        return Changes({}, {}), False
    manager.assert_healthy(names)
    wanted = {**params, "name": names}
    return plan(manager, wanted, flags) if check_mode else (install(manager, wanted, flags), False)


def refresh(manager: PackageManager, cache_valid_time: int, *, check_mode: bool) -> Changes:
    """Download the lists where they are missing or too old; a source that does not answer is a failure here."""
    if not manager.lists_are_older_than(cache_valid_time):
        return Changes({}, {})
    if not check_mode:
        manager.refresh()
    return Changes({}, {"(package lists)": "downloaded"})


if __name__ == "__main__":
    main()
