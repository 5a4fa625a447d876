"""Check that a Redis server is fit for the cache: memory limit, eviction policy, rights of the user."""

from __future__ import annotations

import re
import secrets
from hashlib import sha1
from typing import TYPE_CHECKING, Any

import redis
from redis.backoff import NoBackoff
from redis.exceptions import AuthenticationError, NoPermissionError, NoScriptError, RedisError, ResponseError
from redis.maint_notifications import MaintNotificationsConfig
from redis.retry import Retry

if TYPE_CHECKING:
    from collections.abc import Iterator

KEYS = "ai:*"
COMMANDS = (
    "auth", "hello", "ping", "select", "get", "set", "exists", "del", "unlink", "pexpire", "pttl", "scan", "eval",
    "evalsha", "script|load", "incrby", "rename", "hincrby", "hgetall", "xadd", "xrevrange", "info",
)  # fmt: skip
"""Rights of the service's user; a test compares them with those that the role redis grants."""
TIMEOUT_S = 5.0
KEY_LIFE_MS = 60_000
"""Of keys that the check writes, should it break off."""
_SCRIPT = "return 1"
_NAMED_COMMAND = re.compile(r"'([^']+)' (?:sub)?command")


def redis_problems(url: str, username: str, password: str, authorities: str) -> list[str]:
    """Return all that a server lacks for the cache, in sentences with what to do.

    Args:
        url: As RedisStore's.
        username: ACL user; empty for none.
        password: Its password; empty for none.
        authorities: Certificates in PEM format; empty for those that the system trusts.
    """
    tls = {"ssl_ca_data": authorities} if authorities and url.startswith("rediss:") else {}
    client = redis.Redis.from_url(
        url,
        username=username or None,
        password=password or None,
        socket_timeout=TIMEOUT_S,
        socket_connect_timeout=TIMEOUT_S,
        retry=Retry(NoBackoff(), 0),
        driver_info=None,  # Neither this nor the next needs rights that the ACL user may not have.
        maint_notifications_config=MaintNotificationsConfig(enabled=False),
        **tls,
    )
    user = username or "default"
    grant = f"ACL SETUSER {user} on >PASSWORD resetkeys ~{KEYS} -@all " + " ".join(f"+{each}" for each in COMMANDS)
    with client:
        try:
            client.ping()
        except (RedisError, OSError) as error:
            if isinstance(error, AuthenticationError) or "WRONGPASS" in str(error):
                return [f"The user {user} is refused ({error}). Correct its password, or create it: {grant}"]
            if not isinstance(error, NoPermissionError):
                return [f"There is no answer ({error}). Start the server, or correct its address."]
        try:
            return [*_lacking_rights(client, user), *_unfit_memory(client)]
        except (RedisError, OSError) as error:
            return [f"The connection broke off ({error})."]


def _steps(token: str) -> Iterator[tuple[Any, ...]]:
    """Yield commands as the service sends them; with the last ones the keys are gone."""
    names = ("text", "count", "renamed", "amounts", "records")
    text, count, renamed, amounts, records = (f"ai:check:{token}:{name}" for name in names)
    yield "PING", ()
    yield "SET", (text, "1", "PX", KEY_LIFE_MS)
    yield "GET", (text,)
    yield "EXISTS", (text,)
    yield "PEXPIRE", (text, KEY_LIFE_MS)
    yield "PTTL", (text,)
    yield "INCRBY", (count, 1)
    yield "PEXPIRE", (count, KEY_LIFE_MS)
    yield "RENAME", (count, renamed)
    yield "HINCRBY", (amounts, "tokens", 1)
    yield "PEXPIRE", (amounts, KEY_LIFE_MS)
    yield "HGETALL", (amounts,)
    yield "XADD", (records, "MAXLEN", 1, "*", "record", "1")
    yield "PEXPIRE", (records, KEY_LIFE_MS)
    yield "XREVRANGE", (records, "+", "-", "COUNT", 1)
    yield "SCRIPT LOAD", (_SCRIPT,)
    yield "EVALSHA", (sha1(_SCRIPT.encode(), usedforsecurity=False).hexdigest(), 1, text)
    yield "EVAL", (_SCRIPT, 1, text)
    yield "SCAN", (0, "MATCH", f"ai:check:{token}:*", "COUNT", 10)
    yield "DEL", (text,)
    yield "UNLINK", (renamed, amounts, records)


def _lacking_rights(client: redis.Redis, user: str) -> list[str]:
    """Return which commands and keys the user is refused, and what fails in another way."""
    refused: list[str] = []
    failed: list[str] = []
    keys_refused = False
    for command, arguments in _steps(secrets.token_hex(8)):
        try:
            client.execute_command(command, *arguments)  # type: ignore[no-untyped-call]
        except NoPermissionError as error:
            named = _NAMED_COMMAND.search(str(error))
            if named is None and "key" in str(error):
                keys_refused = True
            else:
                refused.append(named[1] if named else command.lower().replace(" ", "|"))
        except NoScriptError:
            pass  # the script could not be loaded, which was refused before
        except ResponseError as error:
            failed.append(f"{command} fails: {error}.")
    problems = []
    if refused:
        rights = " ".join(f"+{command}" for command in dict.fromkeys(refused))
        problems.append(f"The user {user} lacks rights: ACL SETUSER {user} {rights}")
    if keys_refused:
        problems.append(f"The user {user} may not use the keys {KEYS}: ACL SETUSER {user} ~{KEYS}")
    return problems or failed


def _unfit_memory(client: redis.Redis) -> list[str]:
    """Return what is wrong with the memory limit and the eviction policy."""
    try:
        memory = client.info("memory")
    except NoPermissionError:
        return ["The memory limit and the eviction policy are not readable: grant +info as well."]
    problems = []
    if memory.get("maxmemory") == 0:
        problems.append("There is no memory limit, so answers would fill the host: CONFIG SET maxmemory 256mb")
    if memory.get("maxmemory_policy") == "noeviction":
        problems.append(
            "The eviction policy is noeviction, so a full server refuses answers: "
            "CONFIG SET maxmemory-policy allkeys-lru"
        )
    return problems
