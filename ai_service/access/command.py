"""`python -m ai_service hash-key`: makes a key, or takes one, and writes the line that stands for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ai_service.access.keys import hash_key, new_key

if TYPE_CHECKING:
    import argparse
    from typing import TextIO

EX_USAGE = 64
"""sysexits.h: the command was used wrongly."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments to the parser."""
    parser.add_argument("name", help="whose key it is: letters, digits, '.', '_' and '-'")
    parser.add_argument("--rate", default="", help="how often it may ask, such as 600/minute; default: no limit")
    parser.add_argument(
        "--budget", default="", help="tokens a day computed for it, such as 100000tokens/day; default: no limit"
    )
    parser.add_argument("--admin", action="store_true", help="it opens the administrator's routes too")
    parser.add_argument("--stdin", action="store_true", help="hash the key on standard input instead of making one")


def run(arguments: argparse.Namespace, stdin: TextIO, stdout: TextIO, stderr: TextIO) -> int:
    """Write the line for the key file to standard output, a new key to standard error: `>>` then keeps only the line.

    Returns:
        The exit status: 64 where an argument or the key is wrong.
    """
    key = stdin.readline().strip() if arguments.stdin else new_key()
    try:
        limits = {"rate": arguments.rate, "budget": arguments.budget}
        line = hash_key(arguments.name, key, **limits, admin=arguments.admin).line()
    except ValueError as error:
        stderr.write(f"hash-key: {error}\n")
        return EX_USAGE
    stdout.write(f"{line}\n")
    if not arguments.stdin:
        stderr.write(f"The key, shown only now: {key}\n")
    return 0
