"""The lab's command: `python -m lab up | down | status | host | parts | base-images | scenarios | demo`."""

from __future__ import annotations

import argparse
import re
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import yaml
from docker.errors import DockerException

from lab import demo, engine, hosts, images, lifecycle, mirror
from lab.errors import LabError
from lab.packages import ensure_program
from lab.paths import SSH_CONFIG
from lab.progress import console, step
from lab.scenarios import matrix
from lab.scenarios.runner import Runner, table

if TYPE_CHECKING:
    from lab.scenarios.runner import Result

_HOST_NAME = re.compile(r"[a-z][a-z0-9-]{0,30}")


def main(argv: list[str] | None = None) -> int:
    """Run one command; returns the exit status (0 done, 1 failed with a message, 2 wrong usage)."""
    arguments = _parser().parse_args(argv)
    try:
        arguments.act(arguments)
    except (LabError, DockerException) as error:
        console.print(f"[red]✗[/] {error}", markup=True)
        return 1
    except KeyboardInterrupt:
        console.print(f"[yellow]interrupted[/]: {arguments.again}", markup=True)
        return 130
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m lab", description=__doc__)
    parser.set_defaults(again="run the same command again, it goes on from here")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    up = commands.add_parser("up", help="bring up engine, images, mirror and hosts")
    up.add_argument("--host", action="append", type=_host, metavar="NAME:SUITE", help="default: lab1:bookworm")
    up.add_argument("--no-hosts", action="store_true", help="engine, images and mirror only")
    up.set_defaults(act=_up)
    down = commands.add_parser("down", help="stop and remove everything that runs; caches stay")
    down.add_argument("--purge", action="store_true", help="remove images and the mirror's content too")
    down.set_defaults(act=_down)
    parts = commands.add_parser("parts", help="what tests without hosts need: Ollama, llama.cpp, their models, Redis")
    parts.set_defaults(act=_parts)
    bases = commands.add_parser("base-images", help="what compose.yaml takes from a registry, into the mirror")
    bases.set_defaults(act=_base_images)
    stack = commands.add_parser(
        "stack-images", help="images of the Swarm's stack, into the mirror; as variables into FILE"
    )
    stack.add_argument("file", type=Path, metavar="FILE")
    stack.set_defaults(act=_stack_images)
    whole = commands.add_parser("demo", help="lab, site.yml, benchmark, and what came of it")
    whole.set_defaults(act=_demo)
    one = commands.add_parser("scenario", help="run one molecule scenario and show its output")
    one.add_argument("job", metavar="SCENARIO[:RELEASE]")
    one.set_defaults(act=_scenario)
    many = commands.add_parser("scenarios", help="run molecule scenarios one after the other; without options all")
    many.add_argument("--only", type=_words, default=[], metavar="NAME,...", help="these scenarios")
    many.add_argument("--suites", type=_words, default=[], metavar="NAME,...", help="on these releases")
    many.set_defaults(act=_scenarios, again="`make scenarios ONLY=NAME,...` runs what is missing")
    commands.add_parser("status", help="what runs, and how to reach it").set_defaults(act=_status)
    host = commands.add_parser("host", help="add, restart or remove a bare host").add_subparsers(required=True)
    add = host.add_parser("add", help="start a bare host (made anew where it stopped)")
    add.add_argument("host", type=_host, metavar="NAME:SUITE")
    add.add_argument("--isolated", action="store_true", help="it reaches nothing; this machine reaches it by SSH")
    add.set_defaults(act=_add_host)
    restart = host.add_parser("restart", help="restart a host, as after a loss of power")
    restart.add_argument("name")
    restart.set_defaults(act=_restart_host)
    remove = host.add_parser("remove", help="remove a host and all that is on it")
    remove.add_argument("name")
    remove.set_defaults(act=_remove_host)
    return parser


def _host(text: str) -> tuple[str, str]:
    name, _, suite = text.partition(":")
    suite = suite or images.SUITES[0]
    if not _HOST_NAME.fullmatch(name):
        raise argparse.ArgumentTypeError(f"{name!r}: a host name has lower-case letters, digits and dashes")
    if suite not in images.SUITES:
        raise argparse.ArgumentTypeError(f"{suite!r}: the lab has {' and '.join(images.SUITES)}")
    return name, suite


def _words(text: str) -> list[str]:
    return text.replace(",", " ").split()


def _up(arguments: argparse.Namespace) -> None:
    lifecycle.bring_up([] if arguments.no_hosts else arguments.host or [lifecycle.DEFAULT_HOST])
    _status(arguments)


def _parts(_arguments: argparse.Namespace) -> None:
    lifecycle.prepare_ollama()
    lifecycle.prepare_llamacpp()
    with step("Redis server program"):
        ensure_program("redis-server", "redis-server", units=("redis-server.service",))


def _base_images(_arguments: argparse.Namespace) -> None:
    mirror.ensure_base_images(engine.ensure())


def _stack_images(arguments: argparse.Namespace) -> None:
    arguments.file.write_text(yaml.safe_dump(mirror.ensure_stack_images(engine.ensure())))


def _down(arguments: argparse.Namespace) -> None:
    lifecycle.take_down(purge=arguments.purge)


def _demo(_arguments: argparse.Namespace) -> None:
    demo.run()


def _scenario(arguments: argparse.Namespace) -> None:
    job = matrix.parse(arguments.job)
    result = _runner().run_one(job, _echo)
    console.print(table([result]))
    _judge([result])


def _echo(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _scenarios(arguments: argparse.Namespace) -> None:
    _judge(_runner().run(matrix.select(arguments.only, arguments.suites)))


def _runner() -> Runner:
    # Who ends this with SIGTERM wants the scenario ended too, as with Ctrl-C.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    return Runner()


def _judge(results: list[Result]) -> None:
    failed = [str(result.job) for result in results if result.fault]
    if failed:
        raise LabError(f"{len(failed)} of {len(results)} did not pass: {', '.join(failed)}")


def _status(_arguments: argparse.Namespace) -> None:
    client = engine.connect()
    if client is None:
        console.print("the lab is down: no Docker Engine answers. `make lab-up` brings it up")
        return
    for container in hosts.running(client):
        console.print(f"{container.name}: {container.status}, {hosts.address(container)}")
    console.print(f"ssh -F {SSH_CONFIG.relative_to(SSH_CONFIG.parents[2])} <host>", style="dim")


def _add_host(arguments: argparse.Namespace) -> None:
    name, suite = arguments.host
    hosts.ensure(engine.ensure(), name, suite, is_isolated=arguments.isolated)


def _restart_host(arguments: argparse.Namespace) -> None:
    hosts.restart(engine.ensure(), arguments.name)


def _remove_host(arguments: argparse.Namespace) -> None:
    client = engine.connect()
    if client is not None and hosts.remove(client, arguments.name):
        console.print(f"host {arguments.name} removed")


if __name__ == "__main__":
    sys.exit(main())
