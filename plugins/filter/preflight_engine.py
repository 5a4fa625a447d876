"""Filters that turn what a host has of container engines into problems with remedies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ansible_collections.alchemorsel.ai.plugins.module_utils.docker_flags import MAY_BE_BOTH, without

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

Problem = dict[str, str]

ENGINES = {"distribution": "docker.io", "upstream": "docker-ce"}
UNIT = "docker.service"
PODMAN = "podman-docker"
CONFIG = "/etc/docker/daemon.json"


def engine_problems(
    survey: Mapping[str, Any],
    channel: str = "distribution",
    options: Mapping[str, Any] | None = None,
    *,
    is_needed: bool = True,
    allowed: bool = False,
) -> list[Problem]:
    """Return what stands in the way of an installation, or of a restart.

    Args:
        survey: The `survey.engine` that the module preflight_facts returned.
        channel: Where the engine is to come from, `distribution` or `upstream`.
        options: Settings of daemon.json that the inventory makes.
        is_needed: The host is to have an engine.
        allowed: A restart may stop containers of others.
    """
    if not survey or not is_needed:
        return []
    found = [
        *_other_engines(survey),
        *_displaced(survey, channel),
        *_states(survey),
        *_settings(survey, options or {}),
        *([] if allowed else _containers(survey, options or {})),
    ]
    return [{"problem": problem, "remedy": remedy} for problem, remedy in found]


def has_engine(survey: Mapping[str, Any]) -> bool:
    """Return whether a package of either channel is installed, or being installed."""
    return any(name in survey["packages"] or name in survey["unsettled"] for name in ENGINES.values())


def is_ours(survey: Mapping[str, Any]) -> bool:
    """Return whether the role docker brought the engine, or has set it up before."""
    return survey["is_managed"] or any(name in survey["brought"]["packages"] for name in ENGINES.values())


def _other_engines(survey: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield engines that are not packages of a channel."""
    units = survey["units"]
    if units["snap.docker.dockerd.service"]["load"] == "loaded":
        yield (
            "Docker is installed as a snap (snap.docker.dockerd.service)",
            "move its containers elsewhere and remove it (snap remove docker), or use another host",
        )
    elif units[UNIT]["load"] == "loaded" and not has_engine(survey):
        yield (
            f"{UNIT} ({units[UNIT]['file']}) belongs to none of Docker's packages",
            "remove that engine, or have its package installed in its place (docker_channel says which)",
        )
    elif survey["daemons"]:
        names = ", ".join(f"{engine['program'] or 'dockerd'} (process {engine['pid']})" for engine in survey["daemons"])
        yield (
            f"a Docker Engine runs outside of {UNIT}: {names}",
            "stop it and whatever starts it, or use another host: two engines cannot share socket and data",
        )
    elif survey["programs"]:
        yield (
            f"{', '.join(survey['programs'])} belongs to none of Docker's packages, which bring such a program",
            "remove it, or use another host",
        )
    if PODMAN in survey["packages"]:
        yield (
            f"{PODMAN} is installed: the command docker is Podman's here, and Docker's packages would remove it",
            f"remove it where nothing needs it (apt-get remove {PODMAN}; Podman itself stays), or use another host",
        )
    elif survey["socket_target"] and "docker" not in survey["socket_target"]:
        yield (
            f"/run/docker.sock leads to {survey['socket_target']}",
            "remove that link where nothing needs it, or use another host",
        )


def _displaced(survey: Mapping[str, Any], channel: str) -> Iterator[tuple[str, str]]:
    """Yield packages that those of the channel would displace."""
    installed, ours = survey["packages"], set(survey["brought"]["packages"])
    other = "distribution" if channel == "upstream" else "upstream"
    theirs = ENGINES[other]
    if theirs in installed:
        change = (
            f"to change over, run the role docker once with docker_state=absent and docker_channel={other} (images, "
            "volumes and containers stay), then again as it is now; to stay"
            if theirs in ours
            else "it was there before, and stays. To use it"
        )
        yield f"{theirs} is installed, from the channel {other}", f"{change}, set docker_channel: {other}"
        return
    if ENGINES[channel] in installed:
        return
    rivals = ("containerd.io",) if channel == "distribution" else ("containerd", "runc")
    displaced = [name for name in rivals if name in installed and name not in ours]
    if displaced:
        users = [
            name for name in ("containerd.service", "kubelet.service") if survey["units"][name]["active"] == "active"
        ]
        running = f" ({' and '.join(users)} {'runs' if len(users) == 1 else 'run'})" if users else ""
        yield (
            f"{' and '.join(displaced)} is installed{running}, and {ENGINES[channel]} would remove it",
            f"set docker_channel: {other}, whose {theirs} runs on it, or use another host",
        )
    rest = [name for name in survey["removals"] if name not in {*displaced, *ours, PODMAN}]
    if rest and channel == "distribution":
        yield (
            f"{ENGINES[channel]} would remove {', '.join(rest)}",
            "remove what conflicts yourself where nothing needs it, or use another host",
        )


