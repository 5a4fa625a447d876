"""Add up the metrics of a host's instances: prometheus-client's multiprocess mode, in a directory that they share."""

from __future__ import annotations

import logging
import os
import re
import struct
from typing import TYPE_CHECKING

import msgspec
from prometheus_client import CollectorRegistry, values
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from prometheus_client.registry import Collector

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from prometheus_client import Metric

logger = logging.getLogger(__name__)

KINDS = ("counter", "histogram", "gauge_livesum", "gauge_livemin", "gauge_livemax")
"""An instance has a file for each, which its next process goes on with."""
FILE_BYTES = 512 * 1024
"""Allocated at the start, enough for every label: on a full disk, a write to a hole of a mapped file kills (SIGBUS)."""
_FILE = re.compile(rf"(?:{'|'.join(KINDS)})_[A-Za-z0-9.-]+\.db")
_NAME = re.compile(r"[A-Za-z_:][A-Za-z0-9_:]*")
_read_int = struct.Struct("i").unpack_from
_INT_BYTES = 4
_VALUE_BYTES = 16
_decode_key = msgspec.json.Decoder(tuple[str, str, dict[str, str], str]).decode


class MetricsFolder:
    """The directory.

    Args:
        path: Shared by the instances of one host, and emptied by its restart at the latest.
        instance: Name of this one.
    """

    def __init__(self, path: Path, instance: str) -> None:
        self._path = path
        self._instance = instance
        self._keys: set[bytes] = set()
        self._reported: set[str] = set()

    def open(self) -> bool:
        """Let all metrics that are made from now on live in the directory; False where it cannot be used.

        The gauges of a killed process of the same name are removed, its counters go on.
        """
        try:
            self._path.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.leave()
            for kind in KINDS:
                self._prepare(self._path / f"{kind}_{self._instance}.db")
        except OSError as error:
            logger.error(  # noqa: TRY400 - the metrics of one instance are no reason for a traceback
                "metrics folder %s: %s; /metrics shows this instance alone", self._path, error.strerror
            )
            return False
        # The library looks for this variable when it is imported, and again for each value. Here is the only place
        # that sets it: which class keeps values is said at the same time, so that the order of imports is free.
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(self._path)
        values.ValueClass = values.MultiProcessValue(process_identifier=lambda: self._instance)  # type: ignore[no-untyped-call]
        return True

    def leave(self) -> None:
        """Remove the gauges of this instance, which say how it is now; counters stay."""
        mark_process_dead(self._instance, str(self._path))  # type: ignore[no-untyped-call]

    def sum(self, own: OwnRegistry) -> CollectorRegistry:
        """Add up all instances.

        Args:
            own: The metrics of this one, for the names of those in which nobody has counted anything yet.
        """
        registry = CollectorRegistry()
        registry.register(_Sum(self, own))
        return registry

    def files(self) -> list[str]:
        """List the files that can be read; others are logged once and left alone."""
        try:
            return [str(path) for path in sorted(self._path.iterdir()) if self._is_whole(path)]
        except OSError as error:
            self._report("", error.strerror or str(error))
            return []

    def _prepare(self, path: Path) -> None:
        """Remove a damaged file, and allocate one that is missing or too small."""
        if not self._is_whole(path):
            path.unlink(missing_ok=True)
        with path.open("a+b") as file:
            os.posix_fallocate(file.fileno(), 0, FILE_BYTES)

    def _is_whole(self, path: Path) -> bool:
        try:
            self._check(path)
        except FileNotFoundError:  # Its instance has just left, or just created it.
            return False
        except (OSError, ValueError) as error:
            self._report(path.name, getattr(error, "strerror", None) or str(error))
            return False
        return True

    def _check(self, path: Path) -> None:
        """Check a file as strictly as needed for the library to read it: damage makes it raise, or read for ever.

        Raises:
            OSError: It cannot be read.
            ValueError: It is damaged, or not a file of this service's.
        """
        if not _FILE.fullmatch(path.name):
            raise ValueError("not a file of metrics")
        data = path.read_bytes()
        if not data:
            raise FileNotFoundError
        used = _read_int(data)[0] if len(data) >= _INT_BYTES else -1
        if not 0 <= used <= len(data):
            raise ValueError("damaged")
        at = 8
        while at < used:
            length = _read_int(data, at)[0] if at + _INT_BYTES <= used else -1
            end = at + _INT_BYTES + length + (8 - (length + _INT_BYTES) % 8) + _VALUE_BYTES
            if length < 0 or end > used:
                raise ValueError("damaged")
            key = data[at + _INT_BYTES : at + _INT_BYTES + length]
            if key not in self._keys:
                self._learn(key)
            at = end

    def _learn(self, key: bytes) -> None:
        try:
            metric, sample, labels, _ = _decode_key(key)
            float(labels.get("le", "0"))
        except ValueError:
            raise ValueError("damaged") from None
        if not all(_NAME.fullmatch(name) for name in (metric, sample, *labels)):
            raise ValueError("damaged")
        self._keys.add(key)

    def _report(self, name: str, problem: str) -> None:
        if name not in self._reported:
            self._reported.add(name)
            logger.warning("metrics folder %s: %s left out: %s", self._path, name or "everything", problem)


class OwnRegistry(CollectorRegistry):
    """The metrics of one instance.

    Attributes:
        collectors: In the order in which they were registered.
    """

    def __init__(self) -> None:
        super().__init__()
        self.collectors: list[Collector] = []

    def register(self, collector: Collector) -> None:
        """See CollectorRegistry."""
        super().register(collector)
        self.collectors.append(collector)


class _Sum(Collector):
    """The metrics of all instances; see MetricsFolder.sum."""

    def __init__(self, folder: MetricsFolder, own: OwnRegistry) -> None:
        self._folder = folder
        self._own = own

    def collect(self) -> Iterator[Metric]:
        """See Collector."""
        counted = {metric.name: metric for metric in MultiProcessCollector.merge(self._folder.files())}  # type: ignore[no-untyped-call]
        yield from counted.values()
        for collector in self._own.collectors:
            describe = getattr(collector, "describe", collector.collect)
            if any(family.name not in counted for family in describe()):
                yield from collector.collect()
