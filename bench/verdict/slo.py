"""Reading ``slo.yml``: what each profile sends, and the bounds it holds the service to."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from bench.errors import UsageError
from bench.load.arrivals import PROCESSES, Stage, parse_stages
from bench.load.plan import ClosedLoop, Herds, Load, OpenLoop, Phase
from bench.load.request_mix import ALL_TASKS
from bench.load.workload import TASKS
from bench.verdict.thresholds import Threshold, ThresholdSyntaxError, parse_threshold
from bench.verdict.yaml_nodes import NodeReader

if TYPE_CHECKING:
    from collections.abc import Iterator

DEFAULT_PATH = Path(__file__).parent.with_name("slo.yml")

_REQUIRED = ("description", "hardware", "uncached", "cached", "generator")
_OPTIONAL = ("mixed", "zipf", "herd", "stream", "cold", "gate", "show")
_OPEN_LOOP = ("rate", "seconds", "stages", "warmup_seconds", "arrivals")


@dataclass(frozen=True, slots=True)
class Profile:
    """One named set of load and bounds.

    Attributes:
        name: The profile's name.
        description: What it is for, in a sentence.
        hardware: The hardware its gated bounds are meant for.
        load: What it sends.
        thresholds: Its bounds, in the order of the file; gated ones first.
    """

    name: str
    description: str
    hardware: str
    load: Load
    thresholds: tuple[Threshold, ...]


def load_profile(name: str, path: Path = DEFAULT_PATH) -> Profile:
    """Read one profile of an SLO file; the others are checked too.

    Args:
        name: The profile's name.
        path: The file.

    Raises:
        FileFormatError: The file is malformed.
        UsageError: The file cannot be read or has no such profile.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise UsageError(f"cannot read the SLO file {path}: {error.strerror}") from error
    profiles = _Reader(path.name).profiles(text)
    if name not in profiles:
        raise UsageError(f"no profile {name!r} in {path.name}; it has {', '.join(profiles)}")
    return profiles[name]


class _Reader(NodeReader):
    """Reads an SLO file."""

    def profiles(self, text: str) -> dict[str, Profile]:
        top = self.fields(self.root(text), ("profiles",))
        return {key.value: self._profile(key.value, value) for key, value in self.pairs(top["profiles"])}

    def _profile(self, name: str, node: yaml.Node) -> Profile:
        fields = self.fields(node, _REQUIRED, _OPTIONAL)
        gated, shown = (
            list(self._thresholds(fields[section], gated=section == "gate")) if section in fields else []
            for section in ("gate", "show")
        )
        return Profile(
            name=name,
            description=self.text(fields["description"]),
            hardware=self.text(fields["hardware"]),
            load=self._load(fields),
            thresholds=(*gated, *shown),
        )

    def _load(self, fields: dict[str, yaml.Node]) -> Load:
        uncached = self.fields(fields["uncached"], ("samples", "max_seconds"))
        generator = self.fields(fields["generator"], ("max_lag_p99_ms",))
        more = {"mixed": self._mixed, "zipf": self._zipf, "herd": self._herd, "stream": self._few, "cold": self._few}
        return Load(
            uncached=ClosedLoop(self.count(uncached["samples"], "samples"), self.number(uncached["max_seconds"])),
            cached=self._open_loop(self.fields(fields["cached"], (), _OPEN_LOOP), fields["cached"]),
            max_lag_p99_ms=self.number(generator["max_lag_p99_ms"]),
            more=tuple(read(name, fields[name]) for name, read in more.items() if name in fields),
        )

    def _open_loop(self, fields: dict[str, yaml.Node], node: yaml.Node) -> OpenLoop:
        """Read ``rate`` and ``seconds``, or ``stages``; perhaps ``warmup_seconds`` and ``arrivals``."""
        if "stages" in fields:
            if also := [name for name in ("rate", "seconds") if name in fields]:
                self.fail(fields[also[0]], f"{also[0]} is said by the stages already")
            try:
                stages = parse_stages(self.text(fields["stages"]))
            except ValueError as error:
                self.fail(fields["stages"], str(error))
        else:
            if missing := [name for name in ("rate", "seconds") if name not in fields]:
                self.fail(node, f"missing {', '.join(missing)} (or stages)")
            rate = self.number(fields["rate"])
            stages = (Stage(self.number(fields["seconds"]), rate, rate),)
        process = self.choice(fields["arrivals"], PROCESSES) if "arrivals" in fields else PROCESSES[0]
        warmup = self.amount(fields["warmup_seconds"]) if "warmup_seconds" in fields else 0.0
        loop = OpenLoop(stages, warmup, process)
        if warmup >= loop.seconds:
            message = f"a warm-up of {warmup:g} s leaves nothing of {loop.seconds:g} s to measure"
            self.fail(fields["warmup_seconds"], message)
        return loop

    def _mixed(self, name: str, node: yaml.Node) -> Phase:
        fields = self.fields(node, ("new_share",), _OPEN_LOOP)
        if (share := self.amount(fields["new_share"])) > 1:
            self.fail(fields["new_share"], f"new_share is a share, 0 to 1, not {share:g}")
        return Phase(name, ALL_TASKS, self._open_loop(fields, node), new_share=share)

    def _zipf(self, name: str, node: yaml.Node) -> Phase:
        fields = self.fields(node, ("task", "catalogue", "exponent"), _OPEN_LOOP)
        if "warmup_seconds" in fields:
            self.fail(fields["warmup_seconds"], "a Zipf mix has no warm-up: it begins with nothing in the cache")
        return Phase(
            name,
            self._task(fields["task"]),
            self._open_loop(fields, node),
            catalogue=self.count(fields["catalogue"], "catalogue"),
            exponent=self.amount(fields["exponent"]),
        )

    def _herd(self, name: str, node: yaml.Node) -> Phase:
        fields = self.fields(node, ("task", "people", "herds", "max_seconds"))
        people, herds = (self.count(fields[key], key) for key in ("people", "herds"))
        return Phase(name, self._task(fields["task"]), Herds(people, herds, self.number(fields["max_seconds"])))

    def _few(self, name: str, node: yaml.Node) -> Phase:
        fields = self.fields(node, ("task", "samples", "max_seconds"))
        loop = ClosedLoop(self.count(fields["samples"], "samples"), self.number(fields["max_seconds"]))
        return Phase(name, self._task(fields["task"]), loop)

    def _task(self, node: yaml.Node) -> str:
        return self.choice(node, tuple(TASKS))

    def _thresholds(self, node: yaml.Node, *, gated: bool) -> Iterator[Threshold]:
        for key, value in self.pairs(node):
            expressions = value.value if isinstance(value, yaml.SequenceNode) else [value]
            for expression in expressions:
                text = self.text(expression)
                try:
                    yield parse_threshold(key.value, text, gated=gated)
                except ThresholdSyntaxError as error:
                    self.fail(key if error.part == "selector" else expression, str(error), error.offset)
