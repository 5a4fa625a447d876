"""Action: describe, and on request pack, a Python package so that equal sources give equal results.

Neither owners, times, byte code nor hidden files count: the digest changes when what would run changes, and only then.
Runs on the control machine, inside of Ansible itself: a module delegated to it would be packed, and a Python started
for it, to read files that are there already.

Arguments:
    package: Folder of the package; its `__init__.py` says `__version__ = "..."`.
    requirements: File with the pinned and hashed requirements.
    wheelhouse: Folder with wheels of the requirements. They do not count for the digest, because the requirements name
        the hash of each. Left out, none are packed.
    dest: File to write a tar archive to: the package's folder, `requirements.txt` beside it, the wheels in `wheels`.
        Left out, or in check mode, nothing is written.

Result:
    version: Version that the package says it has.
    digest: SHA-256 over names and contents of all files, in hex.
    files: Number of files.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import re
import tarfile
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleActionFail  # type: ignore[import-untyped]  # Ansible ships no types
from ansible.plugins.action import ActionBase  # type: ignore[import-untyped]  # Ansible ships no types

ARGUMENTS = {
    "package": {"type": "path", "required": True},
    "requirements": {"type": "path", "required": True},
    "wheelhouse": {"type": "path"},
    "dest": {"type": "path"},
}
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


class ActionModule(ActionBase):  # type: ignore[misc]  # Ansible ships no types
    """The action as Ansible calls it."""

    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Run the action.

        Raises:
            AnsibleActionFail: The source is not what it should be.
        """
        result: dict[str, Any] = super().run(tmp, task_vars)
        params = self.validate_argument_spec(ARGUMENTS)[1]
        package = Path(params["package"]).resolve()
        try:
            files = collect(package, Path(params["requirements"]))
            version = version_of(files, package.name)
            wheels = collect_wheels(Path(params["wheelhouse"])) if params["wheelhouse"] else {}
        except SourceError as error:
            raise AnsibleActionFail(str(error)) from error
        if params["dest"] and not self._task.check_mode:
            Path(params["dest"]).write_bytes(pack(files | wheels))
        return {
            **result,
            "changed": bool(params["dest"]),
            "version": version,
            "digest": digest_of(files),
            "files": len(files),
        }
