"""The list of Ollama servers that an inventory stands for, and what is wrong with one."""

from __future__ import annotations

import json
from typing import Any

from tests.roles.ansible_module import ROLES, load_plugin
from tests.roles.templates import evaluate, load, role_variables

_FILTERS = load_plugin("ollama_servers", "filter")
A, B = "a" * 64, "b" * 64


def servers(**hosts: dict[str, Any]) -> Any:
    """Derive the list of hosts with these variables."""
    return _filter("ollama_servers", hosts)


def digests(**hosts: dict[str, Any]) -> Any:
    """Derive the digests of hosts with these variables."""
    return _filter("ollama_digests", hosts)


def problems(listed: list[dict[str, Any]], models: list[str], **hosts: dict[str, Any]) -> list[str]:
    """Return what is wrong."""
    return [each["problem"] for each in _FILTERS.problems(listed, models, hosts, list(hosts))]


def _filter(name: str, hosts: dict[str, dict[str, Any]]) -> Any:
    return _FILTERS.FilterModule().filters()[name](hosts, list(hosts))


def test_each_host_is_a_server_with_what_its_variables_say() -> None:
    """Address, port, models and slots are those of the role ollama."""
    models = [{"name": "llama3.2:3b", "preload": True}, {"name": "llama3.2:1b"}]
    first = {"ollama_publish_address": "10.0.0.1", "ollama_models": models, "ollama_num_parallel": 4}
    second = {
        "ollama_publish_address": "0.0.0.0",
        "private_address": "fd00::2",
        "ollama_publish_port": 11500,
        "ai_service_ollama_weight": 3,
        "ai_service_ollama_state": "drain",
    }
    assert servers(first=first, second=second) == [
        {
            "url": "http://10.0.0.1:11435",
            "slots": 4,
            "models": ["llama3.2:3b", "llama3.2:1b"],
            "weight": 1,
            "state": "ready",
        },
        {"url": "http://[fd00::2]:11500", "slots": 1, "weight": 3, "state": "drain"},
    ]


def test_a_host_with_a_container_for_each_gpu_is_a_server_for_each() -> None:
    """By what the run found, or by its host variables."""
    found = {"ollama_publish_address": "10.0.0.1", "ollama_instances": [{"port": 11435}, {"port": 11436}]}
    told = {"ollama_publish_address": "10.0.0.1", "ai_service_ollama_ports": [11435, 11437]}
    assert [entry["url"] for entry in servers(host=found)] == ["http://10.0.0.1:11435", "http://10.0.0.1:11436"]
    assert [entry["url"] for entry in servers(host=told)] == ["http://10.0.0.1:11435", "http://10.0.0.1:11437"]
    per_gpu = {"ollama_publish_address": "10.0.0.1", "ollama_gpu_layout": "per_gpu"}
    assert problems(servers(host=per_gpu), [], host=per_gpu) == [
        "the ports of host, which has a container for each GPU, are not known in this run"
    ]
    assert problems(servers(host=found), [], host={**per_gpu, **found}) == []


def test_the_expected_digest_is_the_one_that_all_hosts_give() -> None:
    """A model without one has none here."""
    first = {"ollama_models": [{"name": "m", "digest": f"sha256:{A.upper()}"}, {"name": "n"}]}
    second = {"ollama_models": [{"name": "m", "digest": A}, {"name": "o", "digest": B}]}
    assert digests(first=first, second=second) == {"m": A, "o": B}


def test_unequal_digests_of_a_model_are_refused_by_name() -> None:
    """With the hosts that have them."""
    first, second = {"ollama_models": [{"name": "m", "digest": A}]}, {"ollama_models": [{"name": "m", "digest": B}]}
    told = problems([], [], first=first, second=second, third=first)
    assert told == [
        "the model m has different digests in ollama_models: aaaaaaaaaaaa on first and third, bbbbbbbbbbbb on second"
    ]
    assert digests(first=first, second=second) == {}


def test_a_model_that_no_server_has_is_refused_by_name() -> None:
    """A server without a list has every model; a service that asks one server alone has no list."""
    listed: list[dict[str, Any]] = [
        {"url": "http://a", "models": ["llama3.2:3b"]},
        {"url": "http://b", "models": ["nomic-embed-text"]},
    ]
    models = ["llama3.2:3b", "nomic-embed-text:latest", "mistral:7b", "", "mistral:7b"]
    assert problems(listed, models) == ["no Ollama server has the model mistral:7b, which the service asks for"]
    assert problems([*listed, {"url": "http://c"}], models) == []
    assert problems([], models) == []


def test_mistakes_of_an_entry_are_refused_by_name() -> None:
    """Listed twice, no slots, an unknown state."""
    listed: list[dict[str, Any]] = [
        {"url": "http://a", "slots": -1, "weight": 0},
        {"url": "http://a/", "state": "off"},
    ]
    assert problems(listed, []) == [
        "the Ollama server http://a is listed 2 times in ai_service_ollama_servers",
        "slots of the Ollama server http://a is -1",
        "weight of the Ollama server http://a is 0",
        "state of the Ollama server http://a/ is off",
    ]


def role(**chosen: Any) -> dict[str, Any]:
    """Return the variables of the role ai_service."""
    facts: dict[str, Any] = {"files": {}, "exists": [], "instances": [], "whole": [], "deployed": []}
    own = {"role_path": str(ROLES / "ai_service"), "__ai_service_facts": facts}
    return {**role_variables("ai_service"), **own, **chosen}


def test_the_service_reads_the_list_from_a_file_of_its_own() -> None:
    """Which is no setting: a change of it exchanges no instance."""
    listed = [{"url": "http://10.0.0.1:11435", "slots": 2}]
    variables = role(ai_service_ollama_servers=listed, ai_service_ollama_digests={"m": A})
    settings = evaluate(variables["__ai_service_settings"], variables)
    assert settings["ALCHEMORSEL_OLLAMA_SERVERS"] == "/etc/alchemorsel/ollama_servers.json"
    assert "ALCHEMORSEL_OLLAMA_HOST" not in settings
    content = evaluate(variables["__ai_service_servers_file"]["content"], variables)
    assert json.loads(content) == {"servers": listed, "digests": {"m": A}}
    (task,) = load(ROLES / "ai_service" / "tasks" / "configure.yml")[:1]
    assert "__ai_service_servers_file" in str(task["alchemorsel.ai.config_files"]["files"])
    compared = evaluate(variables["__ai_service_compared_files"][0]["path"], variables)
    assert compared == "/etc/alchemorsel/ai_service.env"
    assert "ollama_servers.json" not in str(variables["__ai_service_compared_files"])


def test_without_a_list_the_service_has_the_one_server() -> None:
    """And with the former variable those beside it, for as long as it is there."""
    variables = role()
    assert (
        evaluate(variables["__ai_service_settings"], variables)["ALCHEMORSEL_OLLAMA_HOST"] == "http://127.0.0.1:11435"
    )
    variables = role(ai_service_ollama_more_urls=["http://b:1"])
    settings = evaluate(variables["__ai_service_settings"], variables)
    assert settings["ALCHEMORSEL_OLLAMA_SERVERS"] == "http://127.0.0.1:11435,http://b:1"
