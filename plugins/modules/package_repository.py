#!/usr/bin/python
"""Ansible module: pack Debian packages with all that they need as a repository."""

from __future__ import annotations

DOCUMENTATION = r"""
module: package_repository
short_description: Create a repository of Debian packages and their dependencies
version_added: 0.1.0
description:
  - Lets apt solve the packages for a machine on which nothing is installed, so that they install on any machine of the
    release, however little it has. Downloads them from the sources of this host, and packs them with an index. The file
    C(Release) is the last of the archive, so that an unpacking that was interrupted lacks it.
  - Lists and cache of this host's apt are left alone; the module downloads lists of its own.
options:
  path:
    description: Archive to write, beside which there is room for the packages.
    type: path
    required: true
  packages:
    description: Names of packages.
    type: list
    elements: str
    required: true
  timeout:
    description: Seconds that the download may take.
    type: int
    default: 1800
attributes:
  check_mode:
    support: full
    description: Lists are downloaded and the packages solved; no package is downloaded, no archive written.
  diff_mode: {support: none, description: An archive is no text.}
author: Alchemorsel contributors (!UNKNOWN)
"""

EXAMPLES = r"""
- name: Have the engine and all that it needs in an archive
  alchemorsel.ai.package_repository:
    path: /var/tmp/work/packages.tar
    packages: [docker.io]
"""

RETURN = r"""
files:
  description: Number of packages in the repository, or of those it would have in check mode.
  returned: success
  type: int
"""

import email.utils
import hashlib
import re
import tarfile
import tempfile
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule


def apt(folder: Path, *arguments: str) -> list[str]:
    """Return a command of apt-get for a machine on which nothing is installed, with its state and cache in `folder`."""
    options = [
        f"Dir::State={folder}",
        f"Dir::State::status={folder / 'status'}",  # an empty list: nothing is installed
        f"Dir::Cache={folder}",
        f"Dir::Cache::archives={folder}",
        "APT::Sandbox::User=root",  # the folder is root's
        "Acquire::Retries=3",
    ]
    settings = [word for option in options for word in ("-o", option)]
    return ["apt-get", *settings, "--yes", "--quiet", "--no-install-recommends", *arguments]


def stanza(control: str, path: Path) -> str:
    """Return the entry of a package in the index.

    Args:
        control: What `dpkg-deb --field` says of it.
        path: The package.
    """
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return f"{control.strip()}\nFilename: ./{path.name}\nSize: {path.stat().st_size}\nSHA256: {digest}\n"


def release(index: bytes) -> str:
    """Return the Release file of a repository whose index is `index`."""
    digest = hashlib.sha256(index).hexdigest()
    date = email.utils.formatdate(usegmt=True)
    return f"Date: {date}\nSHA256:\n {digest} {len(index)} Packages\n"


def main() -> None:
    """Run as an Ansible module."""
    module = AnsibleModule(
        argument_spec={
            "path": {"type": "path", "required": True},
            "packages": {"type": "list", "elements": "str", "required": True},
            "timeout": {"type": "int", "default": 1800},
        },
        supports_check_mode=True,
    )
    module.run_command_environ_update = {"LC_ALL": "C"}
    archive = Path(module.params["path"])
    limit = ["timeout", str(module.params["timeout"])]
    with tempfile.TemporaryDirectory(dir=None if module.check_mode else archive.parent) as name:
        folder = Path(name)
        (folder / "partial").mkdir()
        (folder / "status").touch()
        module.run_command([*limit, *apt(folder, "update")], check_rc=True)
        how = "--simulate" if module.check_mode else "--download-only"
        command = [*limit, *apt(folder, how, "install", *module.params["packages"])]
        _code, output, _errors = module.run_command(command, check_rc=True)
        if module.check_mode:
            module.exit_json(changed=True, files=len(re.findall(r"^Inst ", output, re.MULTILINE)))
        packages = sorted(folder.glob("*.deb"))
        entries = []
        for path in packages:
            _code, control, _errors = module.run_command(["dpkg-deb", "--field", str(path)], check_rc=True)
            entries.append(stanza(control, path))
        index = "\n".join(entries).encode()
        (folder / "Packages").write_bytes(index)
        (folder / "Release").write_text(release(index))
        with tarfile.open(archive, "w") as tar:
            for path in [*packages, folder / "Packages", folder / "Release"]:
                tar.add(path, arcname=path.name)
    module.exit_json(changed=True, files=len(packages))


if __name__ == "__main__":
    main()
