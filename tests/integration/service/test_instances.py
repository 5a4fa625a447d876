"""Two instances of one host: programs on Unix sockets that share Redis and a metrics folder."""

from __future__ import annotations

import re
import signal
from typing import TYPE_CHECKING, Any

import psutil  # type: ignore[import-untyped] # has none
import pytest

from tests.integration.service.model_server import MODEL, ModelServer
from tests.integration.service.program import Instances, Program
from tests.waiting import until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.contract.redis_server import RedisServer

INGREDIENTS = "/api/v1/ai/suggest-ingredients"
ADMIN_KEY = "k" * 32
FOLLOWED_WITHIN_S = 15.0
PURGED_WITHIN_S = 2.0


@pytest.fixture
def instances(redis_server: RedisServer, tmp_path: Path) -> Iterator[list[Program]]:
    """Both, in front of a model that answers at once."""
    (tmp_path / "admin_key").write_text(ADMIN_KEY)
    with (
        ModelServer() as model,
        Instances(
            tmp_path,
            OLLAMA_HOST=model.url,
            OLLAMA_MODEL=MODEL,
            ADMIN_KEY_FILE=str(tmp_path / "admin_key"),
            **redis_server.settings,
        ) as programs,
    ):
        yield programs


def value(program: Program, name: str) -> float:
    """Add up what is shown of a metric."""
    return sum(float(each) for each in re.findall(rf"^{name}(?:\{{.*\}})? (.*)$", program.metrics(), re.MULTILINE))


def requests(program: Program) -> float:
    """Read how many requests were counted."""
    return value(program, "alchemorsel_ai_requests_total")


def ask(program: Program, count: int) -> None:
    """Ask a number of times."""
    for _ in range(count):
        assert program.ask(INGREDIENTS, {"partial": ["pear"]}).status_code == 200


def test_metrics_are_those_of_the_host(instances: list[Program]) -> None:
    """Whichever instance is asked; the process's own are summed, too."""
    first, second = instances
    ask(first, 3)
    ask(second, 4)
    assert [requests(program) for program in instances] == [7, 7]
    assert [value(program, "alchemorsel_ai_workers") for program in instances] == [2, 2]
    assert value(first, "process_resident_memory_bytes") > 1.5 * _resident_bytes(first)
    assert [program.http.get("/health").json()["instance"] for program in instances] == ["1", "2"]


def test_metrics_have_the_names_and_types_that_one_process_shows(instances: list[Program]) -> None:
    """Rules and dashboards need not know; only the garbage collectors of several processes say nothing together."""

    def types(program: Program) -> set[str]:
        lines = {line for line in program.metrics().splitlines() if line.startswith("# TYPE ")}
        return {line for line in lines if "python_gc_" not in line}

    with Program(AI_PROVIDER="mock") as alone:
        assert types(alone) == types(instances[0])


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_counters_go_on_after_a_restart_and_gauges_begin_anew(
    instances: list[Program], tmp_path: Path, number: signal.Signals
) -> None:
    """However the instance ended; the folder does not grow by it."""
    first, second = instances
    ask(first, 3)
    ask(second, 4)
    files = {path.name for path in (tmp_path / "metrics").iterdir()}
    first.kill(number)
    assert requests(second) == 7
    first.start()
    ask(first, 2)
    assert [requests(program) for program in instances] == [9, 9]
    assert [value(program, "alchemorsel_ai_workers") for program in instances] == [2, 2]
    assert {path.name for path in (tmp_path / "metrics").iterdir()} == files


def test_gauges_of_an_instance_that_stopped_are_gone(instances: list[Program]) -> None:
    """It does not work any more."""
    first, second = instances
    first.stop()
    assert value(second, "alchemorsel_ai_workers") == 1


def test_damaged_metrics_neither_keep_an_instance_from_starting_nor_from_answering(
    instances: list[Program], tmp_path: Path
) -> None:
    """What is whole is shown; the log tells once what is left out."""
    first, second = instances
    ask(second, 4)
    first.stop()
    (tmp_path / "metrics" / "histogram_1.db").write_bytes(b"\xff" * 4096)
    (tmp_path / "metrics" / "counter_9.db").write_bytes(b"\x10")
    (tmp_path / "metrics" / "README").mkdir()
    first.start()
    assert [requests(program) for program in instances for _ in range(2)] == [4] * 4
    told = [
        line["message"] for line in second.log() if line["logger"] == "ai_service.observability.multiprocess_metrics"
    ]
    assert sorted(message.rpartition("/metrics: ")[2] for message in told) == [
        "README left out: not a file of metrics",
        "counter_9.db left out: damaged",
    ]


def test_an_answer_of_one_is_a_hit_of_the_other_until_it_is_purged(instances: list[Program]) -> None:
    """A purge asked of one reaches the other; what each tells says what it covers."""
    first, second = instances
    admin = {"Authorization": f"Bearer {ADMIN_KEY}"}

    def statistics_of(program: Program) -> Any:
        return program.http.get("/api/v1/ai/cache/stats", headers=admin).json()["data"]

    ask(first, 1)
    until(lambda: statistics_of(first)["store"]["entries"]["ingredients"] == 1)  # A moment later.
    assert "detail=redis" in second.ask(INGREDIENTS, {"partial": ["pear"]}).headers["cache-status"]
    statistics = statistics_of(second)
    assert (statistics["instance"], statistics["store"]["covers"], statistics["memory"]["covers"]) == (
        "2",
        "store",
        "instance",
    )
    purged = first.http.delete("/api/v1/ai/cache?task=ingredients", headers=admin).json()["data"]
    assert purged == {"purged": {"ingredients": 1}, "reach": "store"}
    until(lambda: statistics_of(second)["memory"]["entries"] == 0, timeout_s=PURGED_WITHIN_S)
    assert second.ask(INGREDIENTS, {"partial": ["pear"]}).headers["cache-status"].startswith("alchemorsel; fwd=miss")


def test_a_killed_leader_is_followed_within_15_seconds(instances: list[Program]) -> None:
    """One of them leads by a lease in Redis, whose user may do no more than the role allows it."""

    def leads(program: Program) -> bool:
        said = [line["message"] for line in program.log() if line["logger"] == "ai_service.health.leadership"]
        return bool(said) and said[-1].startswith("this process leads")

    first, second = instances
    until(lambda: leads(first) != leads(second))
    leader, follower = (first, second) if leads(first) else (second, first)
    leader.kill()
    until(lambda: leads(follower), timeout_s=FOLLOWED_WITHIN_S)


def _resident_bytes(program: Program) -> int:
    return int(psutil.Process(program.process.pid).memory_info().rss)
