"""Action: describe the AI service's wheel, and on request pack it with what a release of it is installed from.

Runs on the control node, inside of Ansible itself: a module delegated to it would be packed, and a Python started for
it, to read files that are there already. A checkout's wheel is built here; nothing is built on hosts.

What it takes and returns: `plugins/modules/service_wheel.py`, or `ansible-doc alchemorsel.ai.service_wheel`.
"""

from __future__ import annotations

import contextlib
import hashlib
import sys
import tarfile
import tempfile
import zipfile
from importlib.metadata import PathDistribution
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

with contextlib.suppress(ImportError):  # ansible-core brings it along; ansible-test reads plugins without it
    from packaging.specifiers import SpecifierSet

ARGUMENTS = {
    "source": {"type": "path", "required": True},
    "prebuilt": {"type": "path"},
    "requirements": {"type": "path", "required": True},
    "python_version": {"type": "str", "required": True},
    "wheelhouse": {"type": "path"},
    "dest": {"type": "path"},
}


class WheelError(Exception):
    """There is no wheel, or nothing to install it with."""


def build(project: Path, folder: Path) -> Path:
    """Build the wheel of a project into a folder; equal sources give equal wheels.

    Raises:
        WheelError: The wheel cannot be built.
    """
    try:
        from hatchling.build import build_wheel  # noqa: PLC0415 - who has a prebuilt wheel needs none
    except ModuleNotFoundError as error:
        message = (
            f"Ansible's Python has no {error.name}, which builds the service's wheel: `make setup` in {project} makes "
            f"an Ansible with it, `{sys.executable} -m pip install hatchling` adds it to this one"
        )
        raise WheelError(message) from error
    try:
        with contextlib.chdir(project):
            return folder / build_wheel(str(folder))
    except (OSError, TypeError, ValueError) as error:
        message = f"the wheel of {project} cannot be built: {error}"
        raise WheelError(message) from error


def find(source: Path, prebuilt: Path | None, folder: Path) -> Path:
    """Build the wheel of a source into a folder, or find the prebuilt one.

    Raises:
        WheelError: There is neither.
    """
    if source.is_dir() and (source.parent / "pyproject.toml").is_file():
        return build(source.parent, folder)
    wheels = list(prebuilt.glob("*.whl")) if prebuilt else []
    if len(wheels) != 1:
        message = f"{source} is not a package with pyproject.toml beside it"
        raise WheelError(message + (f", and {prebuilt} has {len(wheels)} wheels instead of one" if prebuilt else ""))
    return wheels[0]


def describe(wheel: Path, requirements: bytes, python_version: str) -> dict[str, Any]:
    """Describe a wheel with its requirements: the action's result.

    Raises:
        WheelError: It is not a wheel.
    """
    try:
        (info,) = [path for path in zipfile.Path(wheel).iterdir() if path.name.endswith(".dist-info")]
    except (zipfile.BadZipFile, ValueError) as error:
        message = f"{wheel} is not a wheel"
        raise WheelError(message) from error
    distribution = PathDistribution(info)
    requires = distribution.metadata["Requires-Python"] or ""
    return {
        "version": distribution.version,
        "digest": hashlib.sha256(info.joinpath("RECORD").read_bytes() + requirements).hexdigest(),
        "requires_python": requires,
        "fits_python": SpecifierSet(requires).contains(python_version or "0", prereleases=True),
    }


def pack(wheel: Path, requirements: Path, wheels: list[Path], dest: Path) -> None:
    """Write the archive that a release is installed from.

    Raises:
        OSError: A file cannot be read, or the archive not be written.
    """
    pinned = dest.with_name("service.txt")
    pinned.write_text(f"./wheels/{wheel.name} --hash=sha256:{hashlib.sha256(wheel.read_bytes()).hexdigest()}\n")
    with tarfile.open(dest, "w", dereference=True) as archive:
        archive.add(requirements, "requirements.txt")
        for path in (pinned, wheel, *wheels):
            archive.add(path, f"wheels/{path.name}")


def find_wheels(wheelhouse: Path) -> list[Path]:
    """Find the wheels of a wheelhouse.

    Raises:
        WheelError: There is none in it, or no such folder.
    """
    wheels = sorted(wheelhouse.glob("*.whl"))
    if not wheels:
        message = f"{wheelhouse} has no wheels (*.whl) in it"
        raise WheelError(message)
    return wheels


class ActionModule(ActionBase):  # type: ignore[misc]  # Ansible ships no types
    """The action as Ansible calls it."""

    _requires_connection = False

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Run the action.

        Raises:
            AnsibleActionFail: There is no wheel, or nothing to install it with.
        """
        result: dict[str, Any] = super().run(tmp, task_vars)
        params = self.validate_argument_spec(ARGUMENTS)[1]
        requirements = Path(params["requirements"])
        prebuilt = Path(params["prebuilt"]) if params["prebuilt"] else None
        try:
            wheels = find_wheels(Path(params["wheelhouse"])) if params["wheelhouse"] else []
            with tempfile.TemporaryDirectory(prefix="alchemorsel-") as folder:
                wheel = find(Path(params["source"]).resolve(), prebuilt, Path(folder))
                described = describe(wheel, requirements.read_bytes(), params["python_version"])
                if params["dest"] and not self._task.check_mode:
                    pack(wheel, requirements, wheels, Path(params["dest"]))
        except (OSError, WheelError) as error:
            raise AnsibleActionFail(str(error)) from error
        return {**result, **described, "changed": bool(params["dest"])}
