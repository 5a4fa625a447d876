#!/usr/bin/python
# Copyright: Alchemorsel contributors
# MIT License (see LICENSE)
"""Ansible module: what a host has of Docker - packages and their sources, the engine, its settings and its unit."""

from __future__ import annotations

DOCUMENTATION = r"""
module: docker_facts
short_description: Gather Docker packages, sources, engine and settings
version_added: 0.1.0
description:
  - Packages with versions and holds, sources of packages that name a repository, the engine's version and its unit,
    and whether its settings are as they should be.
  - Reads only; check mode is no different. One module in place of a task for each, because a task costs a round trip.
options:
  packages:
    description: Packages to look for.
    type: list
    elements: str
    required: true
  repository:
    description: URL of a repository of packages; the files that name it are listed.
    type: str
    default: ""
  sources:
    description: Folder of apt's lists of sources.
    type: path
    default: /etc/apt/sources.list.d
  daemon:
    description: Settings to look for, as the module M(alchemorsel.ai.docker_daemon_config) would be given them.
    type: dict
    suboptions:
      path: {description: The configuration file., type: path, required: true}
      record: {description: File that remembers what is ours., type: path, required: true}
      defaults: {description: Settings that give way., type: dict, default: {}}
      options: {description: Settings that do not., type: dict, default: {}}
extends_documentation_fragment: [alchemorsel.ai.attributes.read]
author: Alchemorsel contributors (!UNKNOWN)
"""

EXAMPLES = r"""
- name: Look at what is there
  alchemorsel.ai.docker_facts:
    packages: [docker.io, docker-ce]
"""

