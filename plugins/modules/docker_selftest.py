#!/usr/bin/python
# Copyright: Alchemorsel contributors
# MIT License (see LICENSE)
"""Ansible module: prove that the Docker engine runs a container, without any registry."""

from __future__ import annotations

DOCUMENTATION = r"""
module: docker_selftest
short_description: Run a container built from the host's own shell
version_added: 0.1.0
description:
  - Imports an image that holds the host's shell and its libraries, runs it on the default network with a memory limit
    and without privileges, and looks from inside whether the limit and the network are really there.
  - Removes container and image again, so it never reports a change. Needs no registry and no network.
  - In check mode nothing is run.
options:
  shell:
    description: The program that the image is made of.
    type: path
    default: /bin/sh
  arguments:
    description: Further arguments of C(docker run), such as C(--device nvidia.com/gpu=all).
    type: list
    elements: str
    default: []
  paths:
    description: Paths that must be there inside of the container.
    type: list
    elements: str
    default: []
  timeout:
    description: Seconds that each command of the engine may take.
    type: int
    default: 60
extends_documentation_fragment: [alchemorsel.ai.attributes.trial]
author: Alchemorsel contributors (!UNKNOWN)
"""

EXAMPLES = r"""
- name: Run a container
  alchemorsel.ai.docker_selftest:
"""

RETURN = r"""
memory_limit_bytes: {description: The limit as the container saw it., returned: outside check mode, type: int}
interface: {description: The container's interface with the default route., returned: outside check mode, type: str}
"""

import io
import json
import re
import tarfile
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ansible.module_utils.basic import AnsibleModule

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    Run = Callable[[list[str], bytes], tuple[int, str, str]]

MEMORY_LIMIT_BYTES = 32 * 1024 * 1024

# Only what the shell itself can do: the image holds nothing else. The two files are those of cgroup v2 and v1.
SCRIPT = """
for file in /sys/fs/cgroup/memory.max /sys/fs/cgroup/memory/memory.limit_in_bytes; do
    if [ -r "$file" ]; then read -r limit < "$file"; fi
done
while read -r name destination rest; do
    if [ "$destination" = 00000000 ]; then interface=$name; fi
done < /proc/net/route
for path in "$@"; do
    if [ ! -e "$path" ]; then missing="$missing $path"; fi
done
echo "memory=$limit interface=$interface missing=$missing"
"""


class SelftestError(Exception):
    """The engine does not do what it should."""


def libraries(ldd_output: str) -> list[str]:
    """Return the paths of the shared objects that `ldd` lists, the loader included."""
    return re.findall(r"(?:^|=>)\s*(/\S+)", ldd_output, flags=re.MULTILINE)


def root_file_system(paths: Iterable[str]) -> bytes:
    """Return a tar archive of the files under their own paths, symbolic links followed."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for path in paths:
            content = Path(path).read_bytes()
            entry = tarfile.TarInfo(path.lstrip("/"))
            entry.size = len(content)
            entry.mode = 0o755
            archive.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


def judge(output: str) -> dict[str, Any]:
    """Return what the container saw.

    Raises:
        SelftestError: The memory limit, the network or a path is missing.
    """
    seen = re.search(r"memory=(\S*) interface=(\S*) missing=(.*)", output)
    if not seen:
        raise SelftestError(f"the container ran but printed {output!r} in place of what it saw")
    memory, interface, missing = seen.groups()
    if memory != str(MEMORY_LIMIT_BYTES):
        raise SelftestError(
            f"the container's memory limit is {memory or 'nowhere to be read'}, not {MEMORY_LIMIT_BYTES}: the kernel's "
            "memory controller is off (on a Debian kernel, boot with cgroup_enable=memory)"
        )
    if not interface:
        raise SelftestError("the container has no default route: look for errors of iptables in `journalctl -u docker`")
    if missing.strip():
        raise SelftestError(f"the container was not given {missing.strip()}")
    return {"memory_limit_bytes": int(memory), "interface": interface}


class Selftest:
    """One container run from import to removal.

    Args:
        run: Runs a command with standard input; returns exit status, output and errors.
    """

    def __init__(self, run: Run) -> None:
        self._run = run
        self._name = f"alchemorsel-selftest-{uuid.uuid4().hex[:12]}"

    def perform(self, shell: str, arguments: Iterable[str] = (), paths: Iterable[str] = ()) -> dict[str, Any]:
        """Run the container and return what it saw.

        Args:
            shell: The program that the image is made of.
            arguments: Further arguments of `docker run`.
            paths: What must be there inside of the container.

        Raises:
            SelftestError: The engine failed, or the container lacks what was asked for.
        """
        archive = root_file_system([shell, *libraries(self._checked(["ldd", shell]))])
        try:
            self._checked(
                ["docker", "import", "--change", f"ENTRYPOINT {json.dumps([shell])}", "-", self._name], archive
            )
            return judge(self._contained(["-c", SCRIPT, shell, *paths], arguments))
        finally:
            self._run(["docker", "rmi", "--force", self._name], b"")

    def _contained(self, command: Iterable[str], arguments: Iterable[str]) -> str:
        """Run the shell in a container, and return what it printed."""
        try:
            return self._checked(
                [
                    *("docker", "run", "--rm", "--name", self._name, "--memory", str(MEMORY_LIMIT_BYTES)),
                    *("--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges", "--user", "65534"),
                    *(*arguments, self._name, *command),
                ]
            )
        except SelftestError:
            # One that was cut off by its deadline leaves its container.
            self._run(["docker", "rm", "--force", self._name], b"")
            raise

    def _checked(self, command: list[str], stdin: bytes = b"") -> str:
        code, output, errors = self._run(command, stdin)
        if code != 0:
            what = " ".join(command[:2])
            raise SelftestError(f"`{what}` failed with status {code}: {(errors or output).strip()}")
        return output


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "shell": {"type": "path", "default": "/bin/sh"},
            "arguments": {"type": "list", "elements": "str", "default": []},
            "paths": {"type": "list", "elements": "str", "default": []},
            "timeout": {"type": "int", "default": 60},
        },
        supports_check_mode=True,
    )
    if module.check_mode:
        module.exit_json(changed=False, skipped=True, msg="check mode runs no container")

    def run(command: list[str], stdin: bytes) -> tuple[int, str, str]:
        deadline = ["timeout", "--kill-after=5", str(module.params["timeout"])]
        result: tuple[int, str, str] = module.run_command([*deadline, *command], data=stdin, binary_data=True)
        return result

    try:
        params = module.params
        seen = Selftest(run).perform(params["shell"], params["arguments"], params["paths"])
    except SelftestError as error:
        module.fail_json(msg=f"the Docker engine does not work: {error}")
    module.exit_json(changed=False, **seen)


if __name__ == "__main__":
    main()
