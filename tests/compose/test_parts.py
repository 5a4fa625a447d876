"""The parts of compose.yaml, up on a host: hardened, limited, on loopback, and answering with the real model.

Run by the scenario `compose`; the checkout lies in FOLDER.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from testinfra.host import Host

FOLDER = "/root/alchemorsel"
SERVING = ("ollama", "redis", "api", "page")
ONCE = ("prepare", "models")
PORTS = {"ollama": 11435, "redis": 6379, "api": 3010, "page": 3011}
_POST = (
    "import json, sys, urllib.request as r\n"
    "request = r.Request(sys.argv[1], sys.argv[2].encode(), {'Content-Type': 'application/json'})\n"
    "with r.urlopen(request, timeout=110) as answer:\n"
    "    print(json.dumps({'headers': dict(answer.headers), 'body': json.load(answer)}))"
)
_GET = "import sys, urllib.request as r; print(r.urlopen(sys.argv[1], timeout=10).read().decode())"


def compose(host: Host, arguments: str) -> str:
    """Run Compose in the checkout's folder and return its output."""
    told: str = host.check_output(f"cd {FOLDER} && docker compose {arguments} 2>&1")
    return told


def inspect(host: Host, part: str) -> dict[str, Any]:
    """Return Docker's record of a service's container."""
    described: dict[str, Any] = json.loads(host.check_output("docker inspect %s", f"alchemorsel-{part}"))[0]
    return described


@pytest.mark.parametrize("part", SERVING)
def test_a_part_runs_and_is_healthy(host: Host, part: str) -> None:
    """By its own health check."""
    state = inspect(host, part)["State"]
    assert (state["Status"], state["Health"]["Status"]) == ("running", "healthy")


@pytest.mark.parametrize("part", ONCE)
def test_what_is_done_once_is_done(host: Host, part: str) -> None:
    """And has not failed."""
    state = inspect(host, part)["State"]
    assert (state["Status"], state["ExitCode"]) == ("exited", 0)


@pytest.mark.parametrize("part", [*SERVING, *ONCE])
def test_a_part_can_do_no_more_than_its_work(host: Host, part: str) -> None:
    """As the roles have it: no root, no capability, no file system of its own to write to."""
    described = inspect(host, part)
    limits = described["HostConfig"]
    assert described["Config"]["User"] == "10001:10001"
    assert limits["ReadonlyRootfs"]
    assert limits["CapDrop"] == ["ALL"]
    assert limits["SecurityOpt"] == ["no-new-privileges:true"]
    assert limits["PidsLimit"] > 0


def test_ollama_has_the_limits_of_the_development_profile(host: Host) -> None:
    """4 GB and 2 CPUs."""
    limits = inspect(host, "ollama")["HostConfig"]
    assert (limits["Memory"], limits["MemoryReservation"]) == (4 * 2**30, 2 * 2**30)
    assert (limits["NanoCpus"], limits["CpuShares"]) == (2 * 10**9, 1024)


@pytest.mark.parametrize("part", SERVING)
def test_a_part_is_reached_from_this_machine_only(host: Host, part: str) -> None:
    """On loopback, under the port that it has everywhere."""
    listening = host.check_output("ss -Hltn %s", f"sport = :{PORTS[part]}")
    assert {line.split()[3] for line in listening.splitlines()} == {f"127.0.0.1:{PORTS[part]}"}


def test_redis_lets_nobody_in_without_the_password(host: Host) -> None:
    """Which was made here."""
    assert "NOAUTH" in host.run("docker exec alchemorsel-redis redis-cli ping").stdout


def test_the_real_model_answers_then_the_cache(host: Host) -> None:
    """One task, asked twice."""
    url, body = "http://127.0.0.1:3010/api/v1/ai/suggest-ingredients", '{"partial": ["leek", "thyme"]}'
    first, second = (json.loads(host.check_output("python3 -c %s %s %s", _POST, url, body)) for _ in range(2))
    assert first["body"]["meta"]["provider"] == "ollama"
    assert first["body"]["meta"]["degraded"] is False
    assert "fwd=miss" in first["headers"]["cache-status"]
    assert "; hit" in second["headers"]["cache-status"]
    assert second["body"] == first["body"]


def test_answers_are_kept_in_redis(host: Host) -> None:
    """Where other processes find them."""
    told = json.loads(host.check_output("python3 -c %s %s", _GET, "http://127.0.0.1:3010/api/v1/ai/health"))
    assert told["cache"] == {"store": "redis", "available": True}


def test_the_page_answers_and_sees_the_api(host: Host) -> None:
    """The page itself, and the data of its status panel."""
    assert "<html" in host.check_output("python3 -c %s %s", _GET, "http://127.0.0.1:3011/")
    panel = json.loads(host.check_output("python3 -c %s %s", _GET, "http://127.0.0.1:3011/status"))
    assert panel["problem"] == ""


def test_a_second_up_makes_nothing_anew(host: Host) -> None:
    """The same containers go on running; what is done once finds it done."""
    before = {part: (inspect(host, part)["Id"], inspect(host, part)["State"]["StartedAt"]) for part in SERVING}
    compose(host, "up --detach --wait")
    after = {part: (inspect(host, part)["Id"], inspect(host, part)["State"]["StartedAt"]) for part in SERVING}
    assert after == before
    assert "up to date" in host.check_output("docker logs --tail 1 alchemorsel-models")


def test_the_production_profile_is_a_file_of_variables(host: Host) -> None:
    """8 GB, 4 CPUs, and the models of that inventory."""
    told = json.loads(compose(host, "--env-file .env --env-file compose.prod.env config --format json"))
    resources = told["services"]["ollama"]["deploy"]["resources"]
    assert (resources["limits"]["memory"], resources["limits"]["cpus"]) == (str(8 * 2**30), 4)
    assert resources["reservations"]["memory"] == str(4 * 2**30)
    assert told["configs"]["models"]["file"] == f"{FOLDER}/inventories/prod/group_vars/ollama_hosts/models.yml"


def test_the_gpu_file_gives_ollama_the_gpus(host: Host) -> None:
    """By CDI, really injected; the GPU is a stand-in."""
    files = "-f compose.yaml -f compose.gpu.yaml"
    compose(
        host, f"{files} run --rm --no-deps --name alchemorsel-gpu-trial --entrypoint test ollama -e /dev/stand-in-gpu"
    )
