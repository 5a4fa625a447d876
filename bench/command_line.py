"""What the command lines of `bench` and of the programs built on it share."""

from __future__ import annotations

import argparse
import itertools
import signal
import sys
import traceback
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from rich.console import Console

from bench.errors import BenchError, UsageError, folder_error

if TYPE_CHECKING:
    from collections.abc import Callable

INTERRUPTED = 130
STATUSES = """\
Exit status: 0 PASS, 1 FAIL, 2 INCONCLUSIVE, 3 INVALID or not comparable; 64 wrong usage, 65 malformed file,
69 target not reachable or not ready, 70 the harness or Locust failed, 74 the files cannot be written (disk full),
77 the API key is refused, 130 interrupted. Whatever ends a run, the phases before it are kept and marked as partial.
"""


class Parser(argparse.ArgumentParser):
    """Ends with 64 on wrong usage, because argparse's 2 means INCONCLUSIVE here."""

    def error(self, message: str) -> NoReturn:
        """Print the usage and the error, and exit."""
        self.print_usage(sys.stderr)
        self.exit(UsageError.exit_status, f"{self.prog}: {message}\n")


def run_program(name: str, act: Callable[[Console], int]) -> int:
    """Run a command to its exit status; an error becomes one line on stderr.

    Args:
        name: The program's, before the text of an error.
        act: The command; it is given the console and returns the exit status.
    """
    try:
        # A job runner stops with SIGTERM; that ends a run as orderly as Ctrl-C does.
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        # Texts are shown as they are: a model or a provider may be called something that rich takes for markup.
        return act(Console(markup=False, emoji=False))
    except BenchError as error:
        print(f"{name}: {error}", file=sys.stderr)  # noqa: T201 - the program's own error line
        return error.exit_status
    except Exception:  # noqa: BLE001 - a mistake of the harness must not end with the status of a FAIL
        traceback.print_exc()
        return BenchError.exit_status
    except KeyboardInterrupt:
        print(f"{name}: interrupted before anything was measured", file=sys.stderr)  # noqa: T201 - as above
        return INTERRUPTED


def new_folder(kind: str, parent: Path = Path("reports")) -> Path:
    """Make a folder for the files of a measurement, named by its kind and the time, of its own for each measurement.

    Args:
        kind: The command.
        parent: Where it is made.

    Raises:
        BenchError: It cannot be made.
    """
    name = f"{kind}-{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
    for number in itertools.count(1):
        folder = parent / (name if number == 1 else f"{name}-{number}")
        try:
            folder.mkdir(parents=True)
        except FileExistsError:
            continue  # Another one began in the same second.
        except OSError as error:
            raise folder_error(folder, error) from error
        return folder
    raise AssertionError
