"""`python -m ai_service`: serves on a Unix socket behind an edge, or on a port by itself."""

from __future__ import annotations

import argparse
import logging
import os
import sys

from ai_service import __version__
from ai_service.access import command as hash_key
from ai_service.config.environment import PREFIX
from ai_service.config.settings import Settings, settings_warnings
from ai_service.errors import ConfigurationError, ListenError
from ai_service.observability import structured_log

EX_CONFIG = 78
"""sysexits.h: something is wrong with the configuration. Units name it in RestartPreventExitStatus."""


def main(argv: list[str] | None = None) -> int:
    """Run the program.

    Returns:
        Its exit status: 0 after SIGTERM or SIGINT, 78 where the settings are wrong, 1 where the socket cannot be bound,
        64 where a command is used wrongly.
    """
    parser = argparse.ArgumentParser(prog="python -m ai_service", description="The Alchemorsel AI service.")
    parser.add_argument("--check", action="store_true", help="read the settings, say what is wrong with them, and end")
    parser.add_argument("--check-redis", action="store_true", help="the same, and say what the Redis server lacks")
    parser.add_argument("--version", action="version", version=__version__)
    parser.add_argument("--workers", metavar="N", help="always 1: one process is one worker; more are more instances")
    commands = parser.add_subparsers(dest="command", title="commands", metavar="")
    hash_key.add_arguments(commands.add_parser("hash-key", help="make an API key and the line of the file for it"))
    arguments = parser.parse_args(argv)
    if arguments.command == "hash-key":
        return hash_key.run(arguments, sys.stdin, sys.stdout, sys.stderr)
    chosen = {} if arguments.workers is None else {f"{PREFIX}WORKERS": arguments.workers}
    try:
        settings = Settings.from_env({**os.environ, **chosen})
    except ConfigurationError as error:
        sys.stderr.write(f"{error}\n")
        return EX_CONFIG
    if arguments.check_redis and settings.redis_url:
        from ai_service.cache.redis_check import redis_problems  # noqa: PLC0415 - --check and hash-key do without

        problems = redis_problems(
            settings.redis_url, settings.redis_username, settings.redis_password, settings.redis_ca
        )
        if problems:
            sys.stderr.write(f"Redis at {settings.redis_url} is not fit for the cache:\n")
            sys.stderr.writelines(f"  {problem}\n" for problem in problems)
            return EX_CONFIG
    if arguments.check or arguments.check_redis:
        return 0
    structured_log.configure(settings.log_level)
    for warning in settings_warnings(settings, os.environ):
        logging.getLogger("ai_service").warning(warning)
    from ai_service.app import create_app  # noqa: PLC0415 - --check and hash-key do without
    from ai_service.process.server import serve  # noqa: PLC0415 - the same

    try:
        serve(lambda: create_app(settings), settings.socket, settings.host, settings.port, drain_s=settings.deadline)
    except ListenError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
