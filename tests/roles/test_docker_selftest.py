"""The module docker_selftest, against an engine of our own making; the real engine is tried by the role."""

from __future__ import annotations

import io
import re
import subprocess
import tarfile
from typing import TYPE_CHECKING

import pytest
from ansible_collections.alchemorsel.ai.plugins.modules.docker_selftest import (
    MEMORY_LIMIT_BYTES,
    SCRIPT,
    Selftest,
    SelftestError,
    judge,
    libraries,
    root_file_system,
)

from tests.roles.ansible_module import run_module

if TYPE_CHECKING:
    from pathlib import Path

GOOD = f"memory={MEMORY_LIMIT_BYTES} interface=eth0 missing=\n"


class Engine:
    """Answers for the docker client, and remembers what it was asked."""

    def __init__(self, output: str = GOOD, failing: str = "") -> None:
        self.commands: list[list[str]] = []
        self.images: dict[str, bytes] = {}
        self._output = output
        self._failing = failing

    def run(self, command: list[str], stdin: bytes) -> tuple[int, str, str]:
        """Answer one command."""
        self.commands.append(command)
        if command[0] == "ldd":
            return 0, subprocess.run(command, capture_output=True, text=True, check=True).stdout, ""
        if command[1] == self._failing:
            return 125, "", "permission denied"
        if command[1] == "import":
            self.images[command[-1]] = stdin
        if command[1] == "rmi":
            self.images.pop(command[-1], None)
        return 0, self._output if command[1] == "run" else "", ""


def test_container_runs_and_nothing_of_it_stays() -> None:
    """The image is gone after it, as the container is that ended by itself."""
    engine = Engine()
    assert Selftest(engine.run).perform("/bin/sh") == {"memory_limit_bytes": MEMORY_LIMIT_BYTES, "interface": "eth0"}
    assert engine.images == {}
    assert [command[1] for command in engine.commands[1:]] == ["import", "run", "rmi"]


def test_further_arguments_reach_the_engine_and_paths_the_script() -> None:
    """Arguments before the image, where docker takes them; paths as the script's own arguments."""
    engine = Engine()
    Selftest(engine.run).perform("/bin/sh", ["--device", "nvidia.com/gpu=all"], ["/dev/nvidiactl"])
    run = engine.commands[2]
    image = run.index("-c") - 1
    assert run[image - 2 : image] == ["--device", "nvidia.com/gpu=all"]
    assert run[-2:] == ["/bin/sh", "/dev/nvidiactl"]


@pytest.mark.parametrize(("path", "missing"), [("/bin/sh", ""), ("/dev/nowhere", " /dev/nowhere")])
def test_script_names_what_is_missing(path: str, missing: str) -> None:
    """As a real shell runs it."""
    output = subprocess.run(["/bin/sh", "-c", SCRIPT, "sh", path], capture_output=True, text=True, check=True).stdout
    assert output.endswith(f"missing={missing}\n")


@pytest.mark.parametrize(("failing", "cleaning"), [("import", ["rmi"]), ("run", ["rm", "rmi"])])
def test_failure_of_the_engine_is_told_and_cleaned_up_after(failing: str, cleaning: list[str]) -> None:
    """The engine's own words are in the message; a container that was cut off is removed before its image."""
    engine = Engine(failing=failing)
    with pytest.raises(SelftestError, match=f"`docker {failing}` failed with status 125: permission denied"):
        Selftest(engine.run).perform("/bin/sh")
    assert engine.images == {}
    assert [command[1] for command in engine.commands[-len(cleaning) :]] == cleaning


@pytest.mark.parametrize(
    ("output", "reason"),
    [
        ("memory=max interface=eth0 missing=", "memory controller is off"),
        ("memory= interface=eth0 missing=", "memory controller is off"),
        (f"memory={MEMORY_LIMIT_BYTES} interface= missing=", "no default route"),
        (f"memory={MEMORY_LIMIT_BYTES} interface=eth0 missing= /dev/nvidiactl", "was not given /dev/nvidiactl"),
        ("", "printed ''"),
    ],
)
def test_container_without_limit_or_network_is_a_failure(output: str, reason: str) -> None:
    """A container that runs without what was asked for is not good enough."""
    with pytest.raises(SelftestError, match=reason):
        judge(output)


def test_image_holds_the_shell_and_what_it_is_linked_with(tmp_path: Path) -> None:
    """Packed and unpacked elsewhere, the shell runs from these files alone."""
    listing = subprocess.run(["ldd", "/bin/sh"], capture_output=True, text=True, check=True).stdout
    paths = ["/bin/sh", *libraries(listing)]
    with tarfile.open(fileobj=io.BytesIO(root_file_system(paths))) as archive:
        archive.extractall(tmp_path, filter="data")
    loader = next(tmp_path / path[1:] for path in paths if re.search(r"/ld-linux", path))
    folders = ":".join({str((tmp_path / path[1:]).parent) for path in paths[1:]})
    finished = subprocess.run(
        [loader, "--library-path", folders, tmp_path / "bin" / "sh", "-c", "echo alive"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert finished.stdout == "alive\n"


def test_libraries_leave_out_what_has_no_file() -> None:
    """The kernel's own shared object is no file."""
    listing = (
        "\tlinux-vdso.so.1 (0x00007ffd)\n"
        "\tlibc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (0x00007f00)\n"
        "\t/lib64/ld-linux-x86-64.so.2 (0x00007f11)\n"
    )
    assert libraries(listing) == ["/lib/x86_64-linux-gnu/libc.so.6", "/lib64/ld-linux-x86-64.so.2"]


def test_check_mode_runs_nothing() -> None:
    """Where no engine is installed yet, there is nothing to try."""
    assert run_module("docker_selftest", check_mode=True)["changed"] is False
