"""API keys on the real program."""

from __future__ import annotations

import itertools
import time
from typing import TYPE_CHECKING

from ai_service.access.keys import hash_key, new_key
from tests.integration.service.model_server import MODEL, ModelServer
from tests.integration.service.program import Instances, Program
from tests.waiting import until

if TYPE_CHECKING:
    from pathlib import Path

    import httpx

    from tests.contract.redis_server import RedisServer

INGREDIENTS = "/api/v1/ai/suggest-ingredients"
BODY = {"partial": ["pear"]}
TIMEOUT_S = 20.0


def test_keys_open_run_out_and_change_without_a_restart(tmp_path: Path) -> None:
    """401 without one, 429 past its rate, and a file that is replaced counts within seconds."""
    web, slow, later = new_key(), new_key(), new_key()
    path = tmp_path / "keys"
    path.write_text(f"{hash_key('web', web).line()}\n{hash_key('slow', slow, rate='2/hour').line()}\n")
    with Program(AI_PROVIDER="mock", API_KEYS_FILE=str(path)) as program:

        def status(key: str) -> int:
            return program.ask(INGREDIENTS, BODY, Authorization=f"Bearer {key}").status_code

        refused = program.ask(INGREDIENTS, BODY)
        assert (refused.status_code, refused.json()["code"]) == (401, "unauthorized")
        assert refused.headers["www-authenticate"].startswith("Bearer")
        assert [status(key) for key in (web, slow, slow, later)] == [200, 200, 200, 401]
        limited = program.ask(INGREDIENTS, BODY, X_API_Key=slow)
        assert (limited.status_code, limited.json()["code"]) == (429, "rate_limited")
        assert int(limited.headers["retry-after"]) >= 1
        assert program.http.get("/health/ready").status_code == 200

        path.write_text(hash_key("later", later).line())
        give_up = time.monotonic() + TIMEOUT_S
        while status(later) != 200:
            assert time.monotonic() < give_up
            time.sleep(0.1)
        assert status(web) == 401
        log = str(program.log())
    assert not any(key in log for key in (web, slow, later))


def test_a_rate_is_one_for_all_instances(tmp_path: Path, redis_server: RedisServer) -> None:
    """Whichever is asked; without Redis each counts for itself, and nobody fails."""
    key, path = new_key(), tmp_path / "keys"
    path.write_text(hash_key("many", key, rate="5/hour").line())
    with Instances(
        tmp_path,
        AI_PROVIDER="mock",
        API_KEYS_FILE=str(path),
        **redis_server.settings,
    ) as programs:

        def statuses(times: int) -> list[int]:
            asked = itertools.islice(itertools.cycle(programs), times)
            return [program.ask(INGREDIENTS, BODY, x_api_key=key).status_code for program in asked]

        together = statuses(20)
        redis_server.kill()
        alone = statuses(20)
    assert (together[:5], set(together[5:])) == ([200] * 5, {429})
    assert alone.count(200) == 2 * 5


def test_each_key_has_its_own_answers_where_the_scope_is_the_key(tmp_path: Path, redis_server: RedisServer) -> None:
    """In Redis too, for every instance, and without the keys' names; a purge takes all."""
    keys = {name: new_key() for name in ("web", "job", "operator")}
    path = tmp_path / "keys"
    path.write_text("\n".join(hash_key(name, key, admin=name == "operator").line() for name, key in keys.items()))
    with (
        ModelServer() as model,
        Instances(
            tmp_path,
            OLLAMA_HOST=model.url,
            OLLAMA_MODEL=MODEL,
            API_KEYS_FILE=str(path),
            CACHE_SCOPE="key",
            **redis_server.settings,
        ) as (first, second),
    ):

        def status(program: Program, name: str, **headers: str) -> int:
            return program.ask(INGREDIENTS, BODY, x_api_key=keys[name], **headers).status_code

        assert status(first, "web") == 200
        assert status(second, "web", cache_control="only-if-cached") == 200
        assert [status(each, "job", cache_control="only-if-cached") for each in (first, second)] == [504, 504]
        assert status(second, "job") == 200
        assert model.asked == 2
        stored = redis_server.keys()
        # The lock of the last one is freed behind its answer, so it may still be there.
        assert len([key for key in stored if ":ingredients:" in key and ":lock:" not in key]) == 2
        assert not any(name in key for key in stored for name in keys)
        admin = {"x-api-key": keys["operator"]}
        entries = second.http.get("/api/v1/ai/cache/stats", headers=admin).json()["data"]["store"]["entries"]
        assert entries["ingredients"] == 2
        purged = first.http.delete("/api/v1/ai/cache?task=ingredients", headers=admin).json()["data"]["purged"]
        assert purged == {"ingredients": 2}
        assert status(first, "web", cache_control="only-if-cached") == 504