def _states(survey: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield units that the owner of the host does not want to run, or that do not answer."""
    units = survey["units"]
    masked = [name for name in (UNIT, "docker.socket", "containerd.service") if units[name]["load"] == "masked"]
    if masked:
        yield (
            f"{' and '.join(masked)} is masked",
            f"systemctl unmask {' '.join(masked)}, if the engine may run on this host, or use another host",
        )
    elif not has_engine(survey) or units[UNIT]["load"] != "loaded":
        return
    elif units[UNIT]["active"] != "active" and not is_ours(survey):
        yield (
            f"{UNIT} was there before and does not run ({units[UNIT]['active']}, {units[UNIT]['enabled']})",
            (
                f"start it (systemctl enable --now {UNIT}), if the engine may run on this host; `journalctl -u docker` "
                "says why it ended"
            ),
        )
    elif units[UNIT]["active"] == "active" and not survey["engine"]["answers"]:
        yield (
            f"{UNIT} runs, but does not answer on /run/docker.sock",
            (
                "see `journalctl -u docker`; where daemon.json or the unit has it listen elsewhere, add "
                "unix:///run/docker.sock"
            ),
        )


def _settings(survey: Mapping[str, Any], options: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield settings with which the engine would not start again."""
    if survey["config_error"]:
        yield survey["config_error"], "docker.service does not start with it"
        return
    if survey["config_file"] not in {"", CONFIG}:
        yield (
            f"{UNIT} reads {survey['config_file']} in place of {CONFIG} (--config-file)",
            f"move its content to {CONFIG}, and {_drop_in(survey, 'config-file')}",
        )
    flags = survey["flags"]
    wanted = {name for name, value in options.items() if value is not None}
    theirs = set(survey["settings"]) - set(survey["set_by_us"])
    twice = sorted((theirs & set(flags)) - MAY_BE_BOTH)
    for name in twice:
        runs = " The engine runs on until then." if survey["engine"]["answers"] else ""
        yield (
            (
                f"{name} is set in {CONFIG} and by {UNIT} ({', '.join(flags[name])}): the engine would not start again."
                f"{runs}"
            ),
            f"remove {name} from {CONFIG}, or {_drop_in(survey, name)}",
        )
    for name in sorted((wanted & set(flags)) - MAY_BE_BOTH - set(twice)):
        yield (
            (
                f"{name} is to be set in {CONFIG}, and {UNIT} sets it by a flag ({', '.join(flags[name])}): the engine "
                "would not start"
            ),
            f"remove {name} from docker_daemon_options, or {_drop_in(survey, name)}",
        )
    # What of it is ours goes: the role writes the file anew, and has the engine check that.
    if survey["objections"] and not twice and not set(survey["set_by_us"]) & set(flags):
        yield (
            f"the engine would not start again with {CONFIG}: {survey['objections']}",
            f"fix {CONFIG}; the engine has not read it yet",
        )
    hosts = survey["hosts"] if isinstance(survey["hosts"], list) else [survey["hosts"]]
    if hosts and not twice and not any("docker.sock" in str(host) or str(host).startswith("fd:") for host in hosts):
        yield (
            f"hosts in {CONFIG} has no unix:///run/docker.sock, on which Ollama's container is managed",
            "add it to that list",
        )
    swarm = survey["engine"]["swarm"]
    if swarm != "inactive" and (options.get("live-restore") or (survey["live_restore"] and "live-restore" in theirs)):
        where = "docker_daemon_options" if options.get("live-restore") else CONFIG
        yield (
            f"the host is a member of a Swarm, whose engine does not start with live-restore, which {where} sets",
            f"remove live-restore from {where}",
        )


def _drop_in(survey: Mapping[str, Any], setting: str) -> str:
    """Return how the unit gets a command line without the flag that makes a setting."""
    command = " ".join([survey["program"], *without(survey["arguments"], setting)])
    return (
        f"take the flag out of the unit: systemctl edit {UNIT}, below [Service] the lines `ExecStart=` and "
        f"`ExecStart={command}`"
    )


def _containers(survey: Mapping[str, Any], options: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield containers of others that the first settings would stop."""
    if is_ours(survey) or not survey["engine"]["answers"]:
        return  # the role docker knows which settings are new, and refuses a restart of its own
    names = [container["name"] for container in survey["engine"]["containers"]]
    swarm = survey["engine"]["swarm"] != "inactive"
    refuses = swarm or survey["live_restore"] is False
    if refuses and "live-restore" not in options:
        yield from stopped(names, is_swarm_member=swarm)


def stopped(names: Iterable[str], *, is_swarm_member: bool) -> Iterator[tuple[str, str]]:
    """Yield the problem of containers that a restart of the engine would stop.

    Args:
        names: Of the containers.
        is_swarm_member: The host is a member of a Swarm.
    """
    listed = ", ".join(sorted(names))
    if not listed:
        return
    why = "a member of a Swarm has no live-restore" if is_swarm_member else "live-restore cannot be in force"
    drain = "drain the node (docker node update --availability drain)" if is_swarm_member else "stop or move them"
    yield (
        f"a restart of the engine would stop these containers: {listed} ({why})",
        f"{drain}, or allow it with docker_stop_containers: true",
    )


class FilterModule:
    """Ansible's entry point to the filters."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filters by the name that templates use."""
        return {"preflight_engine_problems": engine_problems}
