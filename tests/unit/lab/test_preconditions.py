"""A machine that cannot carry the lab is told so at once, with every reason and what to do."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lab.preconditions import DISK_GB, MEMORY_GB, Machine, problems

FIT = Machine(
    system="Linux", architecture="x86_64", python=(3, 11), is_root=True, free_gb=40.0, memory_gb=8.0, has_apt=True
)


def test_fit_machine_has_no_problems() -> None:
    """Nothing is reported where everything is there."""
    assert problems(FIT) == []


@pytest.mark.parametrize(
    ("unfit", "said", "remedy"),
    [
        (replace(FIT, system="Darwin", architecture="arm64"), "Darwin arm64", "virtual machine"),
        (replace(FIT, architecture="aarch64"), "Linux aarch64", "x86_64"),
        (replace(FIT, python=(3, 9)), "Python 3.9", "PYTHON="),
        (replace(FIT, is_root=False), "not root", "sudo"),
        (replace(FIT, free_gb=DISK_GB - 0.1), f"{DISK_GB - 0.1:.1f} GB disk", "Free some"),
        (replace(FIT, memory_gb=MEMORY_GB - 0.1), f"{MEMORY_GB - 0.1:.1f} GB memory", "GB are needed"),
        (replace(FIT, has_apt=False), "apt-get", "Debian machine"),
    ],
)
def test_each_lack_is_named_with_its_remedy(unfit: Machine, said: str, remedy: str) -> None:
    """One lack gives one line that says what was found and what to do."""
    (line,) = problems(unfit)
    assert said in line
    assert remedy in line


def test_all_lacks_are_reported_together() -> None:
    """Nobody mends one thing only to be told of the next."""
    worst = Machine("Darwin", "arm64", (3, 9), is_root=False, free_gb=1.0, memory_gb=1.0, has_apt=False)
    assert len(problems(worst)) == 6
