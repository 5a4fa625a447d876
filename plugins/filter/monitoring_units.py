"""Filters about the components of monitoring: what is wrong, their files, and the units that read other files now."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence

Component = Mapping[str, Any]
"""Its name as `key`, and as `value` its package, unit, program, arguments, and the path, template and validation of its
settings."""


def problems(
    components: Sequence[str],
    known: Sequence[str],
    bind_address: str,
    probed: Sequence[str],
    receivers: Sequence[Mapping[str, Any]],
) -> list[str]:
    """Return what is wrong with the settings.

    Args:
        components: What the host runs.
        known: All names of components.
        bind_address: Where they listen.
        probed: Pages and endpoints that the blackbox exporter is asked for.
        receivers: Of alerts.
    """
    unknown = [name for name in components if name not in known]
    refused: list[str] = []
    if unknown:
        refused.append(f"monitoring_components knows {', '.join(known)}, not {', '.join(unknown)}")
    if bind_address in ("0.0.0.0", "::", ""):  # noqa: S104 - refused
        refused.append(f"monitoring_bind_address {bind_address} would let everybody read: name a private address")
    if bool(probed) and "prometheus" in components and "blackbox" not in components:
        refused.append(
            "monitoring_pages and monitoring_tls_endpoints need blackbox among monitoring_components of the same host"
        )
    if not all("name" in each for each in receivers):
        refused.append("every receiver in monitoring_receivers needs a name")
    return refused


def settings(components: Iterable[Component], texts: Iterable[str]) -> list[dict[str, str]]:
    """Return the components' settings as the module config_files takes them.

    Args:
        components: Those that have settings.
        texts: The settings, in the same order.
    """
    files = []
    for each, text in zip(components, texts, strict=True):
        name, component = each["key"], each["value"]
        kind = "secret" if name == "alertmanager" else "content"  # it may hold those of a mail server or a chat
        owned = {} if name == "dcgm" else {"group": "prometheus", "mode": "0640"}
        tried = {"validate": component["validate"]} if "validate" in component else {}
        files.append({"path": component["config"], kind: text, **owned, **tried})
    return files


def changes(
    components: Iterable[Component],
    paths: Collection[str],
    units: str,
    rules: str,
    *,
    timer: str,
    timer_files: Iterable[str],
) -> dict[str, list[str]]:
    """Return the units with other settings: to `restart` where they read them when they start, else to `reload`.

    Args:
        components: What the host runs.
        paths: Files that were written.
        units: Folder of the units.
        rules: Folder of Prometheus's rules.
        timer: Timer of the age of secrets.
        timer_files: Its units.
    """
    restart, reload = [], []
    for each in components:
        name, unit, config = each["key"], each["value"]["unit"], each["value"].get("config")
        if f"{units}/{unit}.d/alchemorsel.conf" in paths or (name == "dcgm" and config in paths):
            restart.append(unit)
        has_other_rules = name == "prometheus" and any(path.startswith(rules) for path in paths)
        if name != "dcgm" and (config in paths or has_other_rules):
            reload.append(unit)
    if any(path in paths for path in timer_files):
        restart.append(timer)
    return {"restart": restart, "reload": reload}


def awaited(components: Iterable[Component], found: Mapping[str, Any], timer: str) -> list[str]:
    """Return units that check mode cannot start: what makes them is not there yet.

    Args:
        components: What the host runs.
        found: What the module host_facts returned of packages and units.
        timer: Timer of the age of secrets.
    """
    missing = [each["value"]["unit"] for each in components if each["value"]["package"] not in found["packages"]]
    return missing if found["units"].get(timer, {}).get("enabled") else [*missing, timer]


def target_groups(targets: Iterable[str]) -> list[dict[str, Any]]:
    """Return targets as Prometheus takes them: those with TLS are a group of their own.

    Args:
        targets: Addresses, with `https://` before those with TLS.
    """
    listed = list(targets)
    plain = [target for target in listed if not target.startswith("https://")]
    tls = [target.removeprefix("https://") for target in listed if target.startswith("https://")]
    return [
        *([{"targets": plain}] if plain else []),
        *([{"targets": tls, "labels": {"__scheme__": "https"}}] if tls else []),
    ]


def target_files(
    jobs: Mapping[str, Iterable[str]], names: Iterable[str], probes: Mapping[str, Mapping[str, Any]], folder: str
) -> list[dict[str, str]]:
    """Return a file of targets for each job, for a Prometheus of the site's own.

    Args:
        jobs: Targets by job.
        names: Those of the jobs that get a file.
        probes: What the blackbox exporter is asked for, by job.
        folder: Where the files lie.
    """
    groups = {name: target_groups(jobs[name]) for name in names}
    groups |= {job: [{"targets": list(probe["targets"])}] if probe["targets"] else [] for job, probe in probes.items()}
    return [
        {"path": f"{folder}/{job}.json", "content": json.dumps(groups[job], indent=4, sort_keys=True) + "\n"}
        for job in sorted(groups)
    ]


def unread(active: Iterable[Mapping[str, Any]], files: Iterable[Mapping[str, str]]) -> list[str]:
    """Return the targets of ours that a Prometheus of the site's own does not read, each with the reason.

    Args:
        active: Its `activeTargets`, those of other jobs included.
        files: What `target_files` returned.
    """
    known = {(each["scrapePool"], each["discoveredLabels"]["__address__"]): each for each in active}
    missing = []
    for file in files:
        job = PurePosixPath(file["path"]).stem
        for address in [target for group in json.loads(file["content"]) for target in group["targets"]]:
            found = known.get((job, address))
            if found is None:
                missing.append(f"{job} {address}: no target of this Prometheus")
            elif found["health"] != "up":
                missing.append(f"{job} {address}: {found['lastError'] or 'not read yet'}")
    return missing


class FilterModule:
    """Ansible's entry point to the filters."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filters by the name that templates use."""
        return {
            "monitoring_problems": problems,
            "monitoring_settings": settings,
            "monitoring_changes": changes,
            "monitoring_expected_targets": awaited,
            "monitoring_target_groups": target_groups,
            "monitoring_target_files": target_files,
            "monitoring_unread": unread,
        }
