"""What can go wrong, each with its exit status and with what to do about it.

CliError                       1: something is not as it should be
├── UnknownNameError          64: there is no such model, component or task
├── ConfirmationMissingError  64: what asks first was neither answered on a terminal nor by --yes
├── NotReachableError         69: the API, Ollama or Docker does not answer
├── BusyError                 75: the API answers, and has no capacity now; later it may
└── NotPermittedError         77: somebody else has to run it (root, or a member of the group docker)
"""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


class CliError(Exception):
    """Shown in a sentence, without a traceback.

    Attributes:
        status: Exit status, of sysexits.h where it has one.
        hint: What to do about it; "" where there is nothing to say.
    """

    status = 1

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class UnknownNameError(CliError):
    """A name that stands for nothing here; says which ones would be right."""

    status = 64

    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        names = sorted(known)
        close = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
        hint = f"Did you mean {close[0]}?" if close else f"Known: {', '.join(names) or 'none'}."
        super().__init__(f"Unknown {kind}: {name}.", hint=hint)


class ConfirmationMissingError(CliError):
    """What asks for a confirmation was started where nobody can be asked."""

    status = 64


class NotReachableError(CliError):
    """A service does not respond."""

    status = 69


class BusyError(CliError):
    """The API refuses for now: over a rate, a full queue, every provider out."""

    status = 75


class NotPermittedError(CliError):
    """This user lacks the permission."""

    status = 77
