"""The cache of real programs on a real Redis; the model's server is a fake that counts what it is asked."""

from __future__ import annotations

import asyncio
import json
import signal
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import redis

from tests.contract.fake_ollama import FakeOllama
from tests.contract.redis_server import PASSWORD, USER, RedisServer
from tests.unit.service.fakes import SUGGESTIONS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from tests.contract.fake_server import Reply
    from tests.integration.service.program import Program

INGREDIENTS = "/api/v1/ai/suggest-ingredients"
BODY = {"partial": ["tomato"]}
ADMIN_KEY = "an-administrators-key-for-these-tests"
FORGOTTEN_WITHIN_S = 2.0
RATE, KILL_AFTER_S, LOAD_S = 150, 1.5, 4.0


class SlowOllama(FakeOllama):
    """Takes its time, as a model does."""

    model = "test:1b"
    delay_s = 0.5

    async def respond(self, path: str, body: Any, reply: Reply) -> None:
        """Answers a request."""
        if path == "/api/chat" and body["messages"]:
            await asyncio.sleep(self.delay_s)
        await super().respond(path, body, reply)

    @property
    def asked(self) -> int:
        """How many answers were asked for."""
        return sum(path == "/api/chat" and bool(body["messages"]) for path, body in self.requests)


@pytest.fixture
async def model() -> AsyncIterator[SlowOllama]:
    """Run a model server in the test's own event loop."""
    async with SlowOllama(json.dumps(SUGGESTIONS)) as server:
        yield server


async def ask(program: Program, body: Any = BODY, **headers: str) -> httpx.Response:
    """Asks without holding up the test's loop."""
    return await asyncio.to_thread(program.ask, INGREDIENTS, body, **headers)


async def find(program: Program) -> httpx.Response:
    """Asks for what another process has answered already; it is in the store a moment after its caller has it."""
    while (found := await ask(program, **{"Cache-Control": "only-if-cached"})).status_code != 200:
        assert found.json()["code"] == "not_cached"
    return found


async def test_a_hundred_equal_requests_to_two_processes_are_one_call(
    start: Callable[..., Program], model: SlowOllama
) -> None:
    """The processes share nothing but a Redis."""
    model.delay_s = 2.0
    async with running(start(model), start(model)) as programs, httpx.AsyncClient(timeout=30, trust_env=False) as http:
        urls = [f"{program.http.base_url}{INGREDIENTS}" for program in programs]
        answers = await asyncio.gather(*(http.post(url, json=BODY) for url in urls * 50))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.content for answer in answers}) == 1
    assert model.asked == 1
    statuses = [answer.headers["cache-status"] for answer in answers]
    assert statuses.count("alchemorsel; fwd=miss; stored") == 1


async def test_a_purge_reaches_the_memory_of_another_process(
    start: Callable[..., Program], model: SlowOllama, tmp_path: Path
) -> None:
    """Which would have served the answer from there without asking Redis."""
    key_file = tmp_path / "admin_key"
    key_file.write_text(ADMIN_KEY)
    settings = {"ADMIN_KEY_FILE": str(key_file)}
    async with running(start(model, **settings), start(model, **settings)) as (first, second):
        await ask(first)
        assert "detail=redis" in (await find(second)).headers["cache-status"]
        assert "detail=memory" in (await ask(second)).headers["cache-status"]
        purged = await asyncio.to_thread(
            first.http.delete, "/api/v1/ai/cache", headers={"authorization": f"Bearer {ADMIN_KEY}"}
        )
        assert purged.json()["data"]["purged"]["ingredients"] == 1
        await asyncio.sleep(FORGOTTEN_WITHIN_S)
        assert (await ask(second)).headers["cache-status"] == "alchemorsel; fwd=miss; stored"


async def test_an_answer_that_was_being_computed_during_a_purge_is_not_stored(
    start: Callable[..., Program], model: SlowOllama, tmp_path: Path
) -> None:
    """Its caller gets it; it may be what the purge was for. The purge came through another process."""
    key_file = tmp_path / "admin_key"
    key_file.write_text(ADMIN_KEY)
    settings = {"ADMIN_KEY_FILE": str(key_file)}
    async with running(start(model, **settings), start(model, **settings)) as (first, second):
        computing = asyncio.create_task(ask(first))
        while not model.asked:  # noqa: ASYNC110 - the server tells nobody
            await asyncio.sleep(0.01)
        purged = await asyncio.to_thread(
            second.http.delete, "/api/v1/ai/cache?task=ingredients", headers={"authorization": f"Bearer {ADMIN_KEY}"}
        )
        assert purged.json()["data"] == {"purged": {"ingredients": 0}, "reach": "store"}
        assert (await computing).status_code == 200
        await asyncio.sleep(FORGOTTEN_WITHIN_S)
        for program in (first, second):
            answer = await ask(program, **{"Cache-Control": "only-if-cached"})
            assert answer.json()["code"] == "not_cached"
    assert model.asked == 1


async def test_a_purge_without_redis_reaches_this_instance(
    start: Callable[..., Program], model: SlowOllama, tmp_path: Path
) -> None:
    """It says so; none of the old answers is served again."""
    key_file = tmp_path / "admin_key"
    key_file.write_text(ADMIN_KEY)
    model.delay_s = 0.0
    alone = {"REDIS_URL": "", "REDIS_USERNAME": "", "REDIS_PASSWORD_FILE": ""}
    async with running(start(model, ADMIN_KEY_FILE=str(key_file), **alone)) as (program,):
        url, key = str(program.http.base_url), {"authorization": f"Bearer {ADMIN_KEY}"}
        old = {answer.content for answer in await ask_all(url)}
        async with httpx.AsyncClient(base_url=url, trust_env=False) as http:
            purged = await http.delete("/api/v1/ai/cache", headers=key)
        assert (purged.status_code, purged.json()["data"]["reach"]) == (200, "service")
        new = {answer.content for answer in await ask_all(url)}
    assert old
    assert old.isdisjoint(new)


