"""The exceptions of the harness, each with the exit status it ends the program with.

    BenchError           70  anything the harness could not do
    ├── UsageError       64  wrong argument, unknown profile
    ├── FileFormatError  65  a malformed slo.yml or result file, with the place of the mistake
    ├── TargetError      69  the target cannot be reached or is not ready
    ├── GeneratorError   70  the load generator could not be started, died or never ended
    ├── StorageError     74  the samples or the result cannot be written: a full disk
    ├── RefusedError     77  the target refuses the API key, or wants one
    └── NotComparableError 3 two runs cannot be held against each other: INVALID, or under different load

The numbers are those of sysexits.h; they stay clear of 0 to 3, which are verdicts (see `bench.verdict.verdicts`).
"""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


class BenchError(Exception):
    """Base of every error that the harness reports by message instead of by traceback."""

    exit_status = 70


class UsageError(BenchError):
    """The command line asks for something that does not exist."""

    exit_status = 64


class FileFormatError(BenchError):
    """A file is not what it should be.

    Args:
        message: What is wrong, and what would be right.
        source: Name of the file as the user knows it.
        line: Line of the mistake, counted from 1; 0 where the mistake has no place.
        column: Column of the mistake, counted from 1.
    """

    exit_status = 65

    def __init__(self, message: str, source: str, line: int = 0, column: int = 0) -> None:
        place = f"{source}:{line}:{column}" if line else source
        super().__init__(f"{place}: {message}")
        self.line = line
        self.column = column


class TargetError(BenchError):
    """The service under test does not answer, or says that it is not ready."""

    exit_status = 69


class GeneratorError(BenchError):
    """The load generator failed; no figure of the run can be trusted."""


class StorageError(BenchError):
    """What was measured cannot be written."""

    exit_status = 74


class RefusedError(BenchError):
    """The target wants another API key than the one it was given."""

    exit_status = 77


class NotComparableError(BenchError):
    """Two runs cannot be compared; whatever came out would be INVALID, so the exit status is that verdict's."""

    exit_status = 3


class BrokenServiceError(Exception):
    """The service cannot be measured because it does not work: a FAIL, and no error of the harness."""


def folder_error(folder: Path, error: OSError) -> BenchError:
    """Return the error of a folder that cannot be made: a full disk is no mistake of the command line.

    Args:
        folder: As the user knows it.
        error: Of making it.
    """
    kind = StorageError if error.errno in {errno.ENOSPC, errno.EDQUOT} else UsageError
    return kind(f"cannot make the folder {folder}: {error.strerror}")
