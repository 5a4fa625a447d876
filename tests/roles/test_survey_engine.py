"""What a host has of container engines, and which of it stands in the way."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest
from ansible_collections.alchemorsel.ai.plugins.module_utils import docker_engine, survey_engine

from tests.roles.ansible_module import load_plugin
from tests.roles.engine_host import EngineHost
from tests.roles.fake_engine import FakeEngine

if TYPE_CHECKING:
    from pathlib import Path

engine_problems = load_plugin("preflight_engine", "filter").engine_problems


@pytest.fixture
def host(tmp_path: Path) -> EngineHost:
    """Give a bare host."""
    (tmp_path / "run").mkdir()
    return EngineHost(tmp_path)


def surveyed(host: EngineHost, **said: Any) -> dict[str, Any]:
    """Return the survey of a host, whose engine answers where it was told what."""
    with FakeEngine(host.root / survey_engine.SOCKET) as engine:
        engine.answers.update(host.info(**said))
        found: dict[str, Any] = survey_engine.survey(host.run, host.root)
    (host.root / survey_engine.SOCKET).unlink()
    return found


def problems(survey: dict[str, Any], channel: str = "distribution", /, **options: Any) -> list[str]:
    """Return problems and remedies in one line each."""
    return [f"{each['problem']} -> {each['remedy']}" for each in engine_problems(survey, channel, options)]


def test_bare_host_has_no_problem(host: EngineHost) -> None:
    """Nothing is asked of apt or of an engine."""
    found = surveyed(host)
    assert problems(found) == problems(found, "upstream") == []
    assert [line for line in host.asked if line.startswith(("dockerd", "apt-get", "env"))] == []


def test_engine_of_the_distribution_is_described(host: EngineHost) -> None:
    """By what it says itself, and by its unit."""
    host.start(since=time.time() - 60)
    host.write("etc/default/docker", 'DOCKER_OPTS="--log-level=warn"\n')
    found = surveyed(host, containers=["theirs"], LiveRestoreEnabled=True)
    assert found["engine"]["containers"] == [{"name": "theirs", "id": "theirs"}]
    assert found["engine"]["live_restore"]
    assert found["flags"]["log-level"] == ["warn"]
    assert found["data_root"] == "/var/lib/docker"
    assert problems(found) == []


@pytest.mark.parametrize("state", ["half-installed", "unpacked", "half-configured", "triggers-awaited"])
def test_engine_that_is_being_installed_is_its_packages(host: EngineHost, state: str) -> None:
    """As where a play was killed meanwhile: unit and programs are there before the package is."""
    host.start(since=0, ActiveState="inactive", UnitFileState="")
    host.packages = {}
    host.write("usr/sbin/dockerd", "")
    assert "belongs to none of Docker's packages" in problems(surveyed(host))[0]
    host.states = {"docker.io": state}
    host.write(survey_engine.BROUGHT, {"packages": ["docker.io"]})
    assert problems(surveyed(host)) == []


def test_engine_that_is_stopped_is_not_asked(host: EngineHost) -> None:
    """Its socket would start it; membership in a Swarm is on its disk."""
    host.start(since=0, ActiveState="inactive", UnitFileState="disabled")
    host.write("var/lib/docker/swarm/docker-state.json", {})
    found = surveyed(host, containers=["theirs"])
    assert not found["engine"]["answers"]
    assert found["engine"]["swarm"] == "unknown"
    (problem,) = problems(found)
    assert "does not run (inactive, disabled) -> start it (systemctl enable --now docker.service)" in problem


def test_engine_that_is_ours_may_be_stopped(host: EngineHost) -> None:
    """The role starts what it brought, or has set up before."""
    host.start(since=0, ActiveState="failed")
    host.write(survey_engine.BROUGHT, {"packages": ["docker.io"]})
    assert problems(surveyed(host)) == []


@pytest.mark.parametrize("unit", ["docker.service", "docker.socket", "containerd.service"])
def test_masked_unit_is_named_with_its_remedy(host: EngineHost, unit: str) -> None:
    """Its owner does not want it."""
    host.units[unit] = {"Id": unit, "LoadState": "masked"}
    (problem,) = problems(surveyed(host))
    assert f"{unit} is masked -> systemctl unmask {unit}" in problem


def test_containerd_of_a_kubernetes_node_is_not_displaced(host: EngineHost) -> None:
    """Each channel has the engine that runs on what there is."""
    for name in ("containerd.service", "kubelet.service"):
        host.units[name] = {"Id": name, "LoadState": "loaded", "ActiveState": "active"}
    host.packages["containerd.io"] = "1.7.27"
    (problem,) = problems(surveyed(host))
    assert "containerd.io is installed (containerd.service and kubelet.service run), and docker.io would remove it" in (
        problem
    )
    assert "set docker_channel: upstream" in problem
    assert problems(surveyed(host), "upstream") == []
    host.packages = {"containerd": "1.6", "runc": "1.1"}
    assert problems(surveyed(host)) == []
    (problem,) = problems(surveyed(host), "upstream")
    assert "containerd and runc is installed" in problem
    host.write(survey_engine.BROUGHT, {"packages": ["containerd", "runc"]})
    assert problems(surveyed(host), "upstream") == []


@pytest.mark.parametrize(
    ("packages", "said"),
    [
        ({"podman-docker": "4.3"}, "apt-get remove podman-docker"),
        ({"docker-ce": "27"}, "docker-ce is installed, from the channel upstream -> it was there before, and stays"),
    ],
)
def test_other_packages_are_named_with_the_way_out(host: EngineHost, packages: dict[str, str], said: str) -> None:
    """Before apt removes them."""
    host.packages = packages
    assert [problem for problem in problems(surveyed(host)) if said in problem]


def test_package_with_a_conflict_is_found_by_a_simulation(host: EngineHost) -> None:
    """Whatever its name is."""
    host.write("var/lib/dpkg/status", "Package: moby-thing\nConflicts: docker.io, docker-ce\n")
    removing = host.run

    def run(command: list[str]) -> tuple[int, str, str]:
        return (0, "Remv moby-thing [1]\n", "") if "apt-get" in command else removing(command)

    host.run = run  # type: ignore[method-assign]
    (problem,) = problems(surveyed(host))
    assert "docker.io would remove moby-thing" in problem


def test_engines_outside_of_the_unit_are_named(host: EngineHost) -> None:
    """A snap, a unit of no package, a program that somebody started."""
    host.units["snap.docker.dockerd.service"] = {"Id": "snap.docker.dockerd.service", "LoadState": "loaded"}
    assert "as a snap" in problems(surveyed(host))[0]
    host.units = {"docker.service": {"Id": "docker.service", "LoadState": "loaded", "FragmentPath": "/etc/x"}}
    assert "docker.service (/etc/x) belongs to none of Docker's packages" in problems(surveyed(host))[0]
    host.units = {}
    for process in ("self", "17"):
        (host.root / "proc" / process / "ns").mkdir(parents=True)
        (host.root / "proc" / process / "ns" / "pid").symlink_to("pid:[1]")
    host.write("proc/17/comm", "dockerd\n")
    found = surveyed(host)
    owned = (host.root / "proc/17").stat().st_uid == 0
    assert [each["pid"] for each in found["daemons"]] == ([17] if owned else [])


def test_setting_that_is_a_flag_too_is_refused_by_name(host: EngineHost) -> None:
    """Whoever set it; the engine runs on."""
    host.start(since=time.time() - 60)
    host.write(survey_engine.CONFIG, {"hosts": ["unix:///run/docker.sock"]})
    (problem,) = problems(surveyed(host))
    assert "hosts is set in /etc/docker/daemon.json and by docker.service (fd://)" in problem
    assert "The engine runs on until then." in problem
    assert "ExecStart=/usr/sbin/dockerd --containerd=/run/containerd/containerd.sock`" in problem
    host.write(survey_engine.CONFIG, {})
    (problem,) = problems(surveyed(host), hosts=["tcp://0.0.0.0:1"])
    assert "remove hosts from docker_daemon_options" in problem


def test_file_that_the_engine_has_not_read_is_validated(host: EngineHost) -> None:
    """One that it has read is not: it runs with it."""
    config = host.write(survey_engine.CONFIG, {"lve-restore": True})
    host.refuses = "the following directives don't match any configuration option: lve-restore"
    host.start(since=config.stat().st_mtime - 60)
    (problem,) = problems(surveyed(host))
    assert "the engine would not start again with /etc/docker/daemon.json: the following directives" in problem
    host.start(since=config.stat().st_mtime + 60)
    assert problems(surveyed(host)) == []


def test_program_of_no_package_is_not_overwritten(host: EngineHost) -> None:
    """Neither an engine nor a client that somebody copied there."""
    for name in ("usr/local/bin/dockerd", "usr/bin/docker"):
        host.write(name, "#!/bin/sh\n")
    (problem,) = problems(surveyed(host))
    assert "/usr/local/bin/dockerd, /usr/bin/docker belongs to none of Docker's packages" in problem
    host.start(since=time.time() - 60)
    assert problems(surveyed(host)) == []


def test_unit_that_reads_another_file_is_refused(host: EngineHost) -> None:
    """The role's settings would never be in force."""
    host.start(since=time.time() - 60)
    host.write("etc/default/docker", "DOCKER_OPTS=--config-file=/srv/docker.json\n")
    (problem,) = problems(surveyed(host))
    assert "docker.service reads /srv/docker.json in place of /etc/docker/daemon.json" in problem
    assert "ExecStart=/usr/sbin/dockerd -H fd:// --containerd=/run/containerd/containerd.sock`" in problem


