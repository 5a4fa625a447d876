"""When the role docker has packages to install or to hold, what it refuses, remembers and takes away again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from ansible_collections.alchemorsel.ai.plugins.module_utils import survey_engine

from tests.roles.ansible_module import load_plugin
from tests.roles.engine_host import EngineHost
from tests.roles.templates import evaluate, role_variables

if TYPE_CHECKING:
    from pathlib import Path

THERE = {
    "docker.io": "20.10.24",
    "apparmor": "3",
    "ca-certificates": "1",
    "iptables": "1.8",
    "python3-requests": "2.28",
}
NOTHING: dict[str, list[str]] = {"packages": [], "held": [], "data": []}


class Role:
    """The role docker's own variables, for a host with these packages.

    Args:
        root: Root of the host's file system.
        installed: Its packages.
        held: Of these, those that are held.
        brought: What the role has brought before.
        more: Further facts.
    """

    def __init__(
        self,
        root: Path,
        installed: dict[str, str],
        held: tuple[str, ...] = (),
        brought: dict[str, list[str]] | None = None,
        **more: Any,
    ) -> None:
        host = EngineHost(root)
        host.packages = {name: version for name, version in installed.items() if name in survey_engine.PACKAGES}
        survey = survey_engine.survey(host.run, root)
        survey["brought"] = NOTHING | (brought or {})
        self.survey = survey
        self.facts = {
            "installed": installed,
            "held": list(held),
            "source_files": [],
            "stopped_containers": [],
            "needing_restart": [],
            "data": [],
            "survey": survey,
            **more,
        }

    def value(self, name: str, distribution: str = "12.11", **settings: Any) -> Any:
        """Return the value of a variable of the role, with settings of the inventory."""
        variables = {
            **role_variables("docker"),
            "ansible_facts": {"distribution": "Debian", "distribution_version": distribution},
            "__docker_facts": self.facts,
            **settings,
        }
        return evaluate(variables[name], variables)

    def record(self, **settings: Any) -> Any:
        """Return what the role would remember."""
        packages = self.value("__docker_packages", **settings)
        return docker_record(packages, self.facts, settings.get("docker_version", ""))


def docker_record(*arguments: Any, **options: Any) -> Any:
    """Call the filter."""
    return load_plugin("docker_packages", "filter").record(*arguments, **options)


@pytest.mark.parametrize(
    ("held", "ours", "version", "expected"),
    [
        ((), [], "", (True, True)),
        (("docker.io",), ["docker.io"], "", (True, False)),
        (("docker.io",), [], "", (True, True)),
        (("docker.io",), [], "20.10.*", (True, True)),
        ((), [], "20.10.*", (True, False)),
        (("docker.io",), ["docker.io"], "26.*", (False, True)),
        (("iptables",), [], "", (True, True)),
    ],
)
def test_engine_is_held_at_a_version_that_is_set(
    tmp_path: Path, held: tuple[str, ...], ours: list[str], version: str, expected: tuple[bool, bool]
) -> None:
    """And free without one; a hold that somebody else has set is theirs."""
    found = Role(tmp_path, THERE, held, {"held": ours}).value("__docker_is_converged", docker_version=version)
    assert (found["installed"], found["held"]) == expected


def test_missing_package_is_to_be_installed_and_cannot_be_held_yet(tmp_path: Path) -> None:
    """One of them is enough."""
    role = Role(tmp_path, {name: THERE[name] for name in THERE if name != "docker.io"})
    found = role.value("__docker_is_converged", docker_version="20.10.*")
    assert (found["installed"], found["held"]) == (False, True)


UPSTREAM = {
    "docker_channel": "upstream",
    "docker_upstream_url": "https://mirror.test/docker",
    "docker_upstream_key": "-----BEGIN PGP PUBLIC KEY BLOCK-----",
}


@pytest.mark.parametrize(
    ("installed", "more", "settings", "said"),
    [
        (THERE, {}, {"distribution": "11.9"}, "Debian 11 is not supported; one of these is needed: Debian 12"),
        ({}, {}, {**UPSTREAM, "docker_upstream_url": ""}, "docker_upstream_url has to name the apt repository"),
        ({}, {}, {**UPSTREAM, "docker_upstream_key": "ssh-rsa"}, "docker_upstream_key has to hold the text"),
        ({}, {"source_files": ["/etc/apt/sources.list.d/docker.list"]}, UPSTREAM, "docker.list is there already"),
        (THERE, {}, UPSTREAM, "docker.io is installed, from the channel distribution: it was there before"),
        ({"docker-ce": "26"}, {}, {}, "docker-ce is installed, from the channel upstream: it was there before"),
        (
            {"docker-ce": "26"},
            {"brought": {"packages": ["docker-ce"]}},
            {},
            "run the role docker once with docker_state=absent and docker_channel=upstream",
        ),
        (THERE, {"held": ("docker.io",)}, {"docker_version": "26.*"}, "apt-mark unhold docker.io"),
        (
            THERE,
            {"stopped_containers": ["web"], "needing_restart": ["icc"]},
            {},
            (
                "a restart of the engine would stop these containers: web (live-restore cannot be in force), and is "
                "needed for icc: stop or move them, or allow it with docker_stop_containers: true"
            ),
        ),
    ],
)
def test_what_cannot_be_installed_is_refused(
    tmp_path: Path, installed: dict[str, str], more: dict[str, Any], settings: dict[str, Any], said: str
) -> None:
    """One thing at a time, each with what would be right."""
    role = Role(tmp_path, installed, **more)
    (problem,) = role.value("__docker_problems", **settings)
    assert said in problem


def test_fit_host_has_no_problem(tmp_path: Path) -> None:
    """With an engine of the chosen channel, or with none; the role's own sources are not another's."""
    own: dict[str, Any] = {"source_files": ["/etc/apt/sources.list.d/alchemorsel-docker.sources"]}
    assert Role(tmp_path, THERE).value("__docker_problems") == []
    assert Role(tmp_path, {}, **own).value("__docker_problems", **UPSTREAM) == []
    there = {"docker-ce": "27", "docker-ce-cli": "27", "containerd.io": "1"}
    assert Role(tmp_path, there).value("__docker_problems", docker_channel="upstream") == []
    stopping = Role(tmp_path, THERE, stopped_containers=["web"])
    assert stopping.value("__docker_problems", docker_stop_containers=True) == []


def test_version_that_would_stop_containers_is_refused(tmp_path: Path) -> None:
    """The packages restart the engine before the role has set live-restore."""
    role = Role(tmp_path, THERE)
    role.survey["engine"] |= {"answers": True, "containers": [{"name": "web", "id": "1"}]}
    (problem,) = role.value("__docker_problems", docker_version="26.*")
    assert "would stop these containers: web" in problem
    role.survey["engine"]["live_restore"] = True
    assert role.value("__docker_problems", docker_version="26.*") == []


def test_record_holds_what_was_missing(tmp_path: Path) -> None:
    """Packages of others and their data are not among it."""
    assert Role(tmp_path, {}).record() == {
        "packages": ["docker.io", "containerd", "runc"],
        "held": [],
        "data": ["/var/lib/docker", "/var/lib/containerd", "/etc/docker"],
    }
    assert Role(tmp_path, THERE | {"containerd": "1", "runc": "1"}).record() == NOTHING
    kubernetes = Role(tmp_path, {"containerd": "1", "runc": "1"}, data=["/var/lib/containerd", "/etc/docker"])
    assert kubernetes.record() == {"packages": ["docker.io"], "held": [], "data": ["/var/lib/docker"]}
    assert Role(tmp_path, THERE).record(docker_version="20.*")["held"] == ["docker.io"]


def test_removal_takes_what_the_role_brought(tmp_path: Path) -> None:
    """Containerd and data with a purge only; nothing of an engine that was there before."""
    brought = {"packages": ["docker.io", "containerd", "runc"], "data": ["/var/lib/docker", "/var/lib/containerd"]}
    installed = THERE | {"containerd": "1", "runc": "1"}
    role = Role(tmp_path, installed, brought=brought)
    assert role.value("__docker_removal") == {"packages": ["docker.io"], "stays": [], "data": []}
    assert role.value("__docker_removal", docker_purge=True) == {"stays": [], **brought}
    theirs = Role(tmp_path, installed)
    assert theirs.value("__docker_removal", docker_purge=True) == {"packages": [], "stays": ["docker.io"], "data": []}


def test_purge_leaves_containerd_to_a_kubelet(tmp_path: Path) -> None:
    """It came after the role, and runs on it."""
    brought = {"packages": ["docker.io", "containerd"], "data": ["/var/lib/docker", "/var/lib/containerd"]}
    role = Role(tmp_path, THERE | {"containerd": "1"}, brought=brought)
    role.survey["units"]["kubelet.service"]["active"] = "active"
    assert role.value("__docker_removal", docker_purge=True) == {
        "packages": ["docker.io"],
        "stays": [],
        "data": ["/var/lib/docker"],
    }


def test_record_after_a_removal_has_what_remains(tmp_path: Path) -> None:
    """So that a later purge takes containerd and data, and an engine that somebody installs meanwhile is theirs."""
    brought = {"packages": ["docker.io", "containerd"], "held": ["docker.io"], "data": ["/var/lib/docker"]}
    role = Role(tmp_path, THERE | {"containerd": "1"}, brought=brought)
    remaining = docker_record(role.value("__docker_packages"), role.facts, "", removed=True)
    assert remaining == {"packages": ["containerd"], "held": [], "data": ["/var/lib/docker"]}
