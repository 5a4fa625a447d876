"""Writes each role's README table and the comments of its defaults from its argument specification (`make docs`)."""

from __future__ import annotations

import json
import re
import textwrap
from typing import TYPE_CHECKING, Any

import yaml

from lab.paths import ROOT

if TYPE_CHECKING:
    from pathlib import Path

ROLES = ROOT / "roles"
HEADING = "## Variables\n"


def roles() -> list[Path]:
    """Folders of the roles, by name."""
    return sorted(path.parents[1] for path in ROLES.glob("*/tasks/main.yml"))


def variables_table(role: Path) -> str:
    """One row a variable: name, type, default, meaning."""
    rows = [_row(name, option) for name, option in _options(role).items()]
    return "\n".join(["| Name | Type | Default | Meaning |", "|---|---|---|---|", *rows]) + "\n"


def with_table(role: Path) -> str:
    """Text of a role's README with today's table under its heading.

    Raises:
        ValueError: the README has no section for the table.
    """
    text = (role / "README.md").read_text()
    before, heading, rest = text.partition(HEADING)
    if not heading:
        raise ValueError(f"{role.name}/README.md has no section {HEADING.strip()!r} for the table")
    _, next_heading, after = rest.partition("\n## ")
    return before + heading + variables_table(role) + next_heading + after


def with_comments(role: Path) -> str:
    """Text of a role's defaults with today's comment above each variable."""
    options = _options(role)
    lines: list[str] = []
    for line in (role / "defaults" / "main.yml").read_text().splitlines():
        name = line.partition(":")[0]
        if name in options:
            while lines[-1].startswith("#"):
                lines.pop()
            lines += _comment(options[name])
        lines.append(line)
    return "\n".join(lines) + "\n"


def _options(role: Path) -> dict[str, Any]:
    specs = yaml.safe_load((role / "meta" / "argument_specs.yml").read_text())
    options: dict[str, Any] = specs["argument_specs"]["main"]["options"]
    return options


def _comment(option: dict[str, Any]) -> list[str]:
    choices = [f"`{choice}`" for choice in option.get("choices", [])]
    text = _meaning(option)
    if choices:
        text += f" {'Each is one' if option['type'] == 'list' else 'One'} of {', '.join(choices)}."
    return textwrap.wrap(
        text,
        width=120,
        initial_indent="# ",
        subsequent_indent="# ",
        break_long_words=False,
        break_on_hyphens=False,
    )


def _row(name: str, option: dict[str, Any]) -> str:
    default = "required" if option.get("required") else "computed"
    if "default" in option:
        default = _code(option["default"])
    return f"| `{name}` | {_type(option)} | {default} | {_cell(_meaning(option))} |"


def _type(option: dict[str, Any]) -> str:
    kind = f"list of {option['elements']}" if option["type"] == "list" else str(option["type"])
    choices = ", ".join(f"`{choice}`" for choice in option.get("choices", []))
    return f"{kind}: {choices}" if choices else kind


def _meaning(option: dict[str, Any]) -> str:
    description = option["description"]
    text = _prose(" ".join(description) if isinstance(description, list) else description)
    if "options" not in option:
        return text
    return f"{text} Keys: {'; '.join(_key(*item) for item in option['options'].items())}."


def _key(name: str, option: dict[str, Any]) -> str:
    kind = _type(option)
    if option.get("required"):
        kind += ", required"
    elif "default" in option:
        kind += f", default {_code(option['default'])}"
    return f"`{name}` ({kind}): {_meaning(option).rstrip('.')}"


def _prose(text: str) -> str:
    """Ansible's markup of code, values and options as Markdown's."""
    text = re.sub(r"[CO]\(([a-z_]+)=([^)]*)\)", r"`\1: \2`", text)
    text = re.sub(r"[CVO]\(([^)]*)\)", r"`\1`", text)
    return " ".join(text.split())


def _code(value: Any) -> str:
    text = value if isinstance(value, str) and value else json.dumps(value)
    return f"`{_cell(text)}`"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    for folder in roles():
        (folder / "README.md").write_text(with_table(folder))
        (folder / "defaults" / "main.yml").write_text(with_comments(folder))