def test_a_token_budget_is_one_for_all_instances(tmp_path: Path, redis_server: RedisServer) -> None:
    """Whichever computed; cached answers are still given, and without Redis each instance counts on by itself."""
    small, operator = new_key(), new_key()
    path = tmp_path / "keys"
    lines = [hash_key("small", small, budget="15tokens/day"), hash_key("operator", operator, admin=True)]
    path.write_text("\n".join(line.line() for line in lines))
    with (
        ModelServer() as model,
        Instances(
            tmp_path,
            OLLAMA_HOST=model.url,
            OLLAMA_MODEL=MODEL,
            API_KEYS_FILE=str(path),
            **redis_server.settings,
        ) as (first, second),
    ):

        def ask(program: Program, name: str) -> httpx.Response:
            return program.ask(INGREDIENTS, {"partial": [name]}, x_api_key=small)

        def used() -> tuple[str, dict[str, int]]:
            data = second.http.get("/api/v1/ai/usage", headers={"x-api-key": operator}).json()["data"]
            return data["covers"], data["days"][0]["keys"].get("small", {})

        assert [ask(first, "pear").status_code, ask(second, "plum").status_code] == [200, 200]
        counted = {"prompt_tokens": 0, "completion_tokens": 18, "requests": 2}
        until(lambda: used() == ("store", counted))
        for program in (first, second):
            refused = ask(program, "fig")
            assert (refused.status_code, refused.json()["code"]) == (429, "token_budget_exceeded")
            assert int(refused.headers["retry-after"]) >= 1
            assert ask(program, "plum").headers["cache-status"].startswith("alchemorsel; hit")
        assert "alchemorsel_ai_token_budgets_per_process 0.0" in first.metrics()
        redis_server.kill()
        until(lambda: ask(second, "fig").status_code == 429 and used() == ("instance", counted))
        until(lambda: "alchemorsel_ai_token_budgets_per_process 1.0" in first.metrics())
    assert model.asked == 2


def test_the_last_requests_are_one_list_for_all_instances(tmp_path: Path, redis_server: RedisServer) -> None:
    """Whichever answers; an administrator finds one by its ID, and without Redis each instance lists its own."""
    web, operator = new_key(), new_key()
    path = tmp_path / "keys"
    path.write_text(
        "\n".join(line.line() for line in (hash_key("web", web), hash_key("operator", operator, admin=True)))
    )
    with Instances(
        tmp_path,
        AI_PROVIDER="mock",
        API_KEYS_FILE=str(path),
        **redis_server.settings,
    ) as (first, second):

        def listed(program: Program) -> tuple[str, list[str]]:
            data = program.http.get("/api/v1/ai/requests", headers={"x-api-key": operator}).json()["data"]
            return data["covers"], [each["id"] for each in data["requests"] if each["key"] == "web"]

        for program, name in ((first, "one"), (second, "two"), (first, "three")):
            assert program.ask(INGREDIENTS, BODY, x_api_key=web, x_request_id=name).status_code == 200
        everything = ("store", ["three", "two", "one"])
        until(lambda: listed(first) == listed(second) == everything)
        found = first.http.get("/api/v1/ai/requests/two", headers={"x-api-key": operator}).json()["data"]
        assert (found["status"], found["key"], found["route"]) == (200, "web", "ingredients")
        redis_server.kill()
        until(lambda: listed(first) == ("instance", ["three", "one"]))
