"""Reading ``slo.yml``: what each profile sends, and the bounds it holds the service to.

The file is read node by node instead of as plain dictionaries, because a mistake is reported with its line and column.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import yaml

from bench.errors import FileFormatError, UsageError
from bench.verdict.thresholds import Threshold, ThresholdSyntaxError, parse_threshold

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

DEFAULT_PATH = Path(__file__).parent.with_name("slo.yml")

_LOAD_FIELDS: Mapping[str, tuple[str, ...]] = {
    "uncached": ("samples", "max_seconds"),
    "cached": ("rate", "seconds", "warmup_seconds"),
    "generator": ("max_lag_p99_ms",),
}


@dataclass(frozen=True, slots=True)
class Load:
    """How much a profile sends.

    Attributes:
        uncached_samples: Requests of the uncached phase of each task, one at a time.
        uncached_max_seconds: No further uncached request is started after this many seconds.
        cached_rate: Arrivals per second of a cached phase.
        cached_seconds: Duration of a cached phase, warm-up included.
        cached_warmup_seconds: Arrivals due in the first so many seconds are warm-up.
        max_lag_p99_ms: The generator's bound: p99 of actual minus intended start, in milliseconds.
    """

    uncached_samples: int
    uncached_max_seconds: float
    cached_rate: float
    cached_seconds: float
    cached_warmup_seconds: float
    max_lag_p99_ms: float


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


class _Reader:
    """Walks the YAML nodes of one file; knows the file's name for its errors."""

    def __init__(self, source: str) -> None:
        self._source = source

    def profiles(self, text: str) -> dict[str, Profile]:
        try:
            root = yaml.compose(text, Loader=yaml.SafeLoader)
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark
            line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
            raise FileFormatError(f"not YAML: {error.problem}", self._source, line, column) from error
        if root is None:
            raise FileFormatError("the file is empty; expected a key 'profiles'", self._source, 1, 1)
        top = self._fields(root, ("profiles",))
        return {key.value: self._profile(key.value, value) for key, value in self._pairs(top["profiles"])}

    def _profile(self, name: str, node: yaml.Node) -> Profile:
        fields = self._fields(node, ("description", "hardware", *_LOAD_FIELDS), optional=("gate", "show"))
        load = {section: self._fields(fields[section], names) for section, names in _LOAD_FIELDS.items()}
        uncached, cached, generator = load["uncached"], load["cached"], load["generator"]
        samples = self._number(uncached["samples"])
        if samples != int(samples):
            self._fail(uncached["samples"], f"samples is a whole number, not {samples}")
        seconds, warmup = self._number(cached["seconds"]), self._number(cached["warmup_seconds"])
        if warmup >= seconds:
            self._fail(
                cached["warmup_seconds"], f"a warm-up of {warmup:g} s leaves nothing of {seconds:g} s to measure"
            )
        gated, shown = (
            list(self._thresholds(fields[section], gated=section == "gate")) if section in fields else []
            for section in ("gate", "show")
        )
        return Profile(
            name=name,
            description=self._text(fields["description"]),
            hardware=self._text(fields["hardware"]),
            load=Load(
                uncached_samples=int(samples),
                uncached_max_seconds=self._number(uncached["max_seconds"]),
                cached_rate=self._number(cached["rate"]),
                cached_seconds=seconds,
                cached_warmup_seconds=warmup,
                max_lag_p99_ms=self._number(generator["max_lag_p99_ms"]),
            ),
            thresholds=(*gated, *shown),
        )

    def _thresholds(self, node: yaml.Node, *, gated: bool) -> Iterator[Threshold]:
        for key, value in self._pairs(node):
            expressions = value.value if isinstance(value, yaml.SequenceNode) else [value]
            for expression in expressions:
                text = self._text(expression)
                try:
                    yield parse_threshold(key.value, text, gated=gated)
                except ThresholdSyntaxError as error:
                    self._fail(key if error.part == "selector" else expression, str(error), error.offset)

    def _fields(
        self, node: yaml.Node, required: tuple[str, ...], optional: tuple[str, ...] = ()
    ) -> dict[str, yaml.Node]:
        known = (*required, *optional)
        fields: dict[str, yaml.Node] = {}
        for key, value in self._pairs(node):
            if key.value not in known:
                self._fail(key, f"unknown key {key.value!r}; expected {', '.join(known)}")
            fields[key.value] = value
        if missing := [name for name in required if name not in fields]:
            self._fail(node, f"missing {', '.join(missing)}")
        return fields

    def _pairs(self, node: yaml.Node) -> list[tuple[yaml.ScalarNode, yaml.Node]]:
        if not isinstance(node, yaml.MappingNode):
            self._fail(node, "expected 'key: value' lines")
        seen: set[str] = set()
        for key, _value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                self._fail(key, "a key is a plain word")
            if key.value in seen:
                self._fail(key, f"{key.value!r} is there twice")
            seen.add(key.value)
        return list(node.value)

    def _number(self, node: yaml.Node) -> float:
        try:
            value = float(self._text(node))
        except ValueError:
            value = 0.0
        if not 0 < value < float("inf"):
            self._fail(node, f"expected a number above 0, not {self._text(node)!r}")
        return value

    def _text(self, node: yaml.Node) -> str:
        if not isinstance(node, yaml.ScalarNode):
            self._fail(node, "expected a single value")
        return str(node.value)

    def _fail(self, node: yaml.Node, message: str, offset: int = 0) -> NoReturn:
        mark = node.start_mark
        quoted = isinstance(node, yaml.ScalarNode) and node.style in {"'", '"'}
        raise FileFormatError(message, self._source, mark.line + 1, mark.column + 1 + offset + quoted)
