"""How the lab's hosts are reached, while other commands start, stop and remove some of them."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, ClassVar, cast

import pytest
from docker.errors import APIError

from lab import hosts

if TYPE_CHECKING:
    from pathlib import Path

KEY = b"ssh-ed25519 AAAA root@host\n"


class FakeContainer:
    """A host that answers, or an error in place of each of its answers."""

    status = "running"
    attrs: ClassVar[dict[str, Any]] = {"NetworkSettings": {"Networks": {"lab": {"IPAddress": "192.0.2.1"}}}}

    def __init__(self, name: str, error: int = 0) -> None:
        self.name = name
        self._error = error

    def exec_run(self, _argv: list[str]) -> SimpleNamespace:
        """Answer with the host's key."""
        if self._error:
            raise APIError("not now", response=cast("Any", SimpleNamespace(status_code=self._error)))
        return SimpleNamespace(exit_code=0, output=KEY)

    def reload(self) -> None:
        """Nothing has changed."""


class FakeClient:
    """A Docker client that knows some containers."""

    def __init__(self, *containers: FakeContainer) -> None:
        self.containers = self
        self._containers = list(containers)

    def list(self, **_: Any) -> list[FakeContainer]:
        """List them."""
        return self._containers


@pytest.fixture(autouse=True)
def run_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Have the files written elsewhere than for the lab that runs."""
    for name in ("HOST_VARS", "SSH_CONFIG", "_KNOWN_HOSTS"):
        monkeypatch.setattr(hosts, name, tmp_path / name)
    return tmp_path


@pytest.mark.parametrize("status", [404, 409])
def test_host_that_another_command_stops_meanwhile_is_left_out(run_folder: Path, status: int) -> None:
    """The others are written down as they are."""
    client = FakeClient(FakeContainer("going", status), FakeContainer("staying"))
    hosts.write_connections(cast("Any", client))
    assert [path.name for path in (run_folder / "HOST_VARS").iterdir()] == ["staying.yml"]
    assert "Host staying" in (run_folder / "SSH_CONFIG").read_text()


def test_fault_of_the_engine_is_no_reason_to_leave_a_host_out() -> None:
    """It reaches whoever asked."""
    with pytest.raises(APIError):
        hosts.write_connections(cast("Any", FakeClient(FakeContainer("host", 500))))