@pytest.mark.parametrize("content", [b"{", b'{"labels": ["\xff"]}'], ids=["cut off", "not UTF-8"])
def test_file_that_is_not_json_is_named(host: EngineHost, content: bytes) -> None:
    """Before anything is installed."""
    host.write(survey_engine.CONFIG, "")
    (host.root / survey_engine.CONFIG).write_bytes(content)
    (problem,) = problems(surveyed(host))
    assert "is not JSON" in problem


def test_data_root_is_what_the_engine_or_its_next_start_uses(host: EngineHost) -> None:
    """Docker's default, unless daemon.json or a flag of the unit names another."""
    assert surveyed(host)["data_root"] == "/var/lib/docker"
    host.write(survey_engine.CONFIG, '{"data-root": "/srv/docker"}')
    assert surveyed(host)["data_root"] == "/srv/docker"


def test_member_of_a_swarm_is_refused_live_restore(host: EngineHost) -> None:
    """By whoever set it; without it nothing is refused."""
    host.start(since=time.time() + 60)
    assert problems(surveyed(host, swarm="active")) == []
    (problem,) = problems(surveyed(host, swarm="active"), "distribution", **{"live-restore": True})
    assert "remove live-restore from docker_daemon_options" in problem
    host.write(survey_engine.CONFIG, {"live-restore": True})
    (problem,) = problems(surveyed(host, swarm="active"))
    assert "remove live-restore from /etc/docker/daemon.json" in problem


