"""The load, as Locust users: ``locust -f bench/locustfile.py --host URL``, or under ``python -m bench run``.

Alone it is an ordinary locustfile (web page, headless, several processes): users ask in a closed loop for a small set
of requests, so for cached answers; ``--workload`` says what else they ask. With ``--rate`` or ``--stages`` the users of
a process become one open-loop source: each request is its own greenlet, started when it is due whether or not earlier
ones were answered, and its latency counts from when it was due. Several processes (``--processes 4``, or a master and
workers) share one schedule, so the rate is that of all together.

Locust's own percentiles are rounded and mix failures in, so they are for the eye only; ``--samples FILE`` writes the
raw ones of all processes.
"""

from __future__ import annotations

import gc
import logging
import os
import secrets
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import gevent  # type: ignore[import-untyped] # has none
from locust import User, events, task
from locust.exception import StopUser
from locust.runners import MasterRunner, WorkerRunner

# Locust puts this file's folder on the path; the package is one level up.
sys.path.append(str(Path(__file__).resolve().parent.parent))

from bench.capacity import processes
from bench.errors import GeneratorError, UsageError
from bench.load.client import Client
from bench.load.options import add_options, schedule_of
from bench.load.proxies import describe_unused_proxies
from bench.load.recorder import END_MESSAGE, FLUSH_SECONDS, SAMPLES_MESSAGE, Messenger, SampleFile
from bench.load.source import Source
from bench.tls import Trust

if TYPE_CHECKING:
    import argparse

    from locust.env import Environment

    from bench.samples import Sample

_log = logging.getLogger("bench")

events.init_command_line_parser.add_listener(add_options)  # type: ignore[no-untyped-call] # Locust has no type here


@events.init.add_listener  # type: ignore[untyped-decorator] # as above
def prepare(environment: Environment, **_: object) -> None:
    """Refuse a wrong URL; let every process have a user, at once where that is its source; end with the harness."""
    options = _options(environment)
    if environment.host:
        try:
            Client(environment.host, 1, {}, Trust(options.ca_file))
        except ValueError as error:
            raise SystemExit(f"--host {error}") from error
        except UsageError as error:
            raise SystemExit(str(error)) from error
    options.num_users = max(options.num_users or 1, options.expect_workers)
    if schedule_of(options) is not None:
        options.spawn_rate = options.num_users
    if options.owner:
        # Locust's own workers are children of its master; they end with it.
        owner = os.getppid() if isinstance(environment.runner, WorkerRunner) else options.owner
        gevent.spawn(_watch, owner)
    elif told := describe_unused_proxies():
        _log.warning(told)


@events.test_start.add_listener  # type: ignore[untyped-decorator] # as above
def start(environment: Environment, **_: object) -> None:
    """Open the samples file, or learn where to send samples; keep what was imported out of the collector's way."""
    options, runner = _options(environment), environment.runner
    part, parts = 0, 1
    if isinstance(runner, WorkerRunner):
        members = options.members.split()
        part, parts = members.index(runner.client_id), len(members)
        sink: SampleFile | Messenger = Messenger(runner.send_message)
    else:
        options.seed = options.seed or secrets.token_hex(8)
        if isinstance(runner, MasterRunner):
            clients = runner.clients
            options.members = " ".join(client.id for client in clients.ready + clients.running + clients.spawning)
            parts = len(options.members.split())
        try:
            sink = SampleFile(Path(options.samples or os.devnull), parts, lambda: _quit(environment))
        except OSError as error:
            raise SystemExit(f"cannot write samples: {error}") from error
        environment.bench_file = sink  # type: ignore[attr-defined] # ours
        if isinstance(runner, MasterRunner):
            runner.register_message(SAMPLES_MESSAGE, sink.receive)
            runner.register_message(END_MESSAGE, sink.receive)
            gevent.spawn(_watch_workers, sink)
            return
    gc.collect()
    gc.freeze()

    def tell(sample: Sample, size: int) -> None:
        environment.events.request.fire(  # type: ignore[no-untyped-call] # as above
            request_type="POST",
            name=sample.task,
            response_time=sample.latency_ns / 1e6,
            response_length=size,
            exception=None if sample.ok else RuntimeError(sample.failure),
            context={},
        )

    source = Source(options, environment.host or "", sink, tell, part=part, parts=parts)
    environment.bench_source = source  # type: ignore[attr-defined] # ours


@events.test_stop.add_listener  # type: ignore[untyped-decorator] # as above
def stop(environment: Environment, **_: object) -> None:
    """Hand on the last samples; close the file, complete or not."""
    if source := getattr(environment, "bench_source", None):
        source.recorder.close()
    if file := getattr(environment, "bench_file", None):
        file.close()


@events.quitting.add_listener  # type: ignore[untyped-decorator] # as above
def end(environment: Environment, **_: object) -> None:
    """Tell the harness by the exit status that somebody stopped this before the phase had ended."""
    file = getattr(environment, "bench_file", None)
    if file is not None and not file.closed and _options(environment).owner:
        environment.process_exit_code = GeneratorError.exit_status


class Visitor(User):
    """Somebody who cooks: asks the service's tasks in turn."""

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        self.source: Source = environment.bench_source  # type: ignore[attr-defined] # set by start
        self.source.join()

    @task
    def visit(self) -> None:
        """Ask, until there is nothing more to ask."""
        if not self.source.visit():
            self.source.leave()
            raise StopUser


def _options(environment: Environment) -> argparse.Namespace:
    options: argparse.Namespace | None = environment.parsed_options
    if options is None:
        raise SystemExit("this locustfile is run by the locust command")
    return options


def _watch(owner: int) -> None:
    while os.getppid() == owner:
        gevent.sleep(FLUSH_SECONDS)
    os._exit(1)  # nobody is left to read a sample


def _watch_workers(file: SampleFile) -> None:
    """End with the first worker of this machine that is gone before the phase has ended: its samples never come."""
    workers = processes.tree(os.getpid())[1:]
    while not file.closed:
        if len(processes.tree(os.getpid())) <= len(workers):
            os._exit(GeneratorError.exit_status)
        gevent.sleep(FLUSH_SECONDS)


def _quit(environment: Environment) -> None:
    if _options(environment).headless and environment.runner is not None:
        # In a greenlet of its own, because quitting kills the users, so also the greenlet that is here.
        gevent.spawn(environment.runner.quit)
