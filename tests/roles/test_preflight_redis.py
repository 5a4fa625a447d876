"""What preflight makes of the Redis servers that a host had before."""

from __future__ import annotations

from ansible_collections.alchemorsel.ai.plugins.filter.preflight_redis import redis_problems


def test_other_servers_are_no_problem() -> None:
    """The role's own runs beside them."""
    server = {"program": "redis-server", "unit": "redis-server.service", "ports": [6379]}
    assert redis_problems({"servers": [server], "foreign": []}) == []
    assert redis_problems({}) == []


def test_files_with_the_names_of_the_role_are_named_with_the_way_out() -> None:
    """All of them in one problem."""
    survey = {"foreign": ["/etc/redis/redis-alchemorsel.conf", "/etc/systemd/system/redis-server@.service"]}
    (problem,) = redis_problems(survey)
    assert "redis-alchemorsel.conf and /etc/systemd/system/redis-server@.service" in problem["problem"]
    assert "redis_hosts" in problem["remedy"]


def test_host_that_gets_no_server_may_have_any_file() -> None:
    """The names are free there."""
    assert redis_problems({"foreign": ["/etc/redis/redis-alchemorsel.conf"]}, is_needed=False) == []
