"""The four commands that users type, as far as no host is needed: what they find, and what they take."""

from __future__ import annotations

import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import testinfra.plugin
import yaml
from _pytest.config.argparsing import Parser

from tests.golden.help_texts import without_columns
from tests.golden.running import ENVIRONMENT, ROOT

_BIN = Path(sys.executable).parent
_LOCUST = """
import contextlib, sys
from locust import events
from locust.argument_parser import LocustArgumentParser
from locust.main import main
sys.argv = ["locust", "-f", "bench/locustfile.py", "--list"]
with contextlib.suppress(SystemExit):
    main()
own = LocustArgumentParser(prog="locust -f bench/locustfile.py", add_help=False)
events.init_command_line_parser.fire(parser=own)
print(own.format_help())
"""


def describe_commands() -> str:
    """Return what each command has to work with today."""
    parts = (_playbooks, _plays, _scenarios, _locust, _host_tests)
    with ThreadPoolExecutor(2) as pool:
        return "\n".join(pool.map(lambda part: part(), parts))


def _run(*command: str) -> str:
    environment = {**ENVIRONMENT, "PATH": f"{_BIN}:{ENVIRONMENT['PATH']}", "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg")}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, f"{' '.join(command)}: exit status {done.returncode}\n{done.stdout}{done.stderr}"
    return done.stdout


def _lines(command: str, lines: list[str]) -> str:
    return "\n".join([f"# {command}", *lines]) + "\n"


def _playbooks() -> str:
    names = sorted(file.relative_to(ROOT).as_posix() for file in ROOT.glob("playbooks/*.yml"))
    inventories = sorted(file.parent.relative_to(ROOT).as_posix() for file in ROOT.glob("inventories/*/hosts.yml"))
    return _lines("playbooks and inventories", ["site.yml", *names, *inventories])


def _plays() -> str:
    """Which groups `site.yml` addresses, and its tags; how many plays a group has, and their names, is no contract."""
    command = "ansible-playbook site.yml -i inventories/prod"
    listed = _run(str(_BIN / "ansible-playbook"), *command.split()[1:], "--list-tags")
    hosts = [f"play on {hosts}" for hosts in sorted(set(re.findall(r"play #\d+ \(([^)]*)\)", listed)))]
    tags = {tag for found in re.findall(r"TASK TAGS: \[([^]]*)\]", listed) for tag in found.split(", ")}
    return _lines(command, [*hosts, *(f"tag {tag}" for tag in sorted(tags))])


def _scenarios() -> str:
    """Every scenario that `molecule test -s` takes."""
    files = sorted(ROOT.glob("molecule/*/molecule.yml"))
    assert all(yaml.safe_load(file.read_text()) for file in files)
    return _lines("molecule test -s ROLE", [file.parent.name for file in files])


def _locust() -> str:
    """List the locustfile's users, as Locust lists them, and the options added by the file."""
    printed = _run(sys.executable, "-c", _LOCUST)
    return _lines("locust -f bench/locustfile.py", without_columns(printed).splitlines())


def _host_tests() -> str:
    """List the modules of host tests with the groups of each, by a command line accepted by pytest."""
    command = "pytest tests/hosts --ansible-inventory inventories/prod --hosts ansible://all"
    parser = Parser(_ispytest=True)
    testinfra.plugin.pytest_addoption(parser)
    taken = parser.parse(command.split()[1:])
    assert (taken.file_or_dir, taken.ansible_inventory, taken.hosts) == (
        ["tests/hosts"],
        "inventories/prod",
        "ansible://all",
    )
    modules = {file.name: file.read_text() for file in sorted(ROOT.glob("tests/hosts/test_*.py"))}
    named = {name: re.search(r"^GROUPS? = (.*)$", text, re.MULTILINE) for name, text in modules.items()}
    groups = {name: ", ".join(re.findall(r"\w+", match[1])) if match else "every host" for name, match in named.items()}
    lines = [f"tests/hosts/{name}: {group}" for name, group in groups.items()]
    return _lines(command, lines)