RETURN = r"""
installed: {description: Version by name of each package that is installed., returned: success, type: dict}
held: {description: Packages that apt may not change., returned: success, type: list, elements: str}
source_files: {description: Files of sources that name the repository., returned: success, type: list, elements: str}
engine: {description: Version of the engine's program; 0 where there is none., returned: success, type: str}
runs: {description: Whether the engine's unit is active., returned: success, type: bool}
starts_at_boot: {description: Whether the engine's unit is enabled., returned: success, type: bool}
has_proxy: {description: Whether the engine has the proxy settings of the role docker., returned: success, type: bool}
has_own_proxy: {description: Whether the site has given the engine a proxy itself., returned: success, type: bool}
data: {description: Folders of Docker and containerd that hold something., returned: success, type: list, elements: str}
configured:
  description: >-
    Whether M(alchemorsel.ai.docker_daemon_config) would find nothing to do; false where it was not asked for.
  returned: success
  type: bool
defaults:
  description: >-
    Those of the O(daemon) settings that give way and can be in force on this host, beside its unit's flags and in its
    Swarm.
  returned: success
  type: dict
pending:
  description: Names of the settings that the running engine has not taken up, with those that would be merged now.
  returned: success
  type: list
  elements: str
needing_restart:
  description: Those of them that a reload does not take up.
  returned: success
  type: list
  elements: str
stopped_containers:
  description: Running containers that taking them up would stop, without Alchemorsel's.
  returned: success
  type: list
  elements: str
survey: {description: What the host has of container engines., returned: success, type: dict}
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.alchemorsel.ai.plugins.module_utils import docker_flags, docker_pending, survey_engine
from ansible_collections.alchemorsel.ai.plugins.module_utils.docker_daemon import (
    BadConfigError,
    is_converged,
    plan,
    read_object,
)
from ansible_collections.alchemorsel.ai.plugins.module_utils.host_facts import packages, within_deadline
from ansible_collections.alchemorsel.ai.plugins.module_utils.survey_packages import engine_has_proxy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    Run = Callable[[list[str]], tuple[int, str, str]]

PROXY_DROP_IN = Path("/etc/systemd/system/docker.service.d/alchemorsel-proxy.conf")
DATA = ("/var/lib/docker", "/var/lib/containerd", "/etc/docker")
NOT_ASKED_FOR: dict[str, Any] = {
    "configured": False,
    "defaults": {},
    "pending": [],
    "needing_restart": [],
    "stopped_containers": [],
}


class Host:
    """A host as far as Docker goes.

    Args:
        run: Runs a command within a deadline; returns exit status, output and errors.
        root: Root of the file system.
    """

    def __init__(self, run: Run, root: Path) -> None:
        self._run = run
        self._root = root

    def describe(self, names: Iterable[str], repository: str, sources: Path) -> dict[str, Any]:
        """Return what is documented under RETURN, without the settings."""
        installed, held = packages(self._run, names)
        found = survey_engine.survey(self._run, self._root)
        unit = found["units"][survey_engine.UNIT]
        return {
            "installed": installed,
            "held": held,
            "source_files": self._naming(repository, sources),
            "engine": survey_engine.program_version(self._run, found["program"] or "dockerd"),
            "runs": unit["active"] == "active",
            "starts_at_boot": unit["enabled"] == "enabled",
            "has_proxy": PROXY_DROP_IN.exists(),
            "has_own_proxy": engine_has_proxy(Path("/")),
            "data": [path for path in DATA if _holds_something(self._root / path.lstrip("/"))],
            "survey": found,
        }

    def _naming(self, repository: str, sources: Path) -> list[str]:
        if not repository or not sources.is_dir():
            return []
        bare = repository.rstrip("/")
        files = (path for pattern in ("*.list", "*.sources") for path in sources.glob(pattern))
        return sorted(str(path) for path in files if bare in path.read_text(encoding="utf-8", errors="replace"))


def _holds_something(folder: Path) -> bool:
    return folder.is_dir() and next(folder.iterdir(), None) is not None


def settings(daemon: Mapping[str, Any], survey: Mapping[str, Any], root: Path) -> dict[str, Any]:
    """Return what is documented under RETURN of the engine's settings.

    Args:
        daemon: The module's parameter.
        survey: What survey_engine found.
        root: Root of the file system.
    """
    path, record = Path(daemon["path"]), Path(daemon["record"])
    unit, engine = survey["units"][survey_engine.UNIT], survey["engine"]
    defaults = docker_flags.applicable(
        daemon["defaults"], survey["flags"], is_swarm_member=engine["swarm"] != "inactive"
    )
    if survey["config_error"]:
        return {**NOT_ASKED_FOR, "defaults": defaults}
    found = {
        **NOT_ASKED_FOR,
        "configured": is_converged(path, record, defaults, daemon["options"]),
        "defaults": defaults,
    }
    try:
        current, applied = read_object(path), read_object(record)
    except BadConfigError:
        return found
    if unit["active"] != "active":  # its start will take up all of the file
        return found
    modified = path.stat().st_mtime if path.exists() else 0.0
    taken_up = docker_pending.in_force(
        root / docker_pending.STAMP, unit["invocation"], unit["since"], current, modified
    )
    wanted, _ours = plan(current, applied, defaults, daemon["options"])
    names = docker_pending.pending(taken_up, wanted)
    names += docker_pending.of_the_unit(unit["files"], root, unit["since"])
    survive = docker_pending.survives(wanted, survey["flags"], keeps=unit["keeps"])
    running = [container["name"] for container in engine["containers"]]
    restarting = docker_pending.needing_restart(names, wanted)
    stopped = docker_pending.stopped_by(restarting, running, survive=survive)
    return {
        **found,
        "pending": names,
        "needing_restart": restarting,
        "stopped_containers": docker_pending.of_others(stopped),
    }


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "packages": {"type": "list", "elements": "str", "required": True},
            "repository": {"type": "str", "default": ""},
            "sources": {"type": "path", "default": "/etc/apt/sources.list.d"},
            "daemon": {
                "type": "dict",
                "options": {
                    "path": {"type": "path", "required": True},
                    "record": {"type": "path", "required": True},
                    "defaults": {"type": "dict", "default": {}},
                    "options": {"type": "dict", "default": {}},
                },
            },
        },
        supports_check_mode=True,
    )
    params, root = module.params, Path("/")
    host = Host(within_deadline(module), root)
    described = host.describe(params["packages"], params["repository"], Path(params["sources"]))
    found = dict(NOT_ASKED_FOR)
    if params["daemon"]:
        found = settings(params["daemon"], described["survey"], root)
    module.exit_json(changed=False, **found, **described)


if __name__ == "__main__":
    main()