def test_containers_that_the_first_restart_would_stop_are_in_the_report(host: EngineHost) -> None:
    """Where live-restore cannot be in force, and a restart is not allowed."""
    host.start(since=time.time() - 60)
    found = surveyed(host, swarm="active", containers=["web", "db"])
    (problem,) = problems(found)
    assert "a restart of the engine would stop these containers: db, web (a member of a Swarm has no" in problem
    assert "docker_stop_containers: true" in problem
    assert engine_problems(found, allowed=True) == engine_problems(found, is_needed=False) == []
    assert problems(surveyed(host, containers=["web"])) == []


def test_engine_that_does_not_answer_is_a_problem(host: EngineHost) -> None:
    """It runs, and cannot be managed."""
    host.start(since=time.time() - 60)
    (problem,) = problems(survey_engine.survey(host.run, host.root))
    assert "does not answer on /run/docker.sock" in problem


def test_older_engine_validates_as_another_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It ends once it has read its configuration; the copy that it read is gone."""
    config = tmp_path / "daemon.json"
    config.write_text("{}")
    answers = ["dockerd needs to be started with root. To see how", 'time="x" level=y msg="unknown: hosts"']
    asked: list[list[str]] = []

    def run(command: list[str]) -> tuple[int, str, str]:
        asked.append(command)
        return 1, "", answers.pop(0)

    monkeypatch.setattr("os.chown", lambda *_: None)  # not everybody may
    assert (
        docker_engine.objections(run, "20.10.24", ["/opt/dockerd", "-H", "fd://", "--config-file", "/x"], config) == ""
    )
    assert docker_engine.objections(run, "20.10.24", [], config) == "unknown: hosts"
    assert asked[0][:2] == ["setpriv", "--reuid=65534"]
    assert asked[0][4:8] == ["/opt/dockerd", "-H", "fd://", "--config-file"]
