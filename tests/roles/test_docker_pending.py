"""Which settings of daemon.json the running engine has not taken up."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ansible_collections.alchemorsel.ai.plugins.module_utils.docker_pending import (
    UNKNOWN,
    hashes,
    in_force,
    needing_restart,
    of_others,
    pending,
    remember,
    stopped_by,
    survives,
)

if TYPE_CHECKING:
    from pathlib import Path

CONFIG = {"icc": False, "features": {"cdi": True}, "live-restore": True}


def test_file_older_than_the_engine_is_in_force(tmp_path: Path) -> None:
    """The engine has read it when it started."""
    taken_up = in_force(tmp_path / "stamp", "a1", 100.0, CONFIG, 99.0)
    assert pending(taken_up, CONFIG) == []
    assert pending(taken_up, {**CONFIG, "mtu": 1400}) == ["mtu"]


def test_file_newer_than_the_engine_is_taken_up_as_a_whole(tmp_path: Path) -> None:
    """Nothing tells what the engine has read, so that only a restart is sure."""
    taken_up = in_force(tmp_path / "stamp", "a1", 100.0, CONFIG, 100.5)
    assert pending(taken_up, CONFIG) == [UNKNOWN]
    assert needing_restart([UNKNOWN], CONFIG) == [UNKNOWN]


def test_stamp_tells_what_a_start_has_taken_up(tmp_path: Path) -> None:
    """By reloads too, after which the file is newer than the engine; another start has read the file itself."""
    stamp = tmp_path / "lib" / "stamp.json"
    remember(stamp, "a1", hashes(CONFIG))
    taken_up = in_force(stamp, "a1", 100.0, CONFIG, 200.0)
    assert pending(taken_up, CONFIG) == []
    assert pending(taken_up, {"live-restore": False}) == ["features.cdi", "icc", "live-restore"]
    assert pending(in_force(stamp, "b2", 100.0, CONFIG, 200.0), CONFIG) == [UNKNOWN]
    stamp.write_text("[]")
    assert pending(in_force(stamp, "a1", 100.0, CONFIG, 99.0), CONFIG) == []


def test_stamp_holds_no_values(tmp_path: Path) -> None:
    """A proxy's URL may have a password."""
    stamp = tmp_path / "stamp.json"
    remember(stamp, "a1", hashes({"proxies": {"http-proxy": "http://user:secret@proxy"}}))
    assert "secret" not in stamp.read_text()


def test_reload_is_enough_for_what_it_takes_up() -> None:
    """CDI is a feature that is read at the start only."""
    wanted = {**CONFIG, "registry-mirrors": ["https://mirror.test"]}
    names = ["features.cdi", "icc", "live-restore", "registry-mirrors"]
    assert needing_restart(names, wanted) == ["features.cdi", "icc"]
    # The engine leaves what the file no longer has as it is.
    assert needing_restart(["live-restore", "registry-mirrors"], {}) == ["registry-mirrors"]


def test_containers_outlive_a_restart_with_live_restore() -> None:
    """By the file or a flag, of a unit that leaves processes alone."""
    assert survives({"live-restore": True}, {}, keeps=True)
    assert survives({}, {"live-restore": ["true"]}, keeps=True)
    assert not survives({}, {}, keeps=True)
    assert not survives({"live-restore": False}, {}, keeps=True)
    assert not survives({"live-restore": True}, {}, keeps=False)


def test_containers_that_a_restart_would_stop_are_named() -> None:
    """None by a reload; all without live-restore, and where the engine would not find them again."""
    assert stopped_by([], ["b", "a"], survive=False) == []
    assert stopped_by(["icc"], ["b", "a"], survive=False) == ["a", "b"]
    assert stopped_by(["icc"], ["b", "a"], survive=True) == []
    assert stopped_by(["data-root"], ["b", "a"], survive=True) == ["a", "b"]
    assert of_others(["alchemorsel-ollama", "theirs"]) == ["theirs"]