async def test_a_killed_redis_loses_no_remembered_answer_under_load(
    start: Callable[..., Program], model: SlowOllama, redis_server: RedisServer
) -> None:
    """Each of some hundred requests a second is answered as before, and none hangs."""
    async with (
        running(start(model)) as (program,),
        httpx.AsyncClient(base_url=program.http.base_url, timeout=10, trust_env=False) as http,
    ):
        bodies = [{"partial": [item]} for item in ("tomato", "rice", "lemon", "oats")]
        known = [(await http.post(INGREDIENTS, json=body)).content for body in bodies]
        asked = model.asked
        begun, sent = time.monotonic(), []
        for number in range(round(RATE * LOAD_S)):
            await asyncio.sleep(max(0.0, begun + number / RATE - time.monotonic()))
            sent.append(asyncio.create_task(http.post(INGREDIENTS, json=bodies[number % 4])))
            if number == round(RATE * KILL_AFTER_S):
                redis_server.kill()
        answers = await asyncio.gather(*sent)
    assert [answer.content for answer in answers] == [known[number % 4] for number in range(len(answers))]
    assert all("; hit;" in answer.headers["cache-status"] for answer in answers)
    assert model.asked == asked


async def test_a_full_redis_is_no_error(start: Callable[..., Program], model: SlowOllama) -> None:
    """What it refuses is remembered by the process."""
    with RedisServer("--maxmemory", "1", "--maxmemory-policy", "noeviction") as full:
        url, password_file = full.url, str(full.password_file)
        async with running(start(model, REDIS_URL=url, REDIS_PASSWORD_FILE=password_file)) as (program,):
            refused = await ask(program)
            await asyncio.sleep(FORGOTTEN_WITHIN_S + 0.5)  # Longer than memory is trusted without asking Redis.
            remembered = await ask(program)
            health = (await asyncio.to_thread(program.http.get, "/health")).json()
            messages = [line["message"] for line in program.log() if line["logger"].endswith("redis_health")]
    assert (refused.status_code, refused.headers["cache-status"]) == (200, "alchemorsel; fwd=miss")
    assert "detail=memory" in remembered.headers["cache-status"]
    assert remembered.content == refused.content
    assert health["cache"]["available"] is True
    assert all(message.startswith("Redis refuses ") for message in messages)
    assert len(messages) == len(set(messages)) > 0


async def test_a_redis_that_pauses_is_waited_for_as_long_as_the_setting_says(
    start: Callable[..., Program], model: SlowOllama, redis_server: RedisServer
) -> None:
    """Ten times the usual deadline is no lost Redis where the deadline is longer."""
    async with running(start(model), start(model)) as (first, second):
        await ask(first)
        redis_server.signal(signal.SIGSTOP)
        asyncio.get_running_loop().call_later(0.5, redis_server.signal, signal.SIGCONT)
        assert "detail=redis" in (await ask(second)).headers["cache-status"]
    assert model.asked == 1


async def test_an_emptied_redis_is_filled_again(
    start: Callable[..., Program], model: SlowOllama, redis_server: RedisServer
) -> None:
    """Answers are computed once more, and found by another process."""
    async with running(start(model), start(model)) as (first, second):
        await ask(first)
        client = redis.Redis.from_url(redis_server.url, username=USER, password=PASSWORD)
        client.unlink(*client.scan_iter("ai:*"))
        client.close()
        await asyncio.sleep(FORGOTTEN_WITHIN_S + 0.5)
        assert (await ask(first)).headers["cache-status"] == "alchemorsel; fwd=miss; stored"
        assert "detail=redis" in (await find(second)).headers["cache-status"]
    assert model.asked == 2


async def test_a_changed_model_does_not_answer_with_its_predecessors_answers(
    start: Callable[..., Program], model: SlowOllama
) -> None:
    """The digest is part of the key, and looked at every few seconds."""
    async with running(start(model)) as (program,):
        await ask(program)
        model.models[model.model] = f"sha256:{'ab' * 32}"
        while (await asyncio.to_thread(program.http.get, "/health")).json()["model_digest"] != "ab" * 6:  # noqa: ASYNC110 - health tells only who asks
            await asyncio.sleep(0.1)
        answer = await ask(program)
    assert answer.headers["cache-status"] == "alchemorsel; fwd=miss; stored"
    assert model.asked == 2


async def ask_all(url: str) -> list[httpx.Response]:
    """Asks over so many connections of their own that no worker is left out but by an unlikely chance."""
    answers = []
    for _ in range(40):
        async with httpx.AsyncClient(base_url=url, trust_env=False) as http:
            answers.append(await http.post(INGREDIENTS, json=BODY))
    return answers


class running:  # noqa: N801 - reads as what it gives
    """Programs that run; started and ended beside the test's loop, in which their model answers."""

    def __init__(self, *programs: Program) -> None:
        self._programs = programs
        self._stack = ExitStack()

    async def __aenter__(self) -> tuple[Program, ...]:
        for program in self._programs:
            await asyncio.to_thread(self._stack.enter_context, program)
        return self._programs

    async def __aexit__(self, *_: object) -> None:
        await asyncio.to_thread(self._stack.close)
