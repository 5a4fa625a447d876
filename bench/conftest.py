"""``pytest bench --target URL --profile lab``: a run of the benchmark as tests, for a CI that speaks pytest.

The run is made once, before the first test; the tests in `test_slo.py` only look at its result. Its files (report, raw
samples) lie where ``--bench-out`` says. Importing this file costs nothing: the project's own tests never collect it.
"""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import IO, TYPE_CHECKING, cast

import pytest
from rich.console import Console

from bench.command_line import new_folder
from bench.errors import BenchError
from bench.evidence.ollama import Ollama
from bench.evidence.rules import rules_of
from bench.load.plan import plan
from bench.load.proxies import warn_of_proxies
from bench.load.target import Target
from bench.measure import make_folder, measure
from bench.report.console import LineObserver
from bench.tls import Trust
from bench.verdict.slo import DEFAULT_PATH, Profile, load_profile

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from bench.results import Result

FINDING = tuple[str, str, str]
"""Phase, task and rule of a finding."""


PROFILE = pytest.StashKey[Profile]()
"""Where the profile of this session lies."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options of a run; they mean what they mean to ``python -m bench run``."""
    group = parser.getgroup("alchemorsel bench")
    group.addoption("--target", metavar="URL", help="the service to measure, e.g. http://127.0.0.1:3010")
    group.addoption(
        "--ca-file", default="", metavar="FILE", help="CA bundle for https:// URLs (default: the operating system's)"
    )
    group.addoption("--profile", default="lab", help="bounds and load (default: lab)")
    group.addoption("--slo", type=Path, default=DEFAULT_PATH, metavar="FILE", help="bounds (default: bench/slo.yml)")
    group.addoption(
        "--ollama", metavar="URL", help="URL of the Ollama server behind it, for cold starts, memory and call counts"
    )
    group.addoption("--bench-out", type=Path, metavar="DIR", help="folder for the files (default: under reports/)")


def pytest_configure(config: pytest.Config) -> None:
    """Refuse a command line that no run can be made of, before anything is collected."""
    if config.option.help:
        return
    if not config.getoption("--target"):
        raise pytest.UsageError("pytest bench measures a running service: say --target URL")
    try:
        config.stash[PROFILE] = load_profile(config.getoption("--profile"), config.getoption("--slo"))
        with _target(config), _ollama(config):
            pass
    except BenchError as error:
        raise pytest.UsageError(str(error)) from error


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Make a test of every bound of the profile, and of every rule of evidence for every phase."""
    profile = metafunc.config.stash[PROFILE]
    if "bound" in metafunc.fixturenames:
        names = [f"{bound.selector}: {bound.expression}" for bound in profile.thresholds]
        metafunc.parametrize("bound", range(len(names)), ids=names)
    if "rule" in metafunc.fixturenames:
        rules = planned_rules(metafunc.config)
        metafunc.parametrize("rule", rules, ids=[f"{phase} {task}: {rule}" for phase, task, rule in rules])


def planned_rules(config: pytest.Config) -> list[FINDING]:
    """Return the findings that a whole run of the profile will make, whatever comes of it."""
    phases = plan(config.stash[PROFILE].load, "")
    if not config.getoption("--ollama"):
        phases = [phase for phase in phases if phase.name != "cold"]
    return [(phase.name, phase.task, rule) for phase in phases for rule in rules_of(phase)]


def _target(config: pytest.Config) -> Target:
    return Target(config.getoption("--target"), Trust(config.getoption("--ca-file")))


def _ollama(config: pytest.Config) -> AbstractContextManager[Ollama | None]:
    url = config.getoption("--ollama")
    return Ollama(url, Trust(config.getoption("--ca-file"))) if url else nullcontext()


@pytest.fixture(scope="session")
def measured(request: pytest.FixtureRequest) -> Result:
    """Make the run; where it cannot be made, every test is an error that says why."""
    config = request.config
    console = Console(file=cast("IO[str]", config.get_terminal_writer()))
    capture = config.pluginmanager.getplugin("capturemanager")
    try:
        with (
            # Said while it runs, because a run takes minutes.
            nullcontext() if capture is None else capture.global_and_fixture_disabled(),
            _target(config) as target,
            _ollama(config) as ollama,
            LineObserver(console) as observer,
        ):
            target.require_ready()
            console.print()  # below the name of the test file
            warn_of_proxies(console)
            out = config.getoption("--bench-out")
            folder = make_folder(out) if out else new_folder("bench")
            return measure(target, config.stash[PROFILE], folder, observer, ollama=ollama)
    except BenchError as error:
        pytest.fail(str(error), pytrace=False)
