"""`python -m ai_service`: serves on its own port, or on the socket that systemd passes."""

from __future__ import annotations

import argparse
import os
import socket
import sys

import uvicorn

from ai_service import __version__, structured_log, systemd
from ai_service.access import command as hash_key
from ai_service.app import create_app
from ai_service.errors import ConfigurationError
from ai_service.settings import Settings

EX_CONFIG = 78
"""sysexits.h: something is wrong with the configuration. Units name it in RestartPreventExitStatus."""
BACKLOG = 2048


class Server(uvicorn.Server):
    """Uvicorn, telling systemd when it listens and when it stops.

    Args:
        config: Uvicorn's.
        notify_socket: Where to tell.
    """

    def __init__(self, config: uvicorn.Config, notify_socket: str) -> None:
        super().__init__(config)
        self._notify_socket = notify_socket

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """See uvicorn.Server."""
        await super().startup(sockets)
        systemd.notify(self._notify_socket, "READY=1")

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """See uvicorn.Server."""
        systemd.notify(self._notify_socket, "STOPPING=1")
        await super().shutdown(sockets)


def main(argv: list[str] | None = None) -> int:
    """Runs the program.

    Returns:
        Its exit status: 78 where the settings are wrong, 1 where the port cannot be had, 64 where a command is used
        wrongly.
    """
    parser = argparse.ArgumentParser(prog="python -m ai_service", description="The Alchemorsel AI service.")
    parser.add_argument("--check", action="store_true", help="read the settings, say what is wrong with them, and end")
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(dest="command", title="commands", metavar="")
    hash_key.add_arguments(commands.add_parser("hash-key", help="make an API key and the line of the file for it"))
    arguments = parser.parse_args(argv)
    if arguments.command == "hash-key":
        return hash_key.run(arguments, sys.stdin, sys.stdout, sys.stderr)
    try:
        settings = Settings.from_env(os.environ, pid=os.getpid())
    except ConfigurationError as error:
        sys.stderr.write("The settings are wrong:\n" + "".join(f"  {mistake}\n" for mistake in error.mistakes))
        return EX_CONFIG
    if arguments.check:
        return 0
    structured_log.configure(settings.log_level)
    try:
        sockets = systemd.passed_sockets(settings.listen_fds) or [_listen(settings.host, settings.port)]
    except OSError as error:
        sys.stderr.write(f"Cannot listen on {settings.host}:{settings.port}: {error.strerror or error}\n")
        return 1
    config = uvicorn.Config(
        create_app(settings),
        log_config=None,
        access_log=False,
        proxy_headers=False,  # Nothing here asks where a request came from.
        server_header=False,
        ws="none",
        lifespan="on",
        backlog=BACKLOG,
        timeout_graceful_shutdown=int(settings.deadline) + 1,
    )
    Server(config, settings.notify_socket).run(sockets)
    return 0


def _listen(host: str, port: int) -> socket.socket:
    family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
    except OSError:
        listener.close()
        raise
    return listener


if __name__ == "__main__":
    sys.exit(main())
