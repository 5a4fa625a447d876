#!/usr/bin/python
"""Ansible module: seal a bundle with the checksums of its files, or check it against them."""

from __future__ import annotations

import hashlib
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule  # type: ignore[import-untyped]  # Ansible ships no types

DOCUMENTATION = r"""
module: bundle_checksums
short_description: Seal a bundle with the checksums of its files, or check it against them
description:
  - The file C(SHA256SUMS) is what C(sha256sum --check) reads. It is written last, so a bundle without it is not whole.
options:
  path:
    description: Folder of the bundle.
    type: path
    required: true
  action:
    description: V(open) takes the seal away before anything is changed, V(seal) writes it, V(verify) checks every file.
    type: str
    choices: [open, seal, verify]
    required: true
attributes:
  check_mode:
    support: none
author:
  - Alchemorsel
"""

EXAMPLES = r"""
- name: Check a bundle
  bundle_checksums:
    path: bundle
    action: verify
"""

RETURN = r"""
files:
  description: SHA-256 of every file, by its path in the bundle.
  returned: success
  type: dict
"""

SUMS = "SHA256SUMS"
CHUNK_BYTES = 1 << 20
SHOWN = 5
"""Files that a message names of one kind."""


class BundleError(Exception):
    """The bundle is not whole."""


def seal(folder: Path) -> dict[str, str]:
    """Write the sums of all files and return them by path.

    Raises:
        BundleError: There is nothing to seal.
    """
    sums = _sums(folder)
    if not sums:
        raise BundleError(f"{folder} is empty: no host of the inventory gave it anything")
    writing = folder / f"{SUMS}.new"
    writing.write_text("".join(f"{digest}  {path}\n" for path, digest in sums.items()))
    writing.replace(folder / SUMS)
    return sums


def verify(folder: Path) -> dict[str, str]:
    """Check every file against the sums and return them by path.

    Raises:
        BundleError: It is no bundle, or a file is missing, damaged, or not of it.
    """
    try:
        lines = (folder / SUMS).read_text().splitlines()
    except OSError as error:
        raise BundleError(
            f"{folder} is not a whole bundle: {SUMS} cannot be read ({error.strerror}). playbooks/bundle.yml writes it "
            "last: run it again where it was interrupted"
        ) from error
    wanted = {path: digest for digest, _, path in (line.partition("  ") for line in lines)}
    found = _sums(folder)
    problems = [
        _some("missing", wanted.keys() - found.keys()),
        _some("damaged", {path for path in wanted.keys() & found.keys() if wanted[path] != found[path]}),
        _some("not of the bundle", found.keys() - wanted.keys()),
    ]
    if any(problems):
        reasons = "; ".join(problem for problem in problems if problem)
        raise BundleError(f"{folder} is not the bundle that was made: {reasons}. Copy it again; nothing was changed")
    return wanted


def _sums(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.name not in (SUMS, f"{SUMS}.new"))
    return {str(path.relative_to(folder)): _sum(path) for path in files}


def _sum(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def _some(kind: str, paths: set[str]) -> str:
    names = sorted(paths)
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return f"{kind}: {', '.join(names[:SHOWN])}{more}" if names else ""


def main() -> None:
    """Run as an Ansible module."""
    module = AnsibleModule(
        argument_spec={
            "path": {"type": "path", "required": True},
            "action": {"type": "str", "choices": ["open", "seal", "verify"], "required": True},
        },
        # Verifying changes nothing; who opens and seals does not run in check mode.
        supports_check_mode=True,
    )
    folder, action = Path(module.params["path"]), module.params["action"]
    if action == "open":
        folder.mkdir(parents=True, exist_ok=True)
        (folder / SUMS).unlink(missing_ok=True)
        module.exit_json(changed=True, files={})
    try:
        files = seal(folder) if action == "seal" else verify(folder)
    except BundleError as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=action == "seal", files=files)


if __name__ == "__main__":
    main()
