"""The samples of one process or several end up in one file, which is complete or says that it is not."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from bench.load.recorder import Messenger, Recorder, SampleFile
from bench.samples import read_samples
from tests.unit.bench.records import hit

if TYPE_CHECKING:
    from pathlib import Path


@dataclass
class Wire:
    """Carries messages to a file at once, as Locust does from a worker to its master."""

    file: SampleFile
    types: list[str] = field(default_factory=list)

    def send(self, kind: str, data: dict[str, Any]) -> None:
        """Carry one."""
        self.types.append(kind)
        self.file.receive(msg=SimpleNamespace(type=kind, data=data))


def test_one_process_writes_its_samples_and_its_account(tmp_path: Path) -> None:
    """The account is the last line and is written once."""
    recorder = Recorder(SampleFile(tmp_path / "s.jsonl"))
    recorder.planned = recorder.sent = 2
    recorder.add(hit())
    recorder.add(hit())
    recorder.close()
    recorder.close()
    samples, end = read_samples(tmp_path / "s.jsonl")
    assert len(samples) == 2
    assert end is not None
    assert (end.planned, end.sent, end.dropped, end.processes) == (2, 2, 0, 1)


def test_the_samples_of_all_workers_end_up_in_one_file(tmp_path: Path) -> None:
    """The account counts all of them; the busiest process is the one that can have been the bottleneck."""
    ended: list[bool] = []
    file = SampleFile(tmp_path / "s.jsonl", 2, lambda: ended.append(True))
    for sent in (3, 4):
        assert not ended
        recorder = Recorder(Messenger(Wire(file).send))
        recorder.planned = recorder.sent = sent
        for _ in range(sent):
            recorder.add(hit())
        recorder.close()
    samples, end = read_samples(tmp_path / "s.jsonl")
    assert ended == [True]
    assert len(samples) == 7
    assert end is not None
    assert (end.planned, end.sent, end.processes) == (7, 7, 2)


def test_a_worker_that_never_ends_leaves_the_file_without_an_account(tmp_path: Path) -> None:
    """So the evidence says that the phase did not reach its end."""
    file = SampleFile(tmp_path / "s.jsonl", 2)
    recorder = Recorder(Messenger(Wire(file).send))
    recorder.add(hit())
    recorder.close()
    file.close()
    samples, end = read_samples(tmp_path / "s.jsonl")
    assert (len(samples), end) == (1, None)


def test_a_file_that_cannot_be_written_is_an_error_before_anything_is_sent(tmp_path: Path) -> None:
    """Not after the load was made."""
    with pytest.raises(OSError, match="No such file"):
        SampleFile(tmp_path / "nowhere" / "s.jsonl")
