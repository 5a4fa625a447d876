"""What the check of a site's own Redis finds, on real servers."""

from __future__ import annotations

import pytest
import yaml

from ai_service.__main__ import main
from ai_service.cache.redis_check import COMMANDS, redis_problems
from tests.contract.certificates import Authority
from tests.contract.redis_server import PASSWORD, USER, RedisServer
from tests.roles.ansible_module import ROLES

LIMITS = ("--maxmemory", "64mb", "--maxmemory-policy", "allkeys-lru")
RIGHTS = "resetkeys ~ai:* -@all " + " ".join(f"+{command}" for command in COMMANDS)


def problems(server: RedisServer, password: str = PASSWORD, authorities: str = "") -> list[str]:
    """Return what is found of a server."""
    return redis_problems(server.url, USER, password, authorities)


def test_fit_server_has_no_problem_and_keeps_nothing() -> None:
    """With the rights that the service needs, and no more; the keys that were tried are gone."""
    with RedisServer(*LIMITS, rights=RIGHTS) as server:
        assert problems(server) == []
        assert server.keys() == []


def test_fit_server_with_tls_has_no_problem() -> None:
    """Its authority is given, and needed."""
    authority = Authority()
    with RedisServer(*LIMITS, rights=RIGHTS, authority=authority) as server:
        assert problems(server, authorities=authority.pem) == []
        assert "There is no answer" in problems(server)[0]


def test_rights_are_those_that_the_role_grants() -> None:
    """The service may not need what the role's own server refuses."""
    variables = yaml.safe_load((ROLES / "redis" / "vars" / "main.yml").read_text())
    assert sorted(variables["__redis_service_commands"]) == sorted(COMMANDS)


def test_all_that_is_missing_is_said_at_once() -> None:
    """Limit, policy, and each command that the user lacks."""
    rights = RIGHTS.replace(" +eval ", " ").replace(" +hincrby", "").replace(" +script|load", "")
    with RedisServer(rights=rights) as server:
        memory = problems(server)
    assert memory[0] == f"The user {USER} lacks rights: ACL SETUSER {USER} +hincrby +script|load +eval"
    assert ["CONFIG SET maxmemory 256mb" in memory[1], "CONFIG SET maxmemory-policy" in memory[2]] == [True, True]


@pytest.mark.parametrize("command", [command for command in COMMANDS if command not in {"auth", "hello", "select"}])
def test_each_command_that_is_missing_is_named(command: str) -> None:
    """`auth` needs no right, `hello` and `select` are not sent here."""
    rights = " ".join(word for word in RIGHTS.split() if word != f"+{command}")
    with RedisServer(*LIMITS, rights=rights) as server:
        found = " ".join(problems(server))
    assert f"+{command}" in found.split()


def test_keys_that_the_user_may_not_use_are_named() -> None:
    """Another pattern than the service's."""
    with RedisServer(*LIMITS, rights=RIGHTS.replace("~ai:*", "~other:*")) as server:
        assert problems(server) == [f"The user {USER} may not use the keys ai:*: ACL SETUSER {USER} ~ai:*"]


def test_user_that_is_refused_is_told_how_to_be_created() -> None:
    """As where there is `requirepass` and no ACL; the password is told nowhere."""
    with RedisServer(*LIMITS, rights=RIGHTS) as server:
        (problem,) = problems(server, "another password")
    assert f"The user {USER} is refused" in problem
    assert f"ACL SETUSER {USER} on >PASSWORD resetkeys ~ai:*" in problem
    assert "another password" not in problem


def test_server_that_is_down_does_not_answer() -> None:
    """Nothing listens."""
    with RedisServer(*LIMITS) as server:
        server.kill()
        (problem,) = problems(server)
    assert "There is no answer" in problem


def test_command_ends_with_all_problems_as_the_unit_knows_wrong_settings(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Status 78; without Redis there is nothing to check."""
    assert main(["--check-redis"]) == 0
    with RedisServer(rights=RIGHTS) as server:
        monkeypatch.setenv("ALCHEMORSEL_REDIS_URL", server.url)
        monkeypatch.setenv("ALCHEMORSEL_REDIS_USERNAME", USER)
        monkeypatch.setenv("ALCHEMORSEL_REDIS_PASSWORD_FILE", str(server.password_file))
        assert main(["--check-redis"]) == 78
        assert main(["--check"]) == 0
    told = capsys.readouterr().err
    assert f"Redis at {server.url} is not fit for the cache:\n  There is no memory limit" in told
    assert "noeviction" in told
