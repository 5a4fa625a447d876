"""Which settings of the Docker Engine its unit's command line makes: dockerd refuses them in daemon.json as well.

Standard library only, because it runs on the managed host.
"""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

SHORT = {
    "H": "host",
    "D": "debug",
    "g": "graph",
    "l": "log-level",
    "p": "pidfile",
    "G": "group",
    "b": "bridge",
    "s": "storage-driver",
}
IN_THE_FILE = {
    "add-runtime": "runtimes",
    "authorization-plugin": "authorization-plugins",
    "cdi-spec-dir": "cdi-spec-dirs",
    "default-address-pool": "default-address-pools",
    "default-ulimit": "default-ulimits",
    "dns-opt": "dns-opts",
    "exec-opt": "exec-opts",
    "feature": "features",
    "host": "hosts",
    "insecure-registry": "insecure-registries",
    "label": "labels",
    "log-opt": "log-opts",
    "node-generic-resource": "node-generic-resources",
    "registry-mirror": "registry-mirrors",
    "storage-opt": "storage-opts",
}
"""Flags that have another name in daemon.json."""
MAY_BE_BOTH = frozenset({"runtimes"})
"""Settings that dockerd takes from both places (`skipDuplicates`, daemon/config)."""
REFERENCE = re.compile(r"^\$(\w+)$|\$\{(\w+)\}")


def environment(text: str) -> dict[str, str]:
    """Return the variables of a file as systemd's EnvironmentFile has them."""
    found = {}
    for line in text.splitlines():
        name, separator, value = line.strip().partition("=")
        if separator and not name.startswith(("#", ";")):
            try:
                found[name] = " ".join(shlex.split(value)) if value[:1] in {'"', "'"} else value
            except ValueError:  # a quote without its end
                found[name] = value
    return found


def command_line(exec_start: str, variables: Mapping[str, str]) -> list[str]:
    """Return program and arguments of a unit.

    Args:
        exec_start: The property ExecStart as `systemctl show` prints it.
        variables: Of the unit's environment.
    """
    match = re.search(r"argv\[\]=(.*?) ; ignore_errors=", exec_start)
    words: list[str] = []
    for word in match[1].split() if match else []:
        alone = REFERENCE.fullmatch(word)
        if alone and alone[1]:  # $NAME is split into words, ${NAME} is not
            words += variables.get(alone[1], "").split()
        else:
            words.append(REFERENCE.sub(lambda name: variables.get(name[2] or name[1], ""), word))
    return words


def settings(flags: Sequence[str]) -> dict[str, list[str]]:
    """Return the values that flags give, by the setting's name in daemon.json."""
    found: dict[str, list[str]] = {}
    for name, value, _words in _grouped(flags):
        found.setdefault(name, []).append(value)
    found.pop("config-file", None)
    return found


def config_file(flags: Sequence[str]) -> str:
    """Return the configuration file that flags name; empty where they name none."""
    return next((value for name, value, _words in _grouped(flags) if name == "config-file"), "")


def without(flags: Sequence[str], setting: str) -> list[str]:
    """Return flags without those that make a setting."""
    return [word for name, _value, words in _grouped(flags) if name != setting for word in words]


def _grouped(flags: Sequence[str]) -> list[tuple[str, str, list[str]]]:
    """Return setting, value and words of each flag; what a flag without `=` is followed by is its value."""
    groups: list[tuple[str, str, list[str]]] = []
    is_open = False
    for word in flags:
        if not word.startswith("-"):
            if is_open:
                name, _value, words = groups[-1]
                groups[-1] = (name, word, [*words, word])
            is_open = False
            continue
        if word.startswith("--"):
            name, separator, value = word[2:].partition("=")
        else:
            name, value = SHORT.get(word[1:2], word[1:2]), word[2:].lstrip("=")
            separator = value
        groups.append((IN_THE_FILE.get(name, name), value if separator else "true", [word]))
        is_open = not separator
    return groups


def applicable(defaults: Mapping[str, Any], given: Mapping[str, Any], *, is_swarm_member: bool) -> dict[str, Any]:
    """Return those defaults that can be in force beside the unit's flags, and on a member of a Swarm.

    Args:
        defaults: Settings that give way.
        given: What `settings` returned for the unit.
        is_swarm_member: dockerd of a member does not start with live-restore.
    """
    kept = {name: value for name, value in defaults.items() if name not in given}
    if is_swarm_member:
        kept.pop("live-restore", None)
    driver = given.get("log-driver", [defaults.get("log-driver")])[-1]
    if driver != defaults.get("log-driver"):  # whose options mean nothing to it
        kept.pop("log-opts", None)
    return kept
