"""Filters that derive the list of Ollama servers from an inventory, and find mistakes in it."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

DEFAULT_PORT = 11435
"""The role ollama's own default, as those below; defaults of roles are in no host's variables."""
DEFAULT_ADDRESS = "127.0.0.1"
WILDCARDS = ("0.0.0.0", "::")  # noqa: S104 - compared with, not bound to


def servers(hostvars: Mapping[str, Mapping[str, Any]], hosts: Sequence[str]) -> list[dict[str, Any]]:
    """Return an entry for each Ollama server of the hosts: a port is one, and a host has one for each of its ports.

    Args:
        hostvars: Ansible's `hostvars`.
        hosts: Names of the Ollama hosts.
    """
    found = []
    for host in hosts:
        variables = hostvars[host]
        entry: dict[str, Any] = {"slots": int(_of(variables, "ollama_num_parallel", 1))}
        if models := _models(variables):
            entry["models"] = [model["name"] for model in models]
        entry["weight"] = int(_of(variables, "ai_service_ollama_weight", 1))
        entry["state"] = _of(variables, "ai_service_ollama_state", "ready")
        found += [{"url": f"http://{_address(variables)}:{port}", **entry} for port in _ports(variables)]
    return found


def digests(hostvars: Mapping[str, Mapping[str, Any]], hosts: Sequence[str]) -> dict[str, str]:
    """Return the digest of each model that the hosts' `ollama_models` give one, and the same one."""
    return {model: next(iter(found)) for model, found in _digests_of(hostvars, hosts).items() if len(set(found)) == 1}


def problems(
    listed: Sequence[Mapping[str, Any]],
    models: Sequence[str],
    hostvars: Mapping[str, Mapping[str, Any]],
    hosts: Sequence[str],
) -> list[dict[str, str]]:
    """Return what is wrong with the list of servers of a service host.

    Args:
        listed: The entries of `ai_service_ollama_servers`; empty where the service asks one server alone.
        models: Names of the models that the service asks of Ollama.
        hostvars: Ansible's `hostvars`.
        hosts: Names of the Ollama hosts.
    """
    return [
        *_entry_problems(listed),
        *_model_problems(listed, models),
        *_digest_problems(hostvars, hosts),
        *(_port_problems(hostvars, hosts) if listed else ()),
    ]


def _entry_problems(listed: Sequence[Mapping[str, Any]]) -> Iterator[dict[str, str]]:
    counted = Counter(str(entry["url"]).rstrip("/") for entry in listed)
    for url, count in counted.items():
        if count > 1:
            yield {
                "problem": f"the Ollama server {url} is listed {count} times in ai_service_ollama_servers",
                "remedy": "name each once; hosts need an ollama_publish_address of their own, not loopback",
            }
    for entry in listed:
        for name, at_least in (("slots", 1), ("weight", 1)):
            if name in entry and int(entry[name]) < at_least:
                yield {
                    "problem": f"{name} of the Ollama server {entry['url']} is {entry[name]}",
                    "remedy": f"set {at_least} or more; ai_service_ollama_state: drain sends it nothing new",
                }
        if entry.get("state", "ready") not in {"ready", "drain"}:
            yield {
                "problem": f"state of the Ollama server {entry['url']} is {entry['state']}",
                "remedy": "set ready or drain",
            }


def _model_problems(listed: Sequence[Mapping[str, Any]], models: Sequence[str]) -> Iterator[dict[str, str]]:
    for model in dict.fromkeys(name for name in models if name):
        if listed and not any(_serves(entry, model) for entry in listed):
            yield {
                "problem": f"no Ollama server has the model {model}, which the service asks for",
                "remedy": "add it to ollama_models of a host, or to models of a server in ai_service_ollama_servers",
            }


def _digest_problems(hostvars: Mapping[str, Mapping[str, Any]], hosts: Sequence[str]) -> Iterator[dict[str, str]]:
    for model, found in _digests_of(hostvars, hosts).items():
        if len(set(found)) > 1:
            named = ", ".join(f"{digest[:12]} on {' and '.join(at)}" for digest, at in found.items())
            yield {
                "problem": f"the model {model} has different digests in ollama_models: {named}",
                "remedy": "give it the same digest on every Ollama host: cached answers are kept by it",
            }


def _port_problems(hostvars: Mapping[str, Mapping[str, Any]], hosts: Sequence[str]) -> Iterator[dict[str, str]]:
    for host in hosts:
        variables = hostvars[host]
        per_gpu = _of(variables, "ollama_gpu_layout", "shared") in {"per_gpu", "one_each"}
        if per_gpu and not any(_of(variables, name, []) for name in ("ai_service_ollama_ports", "ollama_instances")):
            yield {
                "problem": f"the ports of {host}, which has a container for each GPU, are not known in this run",
                "remedy": "set ai_service_ollama_ports in its host variables, such as [11435, 11436]",
            }


def _serves(entry: Mapping[str, Any], model: str) -> bool:
    names = entry.get("models")
    return names is None or _full_name(model) in map(_full_name, names)


def _digests_of(hostvars: Mapping[str, Mapping[str, Any]], hosts: Sequence[str]) -> dict[str, dict[str, list[str]]]:
    """Return hosts by digest by model, of the models that have one."""
    found: dict[str, dict[str, list[str]]] = {}
    for host in hosts:
        for model in _models(hostvars[host]):
            if digest := str(model.get("digest", "")).lower().removeprefix("sha256:"):
                found.setdefault(str(model["name"]), {}).setdefault(digest, []).append(host)
    return found


def _models(variables: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return list(_of(variables, "ollama_models", []))


def _ports(variables: Mapping[str, Any]) -> list[int]:
    instances = [instance["port"] for instance in _of(variables, "ollama_instances", [])]
    ports = _of(variables, "ai_service_ollama_ports", []) or instances
    return [int(port) for port in ports] or [int(_of(variables, "ollama_publish_port", DEFAULT_PORT))]


def _address(variables: Mapping[str, Any]) -> str:
    address = str(_of(variables, "ollama_publish_address", DEFAULT_ADDRESS))
    if address in WILDCARDS:
        address = str(_of(variables, "private_address", None) or _of(variables, "ansible_host", DEFAULT_ADDRESS))
    return f"[{address}]" if ":" in address else address


def _of(variables: Mapping[str, Any], name: str, default: Any) -> Any:
    return variables[name] if name in variables else default  # noqa: SIM401 - hostvars template what they are asked for


def _full_name(model: str) -> str:
    return model if ":" in model.rpartition("/")[2] else f"{model}:latest"


class FilterModule:
    """Ansible's entry point to the filters."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filters by the names that templates use."""
        return {"ollama_servers": servers, "ollama_digests": digests, "ollama_server_problems": problems}
