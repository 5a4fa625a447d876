"""The module model_device: which devices it takes for the models, and which it leaves alone."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.roles.ansible_module import load_plugin

model_device = load_plugin("model_device")

DISK = "/dev/disk/by-id/nvme-ACME_S123"
MODELS = "/srv/alchemorsel/models"
GIB = 2**30
OURS = {"type": "ext4", "label": "alch-models", "uuid": "1234"}


class FakeSystem:
    """A host with one disk, described as lsblk and wipefs do."""

    def __init__(self, *signatures: dict[str, Any], **node: Any) -> None:
        self.node = {"name": "/dev/nvme0n1", "size": 100 * GIB, "ro": False, "serial": None, "mountpoint": None, **node}
        self.signatures = list(signatures)
        self.folders = {"/dev/disk/by-id": ["nvme-ACME_S123"]}

    def run(self, *argv: str) -> str:
        """Answer as the tool does."""
        if argv[0] == "lsblk":
            return json.dumps({"blockdevices": [self.node]})
        return json.dumps({"signatures": self.signatures}) if self.signatures else ""

    def resolve(self, path: str) -> str | None:
        """Know the one disk."""
        return "/dev/nvme0n1" if path in (DISK, "/dev/mapper/vg-models", "/dev/vg/models") else None

    def content(self, path: str) -> list[str]:
        """Return what a test put there."""
        return self.folders.get(path, [])


def examine(system: FakeSystem, **options: Any) -> tuple[dict[str, Any], list[str]]:
    """Run the module's work with its usual options, some replaced."""
    params = {
        "device": DISK,
        "mountpoint": MODELS,
        "fstype": "ext4",
        "label": "alch-models",
        "format_serial": "",
        "min_size_gb": 20,
        **options,
    }
    found: tuple[dict[str, Any], list[str]] = model_device.examine(system, params)
    return found


def test_blank_disk_gets_a_file_system() -> None:
    """No signature at all is the only thing that is taken without being told."""
    result, problems = examine(FakeSystem())
    assert result["action"] == "create"
    assert problems == []


def test_our_own_file_system_is_kept() -> None:
    """The second run, or a role that comes back after its removal, finds its models."""
    result, problems = examine(FakeSystem(OURS, mountpoint=MODELS))
    assert (result["action"], result["uuid"], result["is_mounted"]) == ("none", "1234", True)
    assert problems == []


def test_our_own_file_system_is_not_erased_by_a_serial_that_stayed_in_the_inventory() -> None:
    """The permission to erase somebody's data once is none to erase the models at every run."""
    assert examine(FakeSystem(OURS, serial="S123"), format_serial="S123")[0]["action"] == "none"


@pytest.mark.parametrize(
    "signature",
    [
        {"type": "ext4", "label": "accounting"},
        {"type": "ext4", "label": None},
        {"type": "gpt"},
        {"type": "LVM2_member"},
        {"type": "crypto_LUKS"},
        {"type": "linux_raid_member", "label": "alch-models-raid"},
    ],
)
def test_device_with_anything_else_on_it_is_refused_by_name(signature: dict[str, Any]) -> None:
    """Any signature is somebody's data; the message names kind and serial."""
    result, problems = examine(FakeSystem(signature, serial="S123"))
    assert result["action"] == "none"
    assert len(problems) == 1
    assert signature["type"] in problems[0]
    assert "its serial is S123" in problems[0]


def test_our_label_beside_another_signature_is_refused() -> None:
    """A disk that was put to another use after ours is not ours any more."""
    assert "holds data" in examine(FakeSystem(OURS, {"type": "LVM2_member"}))[1][0]


def test_serial_of_the_kernel_permits_to_erase() -> None:
    """The operator named this very disk."""
    result, problems = examine(FakeSystem({"type": "gpt"}, serial="S123"), format_serial="S123")
    assert result["action"] == "erase"
    assert problems == []


def test_serial_at_the_end_of_the_name_counts_where_the_kernel_knows_none() -> None:
    """Names by-id end with the serial."""
    assert examine(FakeSystem({"type": "gpt"}), format_serial="S123")[0]["action"] == "erase"


@pytest.mark.parametrize("serial", ["S124", "123", "nvme"])
def test_serial_of_another_disk_permits_nothing(serial: str) -> None:
    """A part of a serial is no serial."""
    result, problems = examine(FakeSystem({"type": "gpt"}), format_serial=serial)
    assert result["action"] == "none"
    assert f"model_volume_format_serial is {serial}" in problems[0]


@pytest.mark.parametrize(
    ("node", "said"),
    [
        ({"children": [{"name": "/dev/nvme0n1p1"}]}, "in use by /dev/nvme0n1p1"),
        ({"children": [{"name": "/dev/md0", "children": [{"name": "/dev/vg/root"}]}]}, "/dev/md0, /dev/vg/root"),
        ({"mountpoint": "/home"}, "is mounted at /home"),
        ({"ro": True}, "is read-only"),
        ({"size": 19 * GIB}, "has 19.0 GiB, and the models need 20 GiB"),
    ],
)
def test_device_in_use_or_unfit_is_refused_even_where_it_may_be_erased(node: dict[str, Any], said: str) -> None:
    """The serial permits to lose data, not to break what runs."""
    assert said in examine(FakeSystem(serial="S123", **node), format_serial="S123")[1][0]


def test_files_that_the_mount_would_hide_are_a_reason_to_stop() -> None:
    """Models in the folder would vanish from sight and still fill the disk."""
    system = FakeSystem()
    system.folders[MODELS] = ["blobs"]
    assert "holds files that the device would hide" in examine(system)[1][0]


def test_other_file_system_than_wanted_is_not_converted() -> None:
    """Changing the type would erase the models."""
    assert "as ext4, not xfs" in examine(FakeSystem(OURS), fstype="xfs")[1][0]


@pytest.mark.parametrize("name", ["/dev/sdb", "/dev/nvme0n1", "/dev/disk/by-label/models", "disk"])
def test_name_that_may_move_is_refused(name: str) -> None:
    """Kernel names are given in the order of discovery."""
    assert "may be another device after the next boot" in examine(FakeSystem(), device=name)[1][0]


@pytest.mark.parametrize("name", ["/dev/mapper/vg-models", "/dev/vg/models"])
def test_logical_volume_is_a_device_too(name: str) -> None:
    """Its name is as stable as a disk's by-id."""
    assert examine(FakeSystem(), device=name)[1] == []


def test_missing_device_is_told_with_those_that_there_are() -> None:
    """The right name is one of them."""
    assert "by-id there are: nvme-ACME_S123" in examine(FakeSystem(), device="/dev/disk/by-id/none")[1][0]
