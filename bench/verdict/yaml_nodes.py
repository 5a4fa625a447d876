"""Reading YAML node by node and not as plain dictionaries, because a mistake is reported with its line and column."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

import yaml

from bench.errors import FileFormatError

if TYPE_CHECKING:
    from collections.abc import Sequence


class NodeReader:
    """Reads the nodes of one file.

    Args:
        source: The file's name, for its errors.
    """

    def __init__(self, source: str) -> None:
        self._source = source

    def root(self, text: str) -> yaml.Node:
        """Return the top of the file.

        Raises:
            FileFormatError: It is no YAML, or empty.
        """
        try:
            root = yaml.compose(text, Loader=yaml.SafeLoader)
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark
            line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
            raise FileFormatError(f"not YAML: {error.problem}", self._source, line, column) from error
        if root is None:
            raise FileFormatError("the file is empty; expected a key 'profiles'", self._source, 1, 1)
        return root

    def fields(self, node: yaml.Node, required: Sequence[str], optional: Sequence[str] = ()) -> dict[str, yaml.Node]:
        """Return the values of a mapping that has all required keys, perhaps some optional ones, and no other."""
        known = (*required, *optional)
        fields: dict[str, yaml.Node] = {}
        for key, value in self.pairs(node):
            if key.value not in known:
                self.fail(key, f"unknown key {key.value!r}; expected {', '.join(known)}")
            fields[key.value] = value
        if missing := [name for name in required if name not in fields]:
            self.fail(node, f"missing {', '.join(missing)}")
        return fields

    def pairs(self, node: yaml.Node) -> list[tuple[yaml.ScalarNode, yaml.Node]]:
        """Return the keys and values of a mapping."""
        if not isinstance(node, yaml.MappingNode):
            self.fail(node, "expected 'key: value' lines")
        seen: set[str] = set()
        for key, _value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                self.fail(key, "a key is a plain word")
            if key.value in seen:
                self.fail(key, f"{key.value!r} is there twice")
            seen.add(key.value)
        return list(node.value)

    def number(self, node: yaml.Node) -> float:
        """Return a number above 0."""
        value = self.amount(node, least=None)
        if not value > 0:
            self.fail(node, f"expected a number above 0, not {self.text(node)!r}")
        return value

    def amount(self, node: yaml.Node, least: float | None = 0.0) -> float:
        """Return a number that is not below the least one."""
        try:
            value = float(self.text(node))
        except ValueError:
            value = float("nan")
        if not abs(value) < float("inf") or (least is not None and value < least):
            wanted = "above 0" if least is None else f"of {least:g} or more"
            self.fail(node, f"expected a number {wanted}, not {self.text(node)!r}")
        return value

    def count(self, node: yaml.Node, name: str) -> int:
        """Return a whole number above 0."""
        value = self.number(node)
        if value != int(value):
            self.fail(node, f"{name} is a whole number, not {value}")
        return int(value)

    def choice(self, node: yaml.Node, choices: Sequence[str]) -> str:
        """Return one of several words."""
        if (text := self.text(node)) not in choices:
            self.fail(node, f"expected one of {', '.join(choices)}, not {text!r}")
        return text

    def text(self, node: yaml.Node) -> str:
        """Return a single value as it is written."""
        if not isinstance(node, yaml.ScalarNode):
            self.fail(node, "expected a single value")
        return str(node.value)

    def fail(self, node: yaml.Node, message: str, offset: int = 0) -> NoReturn:
        """Report a mistake at its place.

        Raises:
            FileFormatError: Always.
        """
        mark = node.start_mark
        quoted = isinstance(node, yaml.ScalarNode) and node.style in {"'", '"'}
        raise FileFormatError(message, self._source, mark.line + 1, mark.column + 1 + offset + quoted)
