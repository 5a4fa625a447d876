"""Faults on a lab site under load: `python -m lab.faults` writes the table of docs/reliability.md."""

from __future__ import annotations

import argparse
import signal
import sys
import time
from typing import TYPE_CHECKING

from docker.errors import DockerException
from rich.markup import escape

from bench.errors import BenchError
from bench.load.generator import Generator
from bench.results import Verdict
from bench.run_folder import RunFolder
from lab.errors import LabError
from lab.faults import catalogue
from lab.faults.document import write_document
from lab.faults.results import REPORTS, ROWS_FILE, load_rows, now, save_rows, write_report
from lab.faults.row import NOT_RUN, Row, judge, not_run
from lab.faults.site import LabSite
from lab.faults.watch import KNOWN, NEW_SHARE, find_notice, phase_of, watch
from lab.progress import console

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lab.faults.fault import Fault

SEED = "faults"
PREPARE_S = 180.0
_MARKS = {"PASS": "[green]✓[/]", "FAIL": "[red]✗[/]", "INVALID": "[yellow]?[/]", NOT_RUN: "[dim]-[/]"}


def run_row(site: LabSite, fault: Fault, new_share: float) -> Row:
    """Try one fault on a whole site, and write its report.

    Args:
        site: The site.
        fault: To be injected.
        new_share: Share of new requests, 0 to 1.

    Raises:
        LabError: The load did not begin.
        BenchError: The load could not be made.
    """
    started_at = now()
    if fault.obstacle:
        return not_run(fault, fault.obstacle, started_at)
    try:
        site.make_ready()
    except LabError as error:
        return not_run(fault, str(error), started_at, Verdict.INVALID)
    if fault.prepare:
        try:
            site.shell(fault.prepare, PREPARE_S)
        except LabError as error:
            return not_run(fault, str(error), started_at)
    path = REPORTS / fault.name
    path.mkdir(parents=True, exist_ok=True)
    phase = phase_of(fault, _row_number(), SEED, new_share)
    folder = RunFolder(path, phase.arrivals.count)
    generator = Generator(site.url, path / "locust.log", ca_file=site.ca_file)
    watched = watch(fault.act(site), fault.during_s, generator, phase, folder.phase_file("samples.jsonl"))
    if watched.obstacle:
        return not_run(fault, watched.obstacle, started_at)
    notice = find_notice(site, fault.noticed, watched.injected_at) if fault.noticed else None
    row = judge(fault, watched, started_at, notice, site.starved(*watched.span_s))
    write_report(folder, site.url, fault, row, watched)
    return row


def _row_number() -> int:
    """Return a number that no row has had, of this run or of an earlier one on the same site."""
    return int(time.time())


def main(argv: Sequence[str] | None = None) -> int:
    """Try faults; returns 0 where every row that ran passed, 1 where one failed, is invalid or could not be tried."""
    parser = argparse.ArgumentParser(prog="python -m lab.faults", description=__doc__)
    parser.add_argument(
        "--only", default="", metavar="LIST", help="comma list of faults (default: all, about 30 minutes)"
    )
    parser.add_argument("--list", action="store_true", help="print the faults, and do nothing")
    parser.add_argument(
        "--again", action="store_true", help="use the site of an earlier run as it is, without site.yml"
    )
    parser.add_argument(
        "--new-share", type=float, default=NEW_SHARE, metavar="SHARE", help=f"of new requests (default: {NEW_SHARE:g})"
    )
    parser.add_argument("--document", action="store_true", help="write docs/reliability.md from the rows that are kept")
    wanted = parser.parse_args(argv)
    # Who ends this with SIGTERM wants the fault healed too, as with Ctrl-C.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    names = [fault.name for fault in catalogue.FAULTS]
    try:
        faults = catalogue.select(wanted.only)
        if wanted.list:
            for fault in faults:
                console.print(f"{fault.name:24}{fault.part}: {fault.title}", markup=False)
            return 0
        if wanted.document:
            write_document(load_rows(ROWS_FILE))
            return 0
        return _run(faults, names, wanted.new_share, is_provisioned=wanted.again)
    except (LabError, BenchError, DockerException) as error:
        console.print(f"[red]✗[/] {error}", markup=True)
        return 1
    except KeyboardInterrupt:
        console.print("[yellow]interrupted[/]: the fault is healed; the rows so far are kept")
        return 130


def _run(faults: Sequence[Fault], names: Sequence[str], new_share: float, *, is_provisioned: bool) -> int:
    begun = time.monotonic()
    site = LabSite(SEED, KNOWN)
    site.provide(is_provisioned=is_provisioned)
    rows: list[Row] = []
    for number, fault in enumerate(faults, start=1):
        console.print(f"[dim]{number}/{len(faults)}[/] {fault.name}: {fault.part} {fault.title}")
        row = run_row(site, fault, new_share)
        if row.verdict == Verdict.INVALID:  # Once more, as the benchmark does with a phase whose load was late.
            console.print(f"{_MARKS[row.verdict]} INVALID, once more: {_reasons(row)}")
            row = run_row(site, fault, new_share)
        rows.append(row)
        write_document(save_rows(ROWS_FILE, [row], names))
        spent = f"{(time.monotonic() - begun) / 60:.1f} min"
        console.print(f"{_MARKS[row.verdict]} {row.verdict} [dim]{spent}[/] {_reasons(row)}")
    return 1 if any(row.verdict not in {"PASS", NOT_RUN} for row in rows) else 0


def _reasons(row: Row) -> str:
    """Return why a row did not pass, as the terminal's markup leaves it."""
    return escape("; ".join(row.reasons))


if __name__ == "__main__":
    sys.exit(main())
