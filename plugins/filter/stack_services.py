"""Filters that compare a stack of Docker Swarm with the services that run, and judge an update of them."""

from __future__ import annotations

import hashlib
import json
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

MARK = "alchemorsel.ai/stack"
"""Label of a service with the fingerprint of what it was made from, for settings that are not compared one by one."""
NAMESPACE = "com.docker.stack.namespace"
REFUSED = ("paused", "rollback_started", "rollback_paused", "rollback_completed")
BUSY = ("updating", "rollback_started")
Service = dict[str, Any]


def service(model: str) -> str:
    """Return the service of a model's servers: `llama3.2:3b` is served by `ollama-llama3-2-3b`, a name for DNS."""
    return "ollama-" + re.sub(r"[^a-z0-9]+", "-", model.lower()).strip("-")


def marked(stack: Mapping[str, Any]) -> dict[str, Any]:
    """Return a stack whose services carry their fingerprints."""
    services = {}
    for name, described in stack["services"].items():
        # Replicas are compared by themselves: they change without other tasks.
        plain = {**described, "deploy": {**described["deploy"], "replicas": 0}}
        digest = hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()[:16]
        services[name] = {**described, "deploy": {**described["deploy"], "labels": {MARK: digest}}}
    return {**stack, "services": services}


def changes(stack: Mapping[str, Any], live: Sequence[Service], name: str, *, prunes: bool = False) -> list[str]:
    """Return what a deployment would change, line by line.

    Args:
        stack: As `marked` returned it.
        live: The services of the stack as `docker service inspect` shows them.
        name: Of the stack.
        prunes: Services that the stack does not have are removed.
    """
    running = {each["Spec"]["Name"].removeprefix(f"{name}_"): each["Spec"] for each in live}
    found = []
    for service_name, described in stack["services"].items():
        if service_name not in running:
            found.append(f"{service_name}: create, from {described['image']}")
            continue
        lines = [*_differences(stack, described, running[service_name])]
        if not lines and running[service_name]["Labels"].get(MARK) != described["deploy"]["labels"][MARK]:
            lines = ["settings"]
        found += [f"{service_name}: {line}" for line in lines]
    gone = sorted(set(running) - set(stack["services"])) if prunes else []
    return found + [f"{service_name}: remove" for service_name in gone]


def _differences(stack: Mapping[str, Any], described: Mapping[str, Any], spec: Mapping[str, Any]) -> Iterator[str]:
    container = spec["TaskTemplate"]["ContainerSpec"]
    if container["Image"] != described["image"]:
        yield f"image {container['Image']} -> {described['image']}"
    replicas = spec["Mode"].get("Replicated", {}).get("Replicas")
    if replicas != described["deploy"].get("replicas"):
        yield f"replicas {replicas} -> {described['deploy'].get('replicas')}"
    before = dict(entry.partition("=")[::2] for entry in container.get("Env") or [])
    after = {key: str(value) for key, value in (described.get("environment") or {}).items()}
    for key in sorted({*before, *after}):
        if before.get(key) != after.get(key):
            yield f"{key} {before.get(key, 'unset')} -> {after.get(key, 'unset')}"
    for kind, field in (("configs", "Configs"), ("secrets", "Secrets")):
        # Names of versions, never what is in them.
        used = sorted(entry[f"{field[:-1]}Name"] for entry in container.get(field) or [])
        wanted = sorted(stack[kind][entry["source"]]["name"] for entry in described.get(kind) or [])
        if used != wanted:
            yield f"{kind} {', '.join(used) or 'none'} -> {', '.join(wanted) or 'none'}"


def is_settled(inspected: Sequence[Service]) -> bool:
    """Return whether no service is being updated or taken back.

    An update has no status before it begins, so the tasks are compared as well.

    Args:
        inspected: The services and those of their tasks that are to run, as `docker inspect` shows both.
    """
    services = [each for each in inspected if "ServiceID" not in each]
    wanted = {each["ID"]: _made_from(each["Spec"]["TaskTemplate"]) for each in services}
    tasks = [each for each in inspected if "ServiceID" in each]
    return all(_update(each).get("State") not in BUSY for each in services) and all(
        _made_from(each["Spec"]) == wanted.get(each["ServiceID"]) for each in tasks
    )


def refusals(live: Sequence[Service], before: Sequence[Service]) -> list[str]:
    """Return which updates since then have failed, in a sentence each.

    Args:
        live: The services now.
        before: The same before the deployment.
    """
    earlier = {each["ID"]: _update(each).get("StartedAt") for each in before}
    return [
        f"{each['Spec']['Name']}: {update['State'].replace('_', ' ')}: {update.get('Message', '')}"
        for each in live
        if (update := _update(each)).get("State") in REFUSED and update.get("StartedAt") != earlier.get(each["ID"])
    ]


def versions_in_use(live: Sequence[Service]) -> list[str]:
    """Return the secrets and configs that services use, or would use after a rollback."""
    found = set()
    for each in live:
        for spec in (each["Spec"], each.get("PreviousSpec") or {}):
            container = spec.get("TaskTemplate", {}).get("ContainerSpec", {})
            found |= {entry["SecretName"] for entry in container.get("Secrets") or []}
            found |= {entry["ConfigName"] for entry in container.get("Configs") or []}
    return sorted(found)


def incomplete(lines: Sequence[str]) -> list[str]:
    """Return the services that have fewer tasks than they are to have, from lines of `NAME RUNNING/WANTED`.

    There may be more: those of a lost node count until it is back or removed.
    """
    found = []
    for line in lines:
        name, _, count = line.partition(" ")
        running, _, wanted = count.partition(" ")[0].partition("/")
        if int(running) < int(wanted):
            found.append(f"{name} {running}/{wanted}")
    return found


def unequal(digests_of: Mapping[str, Mapping[str, str]]) -> list[str]:
    """Return the models that have different digests on the nodes, in a sentence each.

    Args:
        digests_of: Digest by model, by node.
    """
    nodes: dict[str, dict[str, list[str]]] = {}
    for node, digests in digests_of.items():
        for model, digest in digests.items():
            nodes.setdefault(model, {}).setdefault(digest, []).append(node)
    return [
        f"{model} has different digests: "
        + ", ".join(f"{digest[:12]} on {' and '.join(names)}" for digest, names in found.items())
        for model, found in nodes.items()
        if len(found) > 1
    ]


def _made_from(template: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a task's container is made from; what is empty is left out by the one and not by the other."""
    return {key: value for key, value in template["ContainerSpec"].items() if value}


def _update(described: Service) -> dict[str, Any]:
    return described.get("UpdateStatus") or {}


class FilterModule:
    """Ansible's entry point to the filters."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filters by the names that templates use."""
        return {
            "stack_service": service,
            "stack_marked": marked,
            "stack_changes": changes,
            "stack_is_settled": is_settled,
            "stack_refusals": refusals,
            "stack_versions_in_use": versions_in_use,
            "stack_incomplete": incomplete,
            "stack_unequal": unequal,
        }
