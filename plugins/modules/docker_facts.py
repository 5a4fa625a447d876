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
  unit:
    description: The engine's unit.
    type: str
    default: docker.service
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
engine: {description: Version of the engine; 0 where there is none., returned: success, type: str}
runs: {description: Whether the engine's unit is active., returned: success, type: bool}
starts_at_boot: {description: Whether the engine's unit is enabled., returned: success, type: bool}
has_proxy: {description: Whether the engine has the proxy settings of the role docker., returned: success, type: bool}
has_own_proxy: {description: Whether the site has given the engine a proxy itself., returned: success, type: bool}
configured:
  description: >-
    Whether M(alchemorsel.ai.docker_daemon_config) would find nothing to do; false where it was not asked for.
  returned: success
  type: bool
"""

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.alchemorsel.ai.plugins.module_utils.docker_daemon import is_converged
from ansible_collections.alchemorsel.ai.plugins.module_utils.host_facts import packages, unit, within_deadline
from ansible_collections.alchemorsel.ai.plugins.module_utils.survey_packages import engine_has_proxy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    Run = Callable[[list[str]], tuple[int, str, str]]

PROXY_DROP_IN = Path("/etc/systemd/system/docker.service.d/alchemorsel-proxy.conf")


class Host:
    """A host as far as Docker goes.

    Args:
        run: Runs a command within a deadline; returns exit status, output and errors.
    """

    def __init__(self, run: Run) -> None:
        self._run = run

    def describe(self, names: Iterable[str], repository: str, sources: Path, name: str) -> dict[str, Any]:
        """Return what is documented under RETURN."""
        installed, held = packages(self._run, names)
        state = unit(self._run, name)
        version = re.search(r"\d+[.\d]*", self._run(["dockerd", "--version"])[1])
        return {
            "installed": installed,
            "held": held,
            "source_files": self._naming(repository, sources),
            "engine": version.group() if version else "0",
            "runs": state["active"],
            "starts_at_boot": state["enabled"],
            "has_proxy": PROXY_DROP_IN.exists(),
            "has_own_proxy": engine_has_proxy(Path("/")),
        }

    def _naming(self, repository: str, sources: Path) -> list[str]:
        if not repository or not sources.is_dir():
            return []
        bare = repository.rstrip("/")
        files = (path for pattern in ("*.list", "*.sources") for path in sources.glob(pattern))
        return sorted(str(path) for path in files if bare in path.read_text(encoding="utf-8", errors="replace"))


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "packages": {"type": "list", "elements": "str", "required": True},
            "repository": {"type": "str", "default": ""},
            "sources": {"type": "path", "default": "/etc/apt/sources.list.d"},
            "unit": {"type": "str", "default": "docker.service"},
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
    params = module.params
    host = Host(within_deadline(module))
    described = host.describe(params["packages"], params["repository"], Path(params["sources"]), params["unit"])
    daemon = params["daemon"]
    configured = bool(daemon) and is_converged(
        Path(daemon["path"]), Path(daemon["record"]), daemon["defaults"], daemon["options"]
    )
    module.exit_json(changed=False, configured=configured, **described)


if __name__ == "__main__":
    main()
