"""What the role redis refuses before it changes anything."""

from __future__ import annotations

from typing import Any

import pytest

from tests.roles.templates import evaluate, role_variables

SURVEY: dict[str, Any] = {"foreign": [], "former": {}}
SERVER: dict[str, Any] = {"version": "", "memory_mb": 2000, "listeners": [], "survey": SURVEY}
HOST = {
    "ansible_facts": {"distribution": "Debian", "distribution_version": "12.11"},
    "__redis_server": SERVER,
}
STOCK, OWN = "redis-server.service", "redis-server@alchemorsel.service"


def problems(**settings: Any) -> list[str]:
    """Return what is said of a host with some settings other than the defaults."""
    variables = {**role_variables("redis"), **HOST, **settings}
    found: list[str] = evaluate(variables["__redis_problems"], variables)
    return found


def server(**state: Any) -> dict[str, Any]:
    """Return the host's server, as the module redis_facts would."""
    return {"__redis_server": {**SERVER, "version": "7.0.15", **state}}


def held_by(owner: str, **survey: Any) -> dict[str, Any]:
    """Return a host on which somebody listens on the port."""
    return server(listeners=[{"port": 6379, "owner": owner}], survey={**SURVEY, **survey})


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
        (held_by(STOCK), "port 6379 is held by redis-server.service: set redis_port to a free one"),
        (held_by("nginx.service", former={"port": 6379}), "port 6379 is held by nginx.service"),
        (server(survey={**SURVEY, "foreign": ["/etc/redis/redis-alchemorsel.conf"]}), "it is somebody else's"),
    ],
)
def test_what_cannot_work_is_refused_with_what_would_be_right(settings: dict[str, Any], said: str) -> None:
    """One thing at a time."""
    (problem,) = problems(**settings)
    assert said in problem


def test_all_that_is_wrong_is_said_at_once() -> None:
    """A second run for the second mistake would be one too many."""
    assert len(problems(redis_service_password="short", redis_tls=True, **held_by(STOCK))) == 3


@pytest.mark.parametrize("state", [held_by(OWN), held_by(STOCK, former={"port": 6379})])
def test_port_that_the_role_holds_is_no_problem(state: dict[str, Any]) -> None:
    """By its instance, or by the stock unit as an earlier revision ran it."""
    assert problems(**state) == []
