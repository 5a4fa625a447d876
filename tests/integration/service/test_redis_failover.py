"""The loss of the primary of three Redis servers, as the roles set them up, behind the real service."""

from __future__ import annotations

import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
import redis

from tests.contract.certificates import Authority
from tests.integration.service.load import Load
from tests.integration.service.model_server import MODEL, ModelServer
from tests.integration.service.program import Program
from tests.redis_failover import NAMES, RedisFailover
from tests.waiting import until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

INGREDIENTS = "/api/v1/ai/suggest-ingredients"
FAILOVER_WITHIN_S = 60
"""Generous: a busy machine notices late. What it takes is printed."""
ANSWERS = 20


@pytest.fixture(params=["plain", "tls"])
def site(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[RedisFailover]:
    """Run three hosts' servers."""
    with RedisFailover(tmp_path, Authority() if request.param == "tls" else None) as servers:
        yield servers


@pytest.fixture
def plain_site(tmp_path: Path) -> Iterator[RedisFailover]:
    """Run three hosts' servers, without TLS."""
    with RedisFailover(tmp_path) as servers:
        yield servers


def service(site: RedisFailover, model: ModelServer) -> Program:
    """Make an instance of the service that asks whichever server is the primary."""
    return Program(
        OLLAMA_HOST=model.url,
        OLLAMA_MODEL=MODEL,
        REDIS_URL=f"unix://{site.socket}?db=0",
        REDIS_USERNAME="alchemorsel",
        REDIS_PASSWORD_FILE=str(site.password_file),
    )


def question(number: int) -> dict[str, list[str]]:
    """Give one of the questions of a test."""
    return {"partial": [f"pear {number}"]}


def where_from(program: Program, number: int) -> str:
    """Tell where an answer came from."""
    response = program.ask(INGREDIENTS, question(number))
    assert response.status_code == 200
    return response.headers["cache-status"]


def stored(site: RedisFailover, key: str) -> bool:
    """Tell whether the primary takes something to store."""
    try:
        with site.client() as client:
            return bool(client.set(key, "1"))
    except redis.RedisError:
        return False


def store_on_all(site: RedisFailover, key: str) -> None:
    """Have something stored by the first primary, and copied by both replicas."""
    assert stored(site, key)
    with site.operator(NAMES[0]) as operator:
        assert operator.wait(2, 20_000) == 2


def kept(site: RedisFailover, key: str) -> bool:
    """Tell whether the primary has what was stored."""
    with site.client() as client:
        return bool(client.get(key) == b"1")


def until_handed_over(site: RedisFailover) -> None:
    """Wait until the Sentinels tell of another primary; it is one, which HAProxy sees, before most of them agree."""
    until(lambda: site.primary() in NAMES[1:], timeout_s=FAILOVER_WITHIN_S)


def test_primary_killed_under_load_costs_no_answer(site: RedisFailover) -> None:
    """Callers get theirs from memory or computed anew meanwhile; those that were stored before are there afterwards."""
    with ModelServer() as model, service(site, model) as program:
        for number in range(ANSWERS):
            where_from(program, number)
        until(lambda: _count(site) >= ANSWERS)  # Stored a moment after they are sent.
        with Load(program.client, INGREDIENTS, [question(number) for number in range(2 * ANSWERS)]) as load:
            load.more(ANSWERS)
            site.kill(NAMES[0])
            begun = time.monotonic()
            until(lambda: stored(site, "ai:after"), timeout_s=FAILOVER_WITHIN_S)
            sys.stdout.write(f"written again {time.monotonic() - begun:.1f} s after the primary was killed\n")
            until(lambda: program.http.get("/health").json()["cache"]["available"], timeout_s=FAILOVER_WITHIN_S)
            load.more(ANSWERS)
        assert (set(load.statuses), load.errors) == ({200}, [])
        until_handed_over(site)
        with service(site, model) as another:
            asked = model.asked
            assert all("detail=redis" in where_from(another, number) for number in range(ANSWERS))
            assert model.asked == asked


def test_former_primary_comes_back_as_a_replica_with_the_settings_of_the_role(site: RedisFailover) -> None:
    """It has rewritten its own file before, which the role's settings outlast; nothing stored is lost by its return."""
    with site.operator(NAMES[0]) as operator:
        operator.config_rewrite()
    site.kill(NAMES[0])
    until(lambda: stored(site, "ai:kept"), timeout_s=FAILOVER_WITHIN_S)
    until_handed_over(site)
    now = site.primary()
    site.settings["redis_maxmemory"] = "77mb"
    site.start(NAMES[0])
    site.becomes_whole(FAILOVER_WITHIN_S)
    with site.operator(NAMES[0]) as operator:
        assert operator.config_get("maxmemory") == {"maxmemory": str(77 * 1024**2)}
        assert operator.get("ai:kept") == b"1"
    assert site.primary() == now
    with site.operator(now) as operator:
        operator.config_rewrite()
    site.kill(now, "server")
    until(lambda: stored(site, "ai:later"), timeout_s=FAILOVER_WITHIN_S)
    site.start(now, "server")
    site.becomes_whole(FAILOVER_WITHIN_S)
    with site.operator(now) as operator:
        assert operator.config_get("maxmemory") == {"maxmemory": str(77 * 1024**2)}
        assert operator.mget("ai:kept", "ai:later") == [b"1", b"1"]


def test_primary_that_is_started_again_at_once_does_not_empty_its_replicas(plain_site: RedisFailover) -> None:
    """As systemd does; it waits until the Sentinels have made another one the primary, and copies that."""
    store_on_all(plain_site, "ai:kept")
    plain_site.kill(NAMES[0], "server")
    plain_site.start(NAMES[0], "server")
    plain_site.becomes_whole(FAILOVER_WITHIN_S)
    assert plain_site.primary() in NAMES[1:]
    assert kept(plain_site, "ai:kept")


def test_primary_that_nobody_has_replaced_yet_does_not_empty_its_replicas(plain_site: RedisFailover) -> None:
    """Sentinels that notice late, as on a busy host, are told: the answers that the replicas hold are not lost."""
    store_on_all(plain_site, "ai:kept")
    for name in NAMES:
        with plain_site.sentinel(name) as sentinel:
            sentinel.sentinel_set("alchemorsel", "down-after-milliseconds", 600_000)
    plain_site.kill(NAMES[0], "server")
    plain_site.start(NAMES[0], "server")
    plain_site.becomes_whole(FAILOVER_WITHIN_S)
    assert plain_site.primary() in NAMES[1:]
    assert kept(plain_site, "ai:kept")


def test_primary_that_starts_before_a_sentinel_can_be_asked_waits_for_one(plain_site: RedisFailover) -> None:
    """As when its host starts without a network: no reply is no leave to go on as the primary."""
    store_on_all(plain_site, "ai:kept")
    plain_site.kill(NAMES[0], "server")
    for name in NAMES:
        plain_site.kill(name, "sentinel")
    with ThreadPoolExecutor() as beside:
        started = beside.submit(plain_site.start, NAMES[0], "server")
        time.sleep(2)
        for name in NAMES[1:]:
            plain_site.start(name, "sentinel")
        started.result()
    plain_site.start(NAMES[0], "sentinel")
    plain_site.becomes_whole(FAILOVER_WITHIN_S)
    assert kept(plain_site, "ai:kept")


def test_replica_that_was_forgotten_while_it_was_away_copies_the_primary_of_today(plain_site: RedisFailover) -> None:
    """Its own file names a former primary, and no Sentinel knows that there is somebody to be told of another."""
    store_on_all(plain_site, "ai:kept")
    plain_site.kill(NAMES[2], "server")
    plain_site.kill(NAMES[0], "server")
    until_handed_over(plain_site)
    plain_site.start(NAMES[0], "server")
    for name in NAMES:
        plain_site.command(name, "forget")
    plain_site.start(NAMES[2], "server")
    plain_site.becomes_whole(FAILOVER_WITHIN_S)
    assert plain_site.primary() == NAMES[1]
    assert kept(plain_site, "ai:kept")


def test_check_refuses_what_a_failover_would_leave_behind(plain_site: RedisFailover) -> None:
    """A replica of a replica, which has a connection as well, and Sentinels that do not know it; each where it is."""
    ports = [peer["port"] for peer in plain_site.peers]
    with plain_site.operator(NAMES[2]) as operator:
        operator.replicaof("127.0.0.1", ports[1])
        until(lambda: operator.info("replication")["master_link_status"] == "up")
        for name in NAMES:
            plain_site.command(name, "forget")
    with ThreadPoolExecutor() as beside:
        first, third = (beside.submit(plain_site.command, name, "check") for name in (NAMES[0], NAMES[2]))
        with pytest.raises(AssertionError, match="knows 1 replicas, and there are 2"):
            first.result()
        with pytest.raises(AssertionError, match=f"this host's server is a copy of 127.0.0.1 {ports[1]}"):
            third.result()
    plain_site.kill(NAMES[2], "server")
    plain_site.start(NAMES[2], "server")
    for name in NAMES:
        plain_site.command(name, "check")


def test_failover_by_hand_keeps_what_is_stored_and_leaves_one_primary(plain_site: RedisFailover) -> None:
    """Once the command has ended, there are not two that take what is stored; and callers noticed nothing."""
    with ModelServer() as model, service(plain_site, model) as program:
        assert stored(plain_site, "ai:kept")
        with Load(program.client, INGREDIENTS, [question(number) for number in range(ANSWERS)]) as load:
            plain_site.command(NAMES[1], "failover")
            assert [_role(plain_site, name) for name in NAMES].count("master") == 1
            plain_site.becomes_whole(FAILOVER_WITHIN_S)
            load.more(ANSWERS)
        assert (set(load.statuses), load.errors) == ({200}, [])
    until_handed_over(plain_site)
    until(lambda: stored(plain_site, "ai:after"), timeout_s=FAILOVER_WITHIN_S)
    assert kept(plain_site, "ai:kept")


def test_users_may_do_what_they_are_for_and_sentinels_want_a_password(plain_site: RedisFailover) -> None:
    """HAProxy's user reads INFO; nobody asks or steers a Sentinel without the password."""
    port = plain_site.peers[0]["port"]
    with redis.Redis(port=port, username="alchemorsel-check", password="check-of-this-test") as client:
        assert client.info("replication")["role"] == "master"
        for command in (("GET", "ai:x"), ("CONFIG", "GET", "*"), ("REPLICAOF", "NO", "ONE"), ("DBSIZE",)):
            with pytest.raises(redis.exceptions.NoPermissionError):
                client.execute_command(*command)
    for user in ("alchemorsel-replica", "alchemorsel-sentinel"):
        with redis.Redis(port=port, username=user, password="replication-of-this-test") as client:
            for command in (("GET", "ai:x"), ("CONFIG", "GET", "*"), ("FLUSHALL",), ("ACL", "LIST")):
                with pytest.raises(redis.exceptions.NoPermissionError):
                    client.execute_command(*command)
    with (
        redis.Redis(port=plain_site.peers[0]["sentinel_port"]) as client,
        pytest.raises(redis.exceptions.AuthenticationError),
    ):
        client.execute_command("SENTINEL", "MASTERS")


def _role(site: RedisFailover, name: str) -> str:
    with site.operator(name) as operator:
        return str(operator.info("replication")["role"])


def _count(site: RedisFailover) -> int:
    with site.operator(NAMES[0]) as operator:
        return sum(1 for _ in operator.scan_iter("ai:v2:*"))
