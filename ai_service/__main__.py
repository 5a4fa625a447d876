"""`python -m ai_service`: serves on its own port, or on the socket that systemd passes."""

from __future__ import annotations

import argparse
import mmap
import os
import sys
import tempfile
from typing import TYPE_CHECKING

from ai_service import __version__, structured_log, systemd
from ai_service.access import command as hash_key
from ai_service.cache.purge import SHARED_BYTES
from ai_service.errors import ConfigurationError
from ai_service.knobs import PREFIX
from ai_service.listening import listen
from ai_service.settings import Settings

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

EX_CONFIG = 78
"""sysexits.h: something is wrong with the configuration. Units name it in RestartPreventExitStatus."""
GRACE_S = 8.0
"""Beyond the deadline of a request, for connections to become quiet (5 s); systemd's own TimeoutStopSec comes later."""


def main(argv: list[str] | None = None) -> int:
    """Runs the program.

    Returns:
        Its exit status: 78 where the settings are wrong, 1 where the port cannot be had, 64 where a command is used
        wrongly.
    """
    parser = argparse.ArgumentParser(prog="python -m ai_service", description="The Alchemorsel AI service.")
    parser.add_argument("--check", action="store_true", help="read the settings, say what is wrong with them, and end")
    parser.add_argument("--version", action="version", version=__version__)
    parser.add_argument("--workers", metavar="N", help=f"processes that serve; wins over {PREFIX}WORKERS")
    commands = parser.add_subparsers(dest="command", title="commands", metavar="")
    hash_key.add_arguments(commands.add_parser("hash-key", help="make an API key and the line of the file for it"))
    arguments = parser.parse_args(argv)
    if arguments.command == "hash-key":
        return hash_key.run(arguments, sys.stdin, sys.stdout, sys.stderr)
    chosen = {} if arguments.workers is None else {f"{PREFIX}WORKERS": arguments.workers}
    try:
        settings = Settings.from_env({**os.environ, **chosen}, pid=os.getpid())
    except ConfigurationError as error:
        sys.stderr.write(f"{error}\n")
        return EX_CONFIG
    if arguments.check:
        return 0
    structured_log.configure(settings.log_level)
    try:
        sockets = systemd.passed_sockets(settings.listen_fds) or [listen(settings.host, settings.port)]
    except OSError as error:
        sys.stderr.write(f"Cannot listen on {settings.host}:{settings.port}: {error.strerror or error}\n")
        return 1
    return _serve(settings, sockets) if settings.workers == 1 else _supervise(settings, sockets)


def _serve(settings: Settings, sockets: list[socket.socket]) -> int:
    from ai_service.app import create_app  # noqa: PLC0415 - after `_supervise` has said how metrics are kept
    from ai_service.server import serve  # noqa: PLC0415 - the same

    serve(
        create_app(settings),
        sockets,
        drain_s=settings.deadline,
        on_ready=lambda: systemd.notify(settings.notify_socket, "READY=1"),
        on_stopping=lambda: systemd.notify(settings.notify_socket, "STOPPING=1"),
        hands_over=_shares_socket(settings),
    )
    return 0


def _supervise(settings: Settings, sockets: list[socket.socket]) -> int:
    """Serves with several processes, whose metrics meet in a folder of their own.

    The application is imported by each of them, so that nothing made at import, such as a random name, is shared.
    """
    shared = mmap.mmap(-1, SHARED_BYTES)  # Anonymous, and shared by all that are forked from here.

    def work(on_ready: Callable[[], None], life: int) -> None:
        from ai_service.app import create_app  # noqa: PLC0415 - see above
        from ai_service.server import serve  # noqa: PLC0415 - see above

        app = create_app(settings, shared=shared)
        shares = _shares_socket(settings)
        serve(app, sockets, drain_s=settings.deadline, on_ready=on_ready, life=life, hands_over=shares)

    with tempfile.TemporaryDirectory(prefix="alchemorsel-metrics-") as folder:
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = folder  # prometheus_client reads it when it is imported.
        from ai_service.workers import Supervisor  # noqa: PLC0415 - imports prometheus_client

        return Supervisor(
            work,
            count=settings.workers,
            grace_s=settings.deadline + GRACE_S,
            on_ready=lambda: systemd.notify(settings.notify_socket, "READY=1"),
            on_stopping=lambda: systemd.notify(settings.notify_socket, "STOPPING=1"),
        ).run()


def _shares_socket(settings: Settings) -> bool:
    """Whether another instance may serve on the same socket: systemd keeps it, and passes it to both."""
    return settings.listen_fds > 0


if __name__ == "__main__":
    sys.exit(main())
