#!/usr/bin/python
"""Ansible module: describe, and on request pack, a Python package so that equal sources give equal results.

Runs on the controller. Neither owners, times, byte code nor hidden files count: the digest changes when what would run
changes, and only then.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import re
import tarfile
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule  # type: ignore[import-untyped]  # Ansible ships no types

DOCUMENTATION = r"""
module: source_archive
short_description: Describe or pack a Python package, reproducibly
description:
  - Gives the version of a package and a digest over its files and its requirements.
  - With O(dest) it also packs both into a tar archive, C(requirements.txt) beside the package's folder.
  - The wheels of O(wheelhouse) go with them, into C(wheels). They do not count for the digest, because the requirements
    name the hash of each.
options:
  package:
    description: Folder of the package; its C(__init__.py) says C(__version__ = "...").
    type: path
    required: true
  requirements:
    description: File with the pinned and hashed requirements.
    type: path
    required: true
  wheelhouse:
    description: Folder with wheels of the requirements. Left out, none are packed.
    type: path
  dest:
    description: File to write the archive to. Left out, nothing is written.
    type: path
attributes:
  check_mode:
    support: full
    description: In check mode nothing is written.
author:
  - Alchemorsel
"""

EXAMPLES = r"""
- name: Describe what would be deployed
  source_archive:
    package: "{{ playbook_dir }}/../ai_service"
    requirements: "{{ playbook_dir }}/../requirements/service.txt"
  delegate_to: localhost

- name: Pack it, with what a host without an index needs
  source_archive:
    package: "{{ playbook_dir }}/../ai_service"
    requirements: "{{ playbook_dir }}/../requirements/service.txt"
    wheelhouse: /srv/bundle/wheels
    dest: /tmp/source.tar.gz
  delegate_to: localhost
"""

RETURN = r"""
version:
  description: Version that the package says it has.
  returned: success
  type: str
digest:
  description: SHA-256 over names and contents of all files, in hex.
  returned: success
  type: str
files:
  description: Number of files.
  returned: success
  type: int
"""

REQUIREMENTS_NAME = "requirements.txt"
WHEELS_FOLDER = "wheels"
_VERSION = re.compile(r"""^__version__\s*=\s*["']([0-9A-Za-z.+!-]+)["']""", re.MULTILINE)


class SourceError(Exception):
    """The source is not what it should be."""


def collect(package: Path, requirements: Path) -> dict[str, bytes]:
    """Return the files of the archive, contents by name, sorted by name.

    Args:
        package: Folder of the package.
        requirements: File with the requirements.

    Raises:
        SourceError: One of them is not there.
    """
    if not (package / "__init__.py").is_file():
        message = f"{package} is not a Python package: it has no __init__.py"
        raise SourceError(message)
    if not requirements.is_file():
        message = f"{requirements} is not a file"
        raise SourceError(message)
    files = {REQUIREMENTS_NAME: requirements.read_bytes()}
    for path in package.rglob("*"):
        inside = path.relative_to(package)
        skipped = path.suffix == ".pyc" or any(p == "__pycache__" or p.startswith(".") for p in inside.parts)
        if path.is_file() and not skipped:
            files[f"{package.name}/{inside.as_posix()}"] = path.read_bytes()
    return dict(sorted(files.items()))


def collect_wheels(wheelhouse: Path) -> dict[str, bytes]:
    """Return the wheels of a folder as files of the archive, contents by name.

    Args:
        wheelhouse: The folder.

    Raises:
        SourceError: There is none in it, or no such folder.
    """
    wheels = {f"{WHEELS_FOLDER}/{path.name}": path.read_bytes() for path in sorted(wheelhouse.glob("*.whl"))}
    if not wheels:
        message = f"{wheelhouse} has no wheels (*.whl) in it"
        raise SourceError(message)
    return wheels


def version_of(files: dict[str, bytes], package_name: str) -> str:
    """Return the version that the package says it has.

    Raises:
        SourceError: It says none.
    """
    match = _VERSION.search(files[f"{package_name}/__init__.py"].decode())
    if match is None:
        message = f'{package_name}/__init__.py has no line __version__ = "..."'
        raise SourceError(message)
    return match[1]


def digest_of(files: dict[str, bytes]) -> str:
    """Return the SHA-256 over names and contents, in hex."""
    digest = hashlib.sha256()
    for name, content in files.items():
        for part in (name.encode(), content):
            digest.update(len(part).to_bytes(8, "big"))
            digest.update(part)
    return digest.hexdigest()


def pack(files: dict[str, bytes]) -> bytes:
    """Return a gzipped tar archive; equal files give equal bytes."""
    buffer = io.BytesIO()
    with (
        gzip.GzipFile(fileobj=buffer, mode="wb", mtime=0) as compressed,
        tarfile.open(fileobj=compressed, mode="w", format=tarfile.PAX_FORMAT) as archive,
    ):
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            entry.mode = 0o644
            archive.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


def main() -> None:
    """Run as an Ansible module."""
    module = AnsibleModule(
        argument_spec={
            "package": {"type": "path", "required": True},
            "requirements": {"type": "path", "required": True},
            "wheelhouse": {"type": "path"},
            "dest": {"type": "path"},
        },
        supports_check_mode=True,
    )
    package = Path(module.params["package"]).resolve()
    try:
        files = collect(package, Path(module.params["requirements"]))
        version = version_of(files, package.name)
        wheels = collect_wheels(Path(module.params["wheelhouse"])) if module.params["wheelhouse"] else {}
    except SourceError as error:
        module.fail_json(msg=str(error))
    if module.params["dest"] and not module.check_mode:
        Path(module.params["dest"]).write_bytes(pack(files | wheels))
    changed = bool(module.params["dest"])
    module.exit_json(changed=changed, version=version, digest=digest_of(files), files=len(files))


if __name__ == "__main__":
    main()
