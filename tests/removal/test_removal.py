"""After a role was removed with its data, nothing of it is left on the host."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.removal.traces import Traces, of_what_was_removed, units_left

if TYPE_CHECKING:
    from testinfra.host import Host


@pytest.fixture
def traces(host: Host) -> Traces:
    """Give the traces of the removed roles."""
    return of_what_was_removed(host)


def test_its_files_are_gone(host: Host, traces: Traces) -> None:
    """No folder and no file of the role's own stays."""
    assert [path for path in traces.paths if host.file(path).exists] == []


def test_its_programs_are_gone(host: Host, traces: Traces) -> None:
    """The packages it brought are removed."""
    assert [program for program in traces.programs if host.exists(program)] == []


def test_its_units_are_gone(host: Host, traces: Traces) -> None:
    """Nothing of it runs or would start at the next boot."""
    assert units_left(host, traces.units) == []


def test_its_users_and_containers_are_gone(host: Host, traces: Traces) -> None:
    """No account and no container stays."""
    assert [user for user in traces.users if host.user(user).exists] == []
    assert [name for name in traces.containers if host.run("docker inspect %s", name).rc == 0] == []
