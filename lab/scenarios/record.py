"""What came of each job's last run: `.lab/scenarios/<scenario>-<release>/`, and the runs that are committed."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from lab.errors import LabError
from lab.paths import LAB, ROOT
from lab.scenarios.matrix import Job
from lab.scenarios.phases import Phase

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

RUNS = LAB / "scenarios"
"""A folder for each job: its last transcript and the record of that run."""

COMMITTED = ROOT / "docs" / "scenario_runs.json"
"""The runs that `docs/roles.md` shows; how long a run takes where this checkout has not seen one."""

PASSED = "passed"
FAILED = "failed"
TIMED_OUT = "timed out"
INTERRUPTED = "interrupted"


@dataclass(frozen=True)
class Run:
    """One run of a scenario on a release."""

    scenario: str
    suite: str
    result: str
    """PASSED, FAILED, TIMED_OUT or INTERRUPTED."""

    begun: str
    """ISO 8601, UTC."""

    seconds: float
    revision: str
    is_clean: bool
    """Whether the files, documents aside, were those of the revision, from the first second to the last."""

    fingerprint: str
    """Of the files; empty where they changed while the scenario ran."""

    cpus: int
    """CPUs of the machine that the lab ran on."""

    phases: tuple[Phase, ...]

    @property
    def job(self) -> Job:
        """What was run."""
        return Job(self.scenario, self.suite)

    def to_json(self) -> dict[str, Any]:
        """For a file; what a phase has nothing of is left out."""
        phases = [{name: value for name, value in asdict(phase).items() if value} for phase in self.phases]
        return asdict(self) | {"phases": phases}

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> Run:
        """The opposite of `to_json`.

        Raises:
            TypeError, KeyError: it is none.
        """
        return cls(**document | {"phases": tuple(Phase(**phase) for phase in document["phases"])})


class Records:
    """The last run of each job, in a folder."""

    def __init__(self, folder: Path = RUNS, committed: Path = COMMITTED) -> None:
        self._folder = folder
        self.committed = committed

    def transcript(self, job: Job) -> Path:
        """Where a run's output goes."""
        return self._folder / f"{job.scenario}-{job.suite}" / "transcript.txt"

    def write(self, run: Run) -> None:
        """Keep a run; it replaces the job's last one."""
        file = self._file(run.job)
        file.parent.mkdir(parents=True, exist_ok=True)
        building = file.with_suffix(".new")
        building.write_text(json.dumps(run.to_json(), indent=1) + "\n")
        building.replace(file)

    def last(self, job: Job) -> Run | None:
        """The job's last run in this checkout.

        Raises:
            LabError: the record cannot be read.
        """
        file = self._file(job)
        return read([file])[0] if file.exists() else None

    def all(self) -> list[Run]:
        """Every job's last run in this checkout.

        Raises:
            LabError: a record cannot be read.
        """
        return read(sorted(self._folder.glob("*/run.json")))

    def expected_seconds(self, job: Job) -> float | None:
        """How long the job's last good run took, here or else in the committed record; None where there is none."""
        last = self.last(job)
        known = [last] if last else []
        known += read_many(self.committed) if self.committed.exists() else []
        return next((run.seconds for run in known if run.job == job and run.result == PASSED), None)

    def _file(self, job: Job) -> Path:
        return self.transcript(job).with_name("run.json")


def read(files: Iterable[Path]) -> list[Run]:
    """Runs, of a file each.

    Raises:
        LabError: a file holds no run.
    """
    return [_parse(file, json_of(file)) for file in files]


def read_many(file: Path) -> list[Run]:
    """Runs that one file lists.

    Raises:
        LabError: it holds something else.
    """
    return [_parse(file, document) for document in json_of(file)]


def json_of(file: Path) -> Any:
    """A file's JSON.

    Raises:
        LabError: it is none.
    """
    try:
        return json.loads(file.read_text())
    except ValueError as error:
        raise LabError(f"{file}: not JSON ({error}); remove the file") from error


def _parse(file: Path, document: Any) -> Run:
    try:
        return Run.from_json(document)
    except (TypeError, KeyError) as error:
        raise LabError(f"{file}: not the record of a run ({error}); remove the file") from error
