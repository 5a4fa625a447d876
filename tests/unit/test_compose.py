"""compose.yaml says what the roles and inventories say: one set of names, limits, images and rights."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from ai_service.config import environment
from ai_service.config.settings import Settings
from ai_service.web.settings import WebSettings

ROOT = Path(__file__).parents[2]
PARTS: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]
SERVING = ("ollama", "redis", "api", "page")
LIMITS = {
    "OLLAMA_MEMORY_LIMIT": "ollama_memory_limit",
    "OLLAMA_MEMORY_RESERVATION": "ollama_memory_reservation",
    "OLLAMA_CPUS": "ollama_cpus",
    "OLLAMA_CPU_SHARES": "ollama_cpu_shares",
    "OLLAMA_MAX_LOADED_MODELS": "ollama_max_loaded_models",
}


def role(name: str, path: str = "defaults/main.yml") -> dict[str, Any]:
    """Variables of a role."""
    found: dict[str, Any] = yaml.safe_load((ROOT / "roles" / name / path).read_text())
    return found


def limits(profile: str) -> dict[str, Any]:
    """Return an inventory's settings for Ollama, the role's defaults elsewhere."""
    path = ROOT / "inventories" / profile / "group_vars" / "ollama_hosts" / "limits.yml"
    return {**role("ollama"), **yaml.safe_load(path.read_text())}


def defaults() -> dict[str, str]:
    """Variables of compose.yaml with what they are where nobody sets them."""
    return dict(re.findall(r"\$\{(\w+):-([^}]*)\}", (ROOT / "compose.yaml").read_text()))


def production() -> dict[str, str]:
    """Variables of compose.prod.env."""
    return dict(re.findall(r"(?m)^(\w+)=(.*)$", (ROOT / "compose.prod.env").read_text()))


@pytest.mark.parametrize(("variable", "name"), LIMITS.items())
def test_limits_are_those_of_the_profiles(variable: str, name: str) -> None:
    """The development profile by itself, the production profile by its file."""
    assert defaults()[variable] == str(limits("dev")[name])
    assert production()[variable] == str(limits("prod")[name])


def test_the_production_profile_sets_only_what_compose_knows() -> None:
    """And says where the models of that profile are listed."""
    assert set(production()) <= set(defaults())
    assert (ROOT / production()["MODELS_MANIFEST"]).is_file()
    assert (ROOT / defaults()["MODELS_MANIFEST"]).is_file()
    prod = yaml.safe_load((ROOT / "inventories/prod/group_vars/redis_hosts/redis.yml").read_text())
    assert production()["REDIS_MAXMEMORY"] == prod["redis_maxmemory"]
    assert defaults()["REDIS_MAXMEMORY"] == role("redis")["redis_maxmemory"]


def test_ollama_is_the_roles() -> None:
    """The image and what the server is told, but for what only a host can say."""
    ollama = role("ollama")
    assert defaults()["OLLAMA_IMAGE"] == ollama["ollama_image"]
    own = role("ollama", "vars/main.yml")["__ollama_environment_own"]
    assert set(PARTS["ollama"]["environment"]) == set(own)
    told = {name: str(value) for name, value in PARTS["ollama"]["environment"].items()}
    for name, variable in (("OLLAMA_MAX_QUEUE", "max_queue"), ("OLLAMA_LOAD_TIMEOUT", "load_timeout")):
        assert told[name] == str(ollama[f"ollama_{variable}"])
    for name in ("CONTEXT_LENGTH", "KEEP_ALIVE", "NUM_PARALLEL"):
        assert defaults()[f"OLLAMA_{name}"] == str(ollama[f"ollama_{name.lower()}"])
    assert told["OLLAMA_KV_CACHE_TYPE"] == ollama["ollama_kv_cache_type"]


def test_redis_gives_the_service_the_rights_of_the_role() -> None:
    """Neither more nor less, on the same keys."""
    rights = role("redis", "vars/main.yml")
    given = PARTS["prepare"]["environment"]
    assert given["COMMANDS"].split() == [f"+{command}" for command in rights["__redis_service_commands"]]
    assert given["KEYS"] == rights["__redis_service_keys"]


@pytest.mark.parametrize("part", PARTS)
def test_every_part_is_hardened(part: str) -> None:
    """No root, nothing to write to, no capability, a limit on processes."""
    described = PARTS[part]
    assert described["user"] == "10001:10001"
    assert described["read_only"] is True
    assert described["cap_drop"] == ["ALL"]
    assert described["security_opt"] == ["no-new-privileges:true"]
    assert described["pids_limit"] > 0
    assert all(port.startswith("127.0.0.1:") for port in described.get("ports", []))


@pytest.mark.parametrize("part", SERVING)
def test_every_part_that_serves_is_watched_and_limited(part: str) -> None:
    """And begins after what it needs is healthy, or done."""
    assert PARTS[part]["healthcheck"]["test"]
    assert PARTS[part].get("mem_limit") or PARTS[part]["deploy"]["resources"]["limits"]["memory"]
    assert {need["condition"] for need in PARTS[part]["depends_on"].values()} <= {
        "service_healthy",
        "service_completed_successfully",
    }


def test_settings_are_those_that_the_programs_have() -> None:
    """A misspelt one would keep the service from starting."""
    service = {each.variable for each in Settings.declared().values()}
    web = {each.variable for each in environment.of(WebSettings).values()}
    assert set(PARTS["api"]["environment"]) <= service
    assert set(PARTS["page"]["environment"]) <= web


def test_the_image_has_the_roles_requirements() -> None:
    """Hashed, and nothing that is not listed."""
    text = (ROOT / "Containerfile").read_text()
    assert "COPY requirements/service.txt" in text
    assert "--require-hashes --no-deps --only-binary=:all:" in text
    (image,) = re.findall(r"ARG PYTHON_IMAGE=(\S+)", text)
    assert defaults()["PYTHON_IMAGE"] == image
