"""The module docker_daemon_config: the merge as a function, and the module on real files."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.alchemorsel.ai.plugins.module_utils.docker_daemon import merge, plan, subtract
from hypothesis import given
from hypothesis import strategies as st

from tests.roles.ansible_module import run_module

ROTATION = {"log-driver": "json-file", "log-opts": {"max-size": "10m"}}

leaves = st.integers(0, 2) | st.booleans() | st.lists(st.integers(0, 3), unique=True, min_size=1, max_size=3)
trees = st.dictionaries(
    st.sampled_from("abc"), leaves | st.dictionaries(st.sampled_from("xy"), leaves, min_size=1), max_size=3
)


@given(foreign=trees, defaults=trees, options=trees)
def test_second_run_changes_nothing(foreign: dict[str, Any], defaults: dict[str, Any], options: dict[str, Any]) -> None:
    """Whatever was there and whatever is wanted, one run reaches the goal."""
    first, ours = plan(foreign, {}, defaults, options)
    assert plan(first, ours, defaults, options) == (first, ours)


@given(foreign=trees, defaults=trees)
def test_removal_gives_back_what_was_there(foreign: dict[str, Any], defaults: dict[str, Any]) -> None:
    """Defaults give way, so nothing of anybody else is lost, in any order of merging and taking out."""
    config, ours = plan(foreign, {}, defaults, {})
    assert subtract(config, ours) == foreign


def test_keys_of_others_stay() -> None:
    """A key that nobody names here is not touched."""
    config, _ = plan({"data-root": "/data"}, {}, ROTATION, {"icc": False})
    assert config == {"data-root": "/data", **ROTATION, "icc": False}


def test_default_gives_way_to_what_somebody_else_wrote() -> None:
    """An operator's own choice, made by hand, is not overruled by a default."""
    config, ours = plan({"live-restore": False}, {}, {"live-restore": True}, {})
    assert config == {"live-restore": False}
    assert ours == {}


def test_option_does_not_give_way() -> None:
    """What the inventory says holds."""
    config, ours = plan({"live-restore": False}, {}, {}, {"live-restore": True})
    assert config == ours == {"live-restore": True}


def test_default_that_changed_replaces_our_own_former_value() -> None:
    """A value that we wrote is not taken for somebody else's."""
    config, _ = plan({"live-restore": True}, {"live-restore": True}, {"live-restore": False}, {})
    assert config == {"live-restore": False}


def test_option_that_is_no_longer_wanted_goes() -> None:
    """Removing it from the inventory removes it from the host."""
    config, ours = plan({"icc": False, "mtu": 1400}, {"icc": False}, {}, {})
    assert config == {"mtu": 1400}
    assert ours == {}


def test_value_that_somebody_changed_since_is_theirs() -> None:
    """Taking out touches only what still is as we left it."""
    assert subtract({"icc": True}, {"icc": False}) == {"icc": True}


def test_lists_are_joined_and_only_our_items_go() -> None:
    """A registry that somebody added stays when ours leaves, and the order stays as it was."""
    config, ours = plan({"insecure-registries": ["theirs"]}, {}, {}, {"insecure-registries": ["ours", "theirs"]})
    assert config == {"insecure-registries": ["theirs", "ours"]}
    assert ours == {"insecure-registries": ["ours"]}
    assert plan(config, ours, {}, {})[0] == {"insecure-registries": ["theirs"]}


def test_item_added_behind_ours_does_not_reorder_the_list() -> None:
    """The order of a list is no reason to restart the engine."""
    current = {"insecure-registries": ["ours", "theirs"]}
    applied = {"insecure-registries": ["ours"]}
    assert plan(current, applied, {}, {"insecure-registries": ["ours"]})[0] == current


def test_null_takes_a_default_away() -> None:
    """Nested ones too; the key of somebody else is not meant."""
    config, _ = plan({}, {}, ROTATION, {"log-opts": {"max-size": None}})
    assert config == {"log-driver": "json-file"}
    assert plan({"mtu": 1400}, {}, {}, {"mtu": None})[0] == {"mtu": 1400}


@pytest.mark.parametrize("foreign", [True, False])
def test_options_of_another_log_driver_are_left_out(foreign: bool) -> None:
    """The driver journald does not know max-size; the engine would refuse to start containers."""
    journald = {"log-driver": "journald"}
    config, _ = plan(journald, {}, ROTATION, {}) if foreign else plan({}, {}, ROTATION, journald)
    assert config == journald


def test_merge_leaves_its_arguments_alone() -> None:
    """The merged tree can be changed without changing what it came from."""
    base, over = {"a": {"x": 1}}, {"a": {"y": {"z": [1]}}}
    merge(base, over)["a"]["y"]["z"].append(2)
    assert (base, over) == ({"a": {"x": 1}}, {"a": {"y": {"z": [1]}}})


