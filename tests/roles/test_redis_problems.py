"""What the role redis refuses before it changes anything."""

from __future__ import annotations

from typing import Any

import pytest

from tests.roles.templates import evaluate, role_variables

HOST = {
    "ansible_facts": {"distribution": "Debian", "distribution_version": "12.11"},
    "__redis_server": {"version": "", "exists": [], "memory_mb": 2000},
}
DUMP, DROP_IN = "/var/lib/redis/dump.rdb", "/etc/systemd/system/redis-server.service.d/alchemorsel.conf"


def problems(**settings: Any) -> list[str]:
    """Return what is said of a host with some settings other than the defaults."""
    variables = {**role_variables("redis"), **HOST, **settings}
    found: list[str] = evaluate(variables["__redis_problems"], variables)
    return found


def server(**state: Any) -> dict[str, Any]:
    """Return the host's server, as the module redis_facts would."""
    return {"__redis_server": {"version": "7.0.15", "exists": [], "memory_mb": 2000, **state}}


def test_fit_host_has_no_problem() -> None:
    """With the defaults, with a password that is given, and with TLS; a password in good shape is told nowhere."""
    files = {"redis_tls_certificate_file": "server.crt", "redis_tls_key_file": "server.key"}
    assert problems() == []
    assert problems(redis_service_password="long-enough-password", redis_tls=True, **files) == []


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"ansible_facts": {"distribution": "Debian", "distribution_version": "11.9"}}, "Debian 11 is not supported"),
        ({"redis_service_password": "short"}, "16 characters or more"),
        ({"redis_service_password": "long enough but spaced"}, "no white space"),
        ({"redis_tls": True, "redis_tls_key_file": "server.key"}, "redis_tls needs redis_tls_certificate_file"),
        ({"redis_maxmemory": "1700mb"}, "needs 2125 MiB with its buffers, but the host has 2000 MiB"),
        ({"redis_maxmemory": "1100mb", "redis_save_points": ["3600 1"]}, "and the copies that a snapshot makes"),
        (server(exists=[DUMP]), "a Redis that this role did not set up keeps data"),
    ],
)
def test_what_cannot_work_is_refused_with_what_would_be_right(settings: dict[str, Any], said: str) -> None:
    """One thing at a time."""
    (problem,) = problems(**settings)
    assert said in problem


def test_all_that_is_wrong_is_said_at_once() -> None:
    """A second run for the second mistake would be one too many."""
    assert len(problems(redis_service_password="short", redis_tls=True, **server(exists=[DUMP]))) == 3


@pytest.mark.parametrize(
    "state", [{"version": "", "exists": [DUMP]}, {"exists": [DUMP, DROP_IN]}, {"exists": [DROP_IN]}]
)
def test_data_of_nobody_else_is_no_problem(state: dict[str, Any]) -> None:
    """What an earlier server left, what ours wrote, and nothing at all."""
    assert problems(**server(**state)) == []
