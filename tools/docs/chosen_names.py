"""The names on the command line of a tool that makes some of several documents, or all of them."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


def chosen_names(
    arguments: Sequence[str], known: Iterable[str], *, program: str, kind: str, about: str | None
) -> list[str]:
    """Return the names that are asked for, all without one; a wrong one ends the program.

    Args:
        arguments: Of the command line.
        known: The names that there are, in order.
        program: As it is called, for its help.
        kind: What is made, in one word.
        about: What the tool does, for its help.
    """
    every = list(known)
    parser = argparse.ArgumentParser(prog=program, description=about)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(every)}")
    names: list[str] = parser.parse_args(arguments).names
    if unknown := set(names) - set(every):
        parser.error(f"no such {kind}: {', '.join(sorted(unknown))}; expected some of {', '.join(every)}")
    return names or every