class Host:
    """A daemon.json and a record in a folder, and the module run on them."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "docker" / "daemon.json"
        self.record = folder / "lib" / "record.json"

    def run(self, **params: Any) -> dict[str, Any]:
        """Run the module."""
        return run_module("docker_daemon_config", path=str(self.path), record=str(self.record), **params)

    def config(self) -> Any:
        """Return what the file holds."""
        return json.loads(self.path.read_text())


@pytest.fixture
def host(tmp_path: Path) -> Host:
    """Give a host where nothing was ever installed."""
    return Host(tmp_path)


def test_module_makes_the_file_and_changes_nothing_the_second_time(host: Host) -> None:
    """Folders that are missing are made too."""
    assert host.run(defaults=ROTATION)["changed"]
    assert host.config() == ROTATION
    assert not host.run(defaults=ROTATION)["changed"]


def test_module_shows_in_check_mode_what_it_would_change(host: Host) -> None:
    """The diff is the real one; neither file nor record appears."""
    result = host.run(check_mode=True, defaults=ROTATION)
    assert result["changed"]
    assert json.loads(result["diff"]["after"]) == ROTATION
    assert not host.path.exists()
    assert not host.record.exists()


def test_module_keeps_the_old_file_where_the_engine_refuses_the_new_one(
    host: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A configuration that the engine would refuse never gets in place, nor into the record; check mode says so too."""
    program = tmp_path / "bin" / "dockerd"
    program.parent.mkdir()
    program.write_text(
        '#!/bin/sh\ncase "$*" in *"-H fd:// --config-file"*) echo "nonsense: unknown" >&2; exit 1;; esac\n'
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    host.path.parent.mkdir()
    host.path.write_text('{"mtu": 1400}')
    for check_mode in (True, False):
        result = host.run(
            check_mode=check_mode, options={"nonsense": 1}, engine="26.1.5", command=["dockerd", "-H", "fd://"]
        )
        assert result["failed"]
        assert "nothing was changed: nonsense: unknown" in result["msg"]
    assert host.config() == {"mtu": 1400}
    assert not host.record.exists()
    assert host.run(options={"nonsense": 1}, engine="26.1.5")["changed"]


def test_module_follows_a_link_in_place_of_the_file(host: Host, tmp_path: Path) -> None:
    """Somebody keeps the file elsewhere; the link stays, with and without our settings."""
    host.path.parent.mkdir()
    kept = tmp_path / "kept.json"
    host.path.symlink_to(kept)
    host.run(defaults=ROTATION)
    assert host.path.is_symlink()
    assert json.loads(kept.read_text()) == ROTATION
    host.run(state="absent")
    assert host.path.is_symlink()
    assert json.loads(kept.read_text()) == {}


def test_module_keeps_a_copy_of_what_was_there(host: Host) -> None:
    """And says where."""
    host.path.parent.mkdir()
    host.path.write_text('{"mtu": 1400}')
    result = host.run(options={"icc": False})
    assert json.loads(Path(result["backup_file"]).read_text()) == {"mtu": 1400}


def test_module_takes_its_settings_out_again(host: Host) -> None:
    """A file that only we wrote goes; one with other keys stays."""
    host.run(defaults=ROTATION)
    assert host.run(state="absent")["changed"]
    assert not host.path.exists()
    assert not host.record.exists()
    assert not host.run(state="absent")["changed"]


@pytest.mark.parametrize("text", ["{not json", '["a list"]'])
def test_module_does_not_overwrite_a_file_it_cannot_read(host: Host, text: str) -> None:
    """A broken file is somebody's work: said, and left as it is."""
    host.path.parent.mkdir()
    host.path.write_text(text)
    result = host.run(defaults=ROTATION)
    assert result["failed"]
    assert "fix it" in result["msg"]
    assert host.path.read_text() == text


def test_module_does_not_rewrite_a_file_for_its_looks(host: Host) -> None:
    """Another indentation means the same."""
    host.path.parent.mkdir()
    host.path.write_text(json.dumps(ROTATION))
    assert not host.run(defaults=ROTATION)["changed"]
    assert host.path.read_text() == json.dumps(ROTATION)


def test_run_that_is_cut_off_before_the_file_knows_its_settings_again(host: Host, tmp_path: Path) -> None:
    """The record comes first: else the next run would take them for somebody else's, and leave them for ever."""
    host.path.parent.mkdir()
    host.path.symlink_to(tmp_path / "missing" / "daemon.json")
    with pytest.raises(AssertionError):  # the module ends in the middle
        host.run(defaults=ROTATION)
    (tmp_path / "missing").mkdir()
    assert json.loads(host.record.read_text()) == ROTATION
    assert host.run(defaults=ROTATION)["changed"]
    assert host.run(state="absent")["changed"]
    assert not host.config()


def test_module_remembers_what_the_engine_has_read(host: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before it replaces the file, which is newer than the engine from then on."""
    systemctl = tmp_path / "bin" / "systemctl"
    systemctl.parent.mkdir()
    started = int((time.monotonic() + 60) * 1e6)
    systemctl.write_text(
        "#!/bin/sh\necho Id=docker.service ActiveState=active InvocationID=a1 "
        f"ExecMainStartTimestampMonotonic={started} | tr ' ' '\\n'\n"
    )
    systemctl.chmod(0o755)
    monkeypatch.setenv("PATH", f"{systemctl.parent}:{os.environ['PATH']}")
    host.path.parent.mkdir()
    host.path.write_text('{"mtu": 1400}')
    stamp = tmp_path / "stamp.json"
    host.run(options={"icc": False}, taken_up=str(stamp))
    assert json.loads(stamp.read_text())["invocation"] == "a1"
    assert list(json.loads(stamp.read_text())["settings"]) == ["mtu"]
    host.run(options={"icc": False, "debug": True}, taken_up=str(stamp))
    assert list(json.loads(stamp.read_text())["settings"]) == ["mtu"]
