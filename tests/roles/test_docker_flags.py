"""Which settings a unit's command line makes, as systemd prints it and dockerd reads it."""

from __future__ import annotations

import pytest
from ansible_collections.alchemorsel.ai.plugins.module_utils.docker_flags import (
    applicable,
    command_line,
    environment,
    settings,
    without,
)

DEBIAN = (
    "{ path=/usr/sbin/dockerd ; argv[]=/usr/sbin/dockerd -H fd:// --containerd=/run/containerd/containerd.sock "
    "$DOCKER_OPTS ; ignore_errors=no ; start_time=[n/a] ; stop_time=[n/a] ; pid=0 ; code=(null) ; status=0/0 }"
)


def test_variables_of_the_unit_are_part_of_its_command_line() -> None:
    """Debian's unit takes DOCKER_OPTS of /etc/default/docker, split into words."""
    variables = environment('# DOCKER_OPTS="--dns 8.8.8.8"\nDOCKER_OPTS="--log-level=warn -D"\n')
    assert command_line(DEBIAN, variables) == [
        *("/usr/sbin/dockerd", "-H", "fd://", "--containerd=/run/containerd/containerd.sock"),
        *("--log-level=warn", "-D"),
    ]
    assert command_line(DEBIAN, {})[-1] == "--containerd=/run/containerd/containerd.sock"
    assert command_line("", {}) == []


@pytest.mark.parametrize(
    ("flags", "found"),
    [
        (["-H", "fd://", "-H=tcp://0.0.0.0:1"], {"hosts": ["fd://", "tcp://0.0.0.0:1"]}),
        (["-Hfd://"], {"hosts": ["fd://"]}),
        (["-D", "--live-restore"], {"debug": ["true"], "live-restore": ["true"]}),
        (["--label", "a=b", "--registry-mirror=x"], {"labels": ["a=b"], "registry-mirrors": ["x"]}),
        (["--icc=false", "-g", "/data"], {"icc": ["false"], "graph": ["/data"]}),
        (["--config-file", "/etc/other.json"], {}),
        ([], {}),
    ],
)
def test_flags_have_the_names_of_the_file(flags: list[str], found: dict[str, list[str]]) -> None:
    """In all forms that dockerd takes."""
    assert settings(flags) == found


def test_one_setting_can_be_taken_out_of_a_command_line() -> None:
    """With its value, in either form."""
    assert without(["-H", "fd://", "--containerd=/run/x", "-Htcp://y"], "hosts") == ["--containerd=/run/x"]


DEFAULTS = {"icc": False, "live-restore": True, "log-driver": "json-file", "log-opts": {"max-size": "10m"}}


def test_defaults_give_way_to_flags() -> None:
    """The engine refuses a setting that is in both places; another log driver knows no max-size."""
    assert applicable(DEFAULTS, {}, is_swarm_member=False) == DEFAULTS
    assert "icc" not in applicable(DEFAULTS, {"icc": ["false"]}, is_swarm_member=False)
    driven = applicable(DEFAULTS, {"log-driver": ["journald"]}, is_swarm_member=False)
    assert driven == {"icc": False, "live-restore": True}
    assert "log-opts" in applicable(DEFAULTS, {"log-driver": ["json-file"]}, is_swarm_member=False)


def test_member_of_a_swarm_gets_no_live_restore() -> None:
    """Its engine would not start."""
    assert "live-restore" not in applicable(DEFAULTS, {}, is_swarm_member=True)
