"""`python -m ai_service.web`: serves the page."""

from __future__ import annotations

import argparse
import os
import sys

from ai_service import __version__
from ai_service.__main__ import EX_CONFIG
from ai_service.errors import ConfigurationError, ListenError
from ai_service.observability.structured_log import configure
from ai_service.process.server import serve
from ai_service.web.app import create_app
from ai_service.web.settings import WebSettings

DRAIN_S = 2.0
"""Somebody may be reading a stream; a restart does not wait for its end."""


def main(argv: list[str] | None = None) -> int:
    """Run the program.

    Returns:
        Its exit status: 78 where the settings are wrong, 1 where the socket cannot be bound.
    """
    parser = argparse.ArgumentParser(prog="python -m ai_service.web", description="The web page of the AI service.")
    parser.add_argument("--check", action="store_true", help="read the settings, say what is wrong with them, and end")
    parser.add_argument("--version", action="version", version=__version__)
    arguments = parser.parse_args(argv)
    try:
        settings = WebSettings.from_env(os.environ)
    except ConfigurationError as error:
        sys.stderr.write(f"{error}\n")
        return EX_CONFIG
    if arguments.check:
        return 0
    configure("info")
    try:
        serve(lambda: create_app(settings), settings.socket, settings.host, settings.port, drain_s=DRAIN_S)
    except ListenError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
