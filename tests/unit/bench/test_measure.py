"""GPUs are sampled where the service runs, or not at all; a run's folder is made or refused."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import TYPE_CHECKING
from unittest.mock import Mock

import pytest

from bench.command_line import new_folder
from bench.errors import StorageError, UsageError
from bench.measure import gpu_sampler, make_folder

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:3010", "http://127.0.1.1", "http://localhost:3010", "http://[::1]:1"]
)
def test_a_local_service_has_the_gpus_of_this_host(url: str) -> None:
    """Its own nvidia-smi is asked."""
    assert gpu_sampler(url, None).command == ["nvidia-smi"]


def test_the_gpus_of_another_host_are_asked_only_in_the_way_that_was_said() -> None:
    """This host's GPUs say nothing of a service elsewhere; without a way there is a reason instead of a figure."""
    remote = gpu_sampler("http://10.0.0.7:3010", None)
    assert remote.command == []
    assert remote.describe() == "none sampled (the service runs on another host; see --nvidia-smi)"
    assert gpu_sampler("http://10.0.0.7:3010", "ssh ai1 nvidia-smi").command == ["ssh", "ai1", "nvidia-smi"]
    assert gpu_sampler("http://127.0.0.1:3010", "").command == []


def test_a_folder_that_cannot_be_made_is_a_usage_error(tmp_path: Path) -> None:
    """Parents are made too; a file in the way is told by name."""
    assert make_folder(tmp_path / "a" / "b").is_dir()
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="cannot make the folder"):
        make_folder(tmp_path / "file" / "below")


@pytest.mark.parametrize("make", [make_folder, lambda folder: new_folder("bench", folder)])
def test_a_folder_for_which_the_disk_has_no_room_is_no_usage_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make: Callable[[Path], Path]
) -> None:
    """Status 74, as for a file, whether it was named or not."""
    full = OSError(errno.ENOSPC, "No space left on device")
    monkeypatch.setattr(Path, "mkdir", Mock(side_effect=full))
    with pytest.raises(StorageError, match=r"cannot make the folder .*: No space left on device") as caught:
        make(tmp_path / "out")
    assert caught.value.exit_status == 74
