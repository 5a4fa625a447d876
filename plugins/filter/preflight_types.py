"""Filters that find variables of the wrong type, and values that cannot be true together."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.module_utils.common.text.formatters import human_to_bytes
from ansible.module_utils.common.yaml import yaml_load
from jinja2 import pass_context

if TYPE_CHECKING:
    from collections.abc import Callable

    from jinja2.runtime import Context

Problem = dict[str, str]
_UNKNOWN = object()
_MIB = 1024**2
INSTANCE_BYTES = 80 * _MIB
"""Of one instance of the service after 100,000 requests; docs/benchmarks.md."""
_COUNTS = ("ollama_cpus", "ollama_containers", "ai_service_instances")


def role_options(roles_path: str, role: str) -> dict[str, Any]:
    """Return the options of a role by its specification; none where it has none."""
    path = Path(roles_path) / role / "meta" / "argument_specs.yml"
    if not path.exists():
        return {}
    found: dict[str, Any] = yaml_load(path.read_text(encoding="utf-8"))["argument_specs"]["main"]["options"]
    return found


def type_problems_of(values: Mapping[str, Any], options: Mapping[str, Any], role: str) -> list[Problem]:
    """Say which values do not fit a role's specification.

    Args:
        values: Values by variable; those that the specification does not have are left out.
        options: The role's options, as argument_specs.yml has them.
        role: The role's name, for the remedy.
    """
    known = {name: value for name, value in values.items() if name in options}
    # Whether a required variable is there is the role's own question: the play may give it.
    specification = {name: {**options[name], "required": False} for name in known}
    errors = ArgumentSpecValidator(specification).validate(known).error_messages
    # how Ansible's own classes are called helps nobody
    told = [re.sub(r": <class '[^']*'> cannot be .*", "", str(error)) for error in errors]
    return [{"problem": error, "remedy": f"see roles/{role}/README.md for its type and values"} for error in told]


@pass_context
def type_problems(context: Context, names: Sequence[str], roles_path: str, roles: Sequence[str]) -> list[Problem]:
    """Say which variables of a host do not fit the specifications of the roles that will run on it.

    A value that cannot be templated here, because it refers to another role's default, is left to that role.

    Args:
        context: Where Jinja looks variables up.
        names: Names of all variables of the host.
        roles_path: Folder that holds the roles.
        roles: Names of the roles.
    """
    problems = []
    for role in roles:
        options = role_options(roles_path, role)
        values = {name: plain(context, name) for name in names if name in options}
        known = {name: value for name, value in values.items() if value is not _UNKNOWN}
        problems += type_problems_of(known, options, role)
    return problems


def plain(context: Context, name: str) -> Any:
    """Return a variable with all that is in it templated, or a mark where that cannot be done."""
    try:
        return _untemplated(context.resolve_or_missing(name))
    except Exception:  # noqa: BLE001 - Ansible raises many kinds for a value that cannot be templated; none is ours
        return _UNKNOWN


def _untemplated(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _untemplated(value[key]) for key in value}
    if isinstance(value, Sequence) and not isinstance(value, (str, bytes)):
        return [_untemplated(value[index]) for index in range(len(value))]
    return value


def combination_problems(wanted: Mapping[str, Any], capacity: Mapping[str, int]) -> list[Problem]:
    """Say what of memory and processors is promised to several, or to one, beyond what the host has.

    Args:
        wanted: `ollama_memory_limit`, `ollama_memory_reservation`, `redis_maxmemory` (sizes, `4g`), `ollama_cpus`;
            those whose role does not run on the host are left out. What is no value is the type check's to report.
            `ollama_containers`: how many the limit and the reservation are for, each; one where it is left out.
            `ai_service_instances`: how many instances of the service run.
        capacity: The `capacity` that the module preflight_facts returned.
    """
    containers = int(wanted.get("ollama_containers", 1))
    instances = int(_number(wanted.get("ai_service_instances")))
    sizes = {name: _bytes(value) for name, value in wanted.items() if name not in _COUNTS}
    sizes["ai_service_instances"] = instances * INSTANCE_BYTES
    limit, reservation = sizes.get("ollama_memory_limit", 0), sizes.get("ollama_memory_reservation", 0)
    memory = capacity["memory_mb"] * _MIB
    problems = []
    if reservation > limit:
        problems.append(
            {
                "problem": f"ollama_memory_reservation ({wanted['ollama_memory_reservation']}) is above "
                f"ollama_memory_limit ({wanted['ollama_memory_limit']})",
                "remedy": "lower the reservation to the limit or below",
            }
        )
    shared = ("ollama_memory_limit", "redis_maxmemory", "ai_service_instances")
    promised = {name: sizes[name] for name in shared if sizes.get(name)}
    if "ollama_memory_limit" in promised:
        promised["ollama_memory_limit"] *= containers
    if sum(promised.values()) > memory:
        times = {
            "ollama_memory_limit": f" for each of {containers} containers" if containers > 1 else "",
            "ai_service_instances": f" of {INSTANCE_BYTES // _MIB} MiB each",
        }
        sum_of = " + ".join(f"{name} {wanted[name]}{times.get(name, '')}" for name in promised)
        problems.append(
            {
                "problem": f"{sum_of} is more than the host's {capacity['memory_mb']} MiB of memory",
                "remedy": "lower them, or give the machine more memory",
            }
        )
    cpus = _number(wanted.get("ollama_cpus"))
    if cpus > capacity["processors"]:
        problems.append(
            {
                "problem": f"ollama_cpus is {cpus:g}, but the host has {capacity['processors']} CPUs",
                "remedy": "lower it: Docker refuses more than there are",
            }
        )
    return problems


def _number(value: Any) -> float:
    try:
        return float(value or 0)
    except ValueError:
        return 0.0


def _bytes(size: Any) -> int:
    try:
        return int(human_to_bytes(str(size).removesuffix("b").removesuffix("B")))
    except ValueError:
        return 0


class FilterModule:
    """Ansible's entry point to the filters."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filters by the name that templates use."""
        return {"preflight_type_problems": type_problems, "preflight_combination_problems": combination_problems}
