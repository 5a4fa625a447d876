"""A filter that finds mistakes in the variables of the AI service; what its settings mean, the service validates."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

OWN_SETTINGS = (
    "ALCHEMORSEL_SOCKET",
    "ALCHEMORSEL_INSTANCE",
    "ALCHEMORSEL_METRICS_FOLDER",
    "ALCHEMORSEL_HOST",
    "ALCHEMORSEL_PORT",
)
"""Settings of each instance, which its unit gives it."""


def problems(
    variables: Mapping[str, Any],
    found: Mapping[str, Any],
    wheel: Mapping[str, Any],
    release: str,
    settings: Mapping[str, Any],
) -> list[str]:
    """Return all mistakes at once.

    Args:
        variables: The role's public variables.
        found: What the module ai_service_facts returned.
        wheel: The description of the wheel to install; empty where a release of the host is named.
        release: The release to run; empty where there is no previous one.
        settings: Of the service, by name.
    """
    return [
        *_release_problems(variables, found, release),
        *_instance_problems(variables),
        *_setting_problems(variables, settings),
        *_python_problems(variables, found, wheel),
        *_key_problems(variables),
    ]


def _release_problems(variables: Mapping[str, Any], found: Mapping[str, Any], release: str) -> list[str]:
    wanted = variables["ai_service_release"]
    current = PurePosixPath(found["current"]).name or "the first"
    if not wanted:
        return []
    refused: list[str] = []
    if not release:
        refused.append(f"there is no release before {current} on this host")
    if release in found["half_made"]:
        refused.append(
            f"the release {release} is incomplete, as a run that was cut off leaves it. Name another in "
            "ai_service_release, or none: then a release is built"
        )
    elif release and release not in found["whole"]:
        refused.append(f"ai_service_release is {wanted}, but the host has {', '.join(found['whole']) or 'no release'}")
    if release in found["without_edge"]:
        refused.append(
            f"the release {release} was built before the edge: it serves on a socket of systemd, and cannot listen on "
            "a Unix socket behind the edge. Deploy a release of this checkout or a newer one instead"
        )
    return refused


def _instance_problems(variables: Mapping[str, Any]) -> list[str]:
    instances = int(variables["ai_service_instances"])
    providers = [variables["ai_service_provider"], *variables["ai_service_fallbacks"]]
    refused: list[str] = []
    if variables["ai_service_profile"] == "prod" and "mock" in providers:
        refused.append(
            "the provider mock makes answers up, and ai_service_profile is prod: name other providers in "
            "ai_service_provider and ai_service_fallbacks"
        )
    if instances < 1:
        refused.append("ai_service_instances must be 1 or more")
    if instances > 1 and not variables["ai_service_redis_url"]:
        refused.append(
            f"ai_service_instances is {instances} without ai_service_redis_url: instances share answers, locks and "
            "rates in Redis. Set it, or set ai_service_instances to 1"
        )
    return refused


def _python_problems(variables: Mapping[str, Any], found: Mapping[str, Any], wheel: Mapping[str, Any]) -> list[str]:
    if wheel.get("fits_python", True):
        return []
    python, version = variables["ai_service_python"], found["python_version"] or "not there"
    required = f"but the service requires Python {wheel['requires_python']}: name one in ai_service_python"
    return [f"{python} is {version}, {required}"]


def _setting_problems(variables: Mapping[str, Any], settings: Mapping[str, Any]) -> list[str]:
    own = [name for name in variables["ai_service_environment"] if name in OWN_SETTINGS]
    foreign = [name for name in variables["ai_service_environment"] if not re.fullmatch("ALCHEMORSEL_[A-Z0-9_]+", name)]
    refused: list[str] = []
    if own:
        refused.append(f"ai_service_environment must not set {', '.join(own)}: the role sets them for each instance")
    if foreign:
        refused.append(f"ai_service_environment takes ALCHEMORSEL_* settings, not {', '.join(foreign)}")
    if any(re.search("[\n\r]", str(value)) for value in settings.values()):
        refused.append("a setting in ai_service_environment has a line break: it must be one line")
    if "@" in variables["ai_service_redis_url"]:
        refused.append(
            "ai_service_redis_url has a user or a password in it: they go into ai_service_redis_username and "
            "ai_service_redis_password"
        )
    return refused


def _key_problems(variables: Mapping[str, Any]) -> list[str]:
    has_keys, verifies = bool(variables["ai_service_api_keys"]), bool(variables["ai_service_verify_key"])
    refused: list[str] = []
    if has_keys and not verifies:
        refused.append(
            "ai_service_api_keys is set without ai_service_verify_key: the verification asks as a caller does, so it "
            "needs one of the keys themselves"
        )
    if verifies and not has_keys:
        refused.append(
            "ai_service_verify_key is set without ai_service_api_keys, so there is nothing that it would open"
        )
    if variables["ai_service_admin_key"] and has_keys:
        refused.append(
            "ai_service_admin_key is for a service without ai_service_api_keys: end the line of a key there with admin "
            "instead"
        )
    if int(variables["ai_service_keep_releases"]) < 1:
        refused.append("ai_service_keep_releases must be 1 or more: the current release is one of them")
    return refused


class FilterModule:
    """Ansible's entry point to the filter."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filter by the name that templates use."""
        return {"ai_service_problems": problems}
