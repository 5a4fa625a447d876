"""How a setting is named and read from the environment; what all programs of this package share."""

from __future__ import annotations

import difflib
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from _typeshed import DataclassInstance

PREFIX = "ALCHEMORSEL_"


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting as its user sees it.

    Attributes:
        variable: Name of the environment variable.
        default: Text that stands for an unset variable.
        parse: Turns the text into the value; raises ValueError with what would be right. For a `_FILE` the text is
            the file's, except where `keeps_path`.
        meaning: What it does, for the table of settings.
        keeps_path: The value is the file's path, for a file that is read again when it changes.
        former: Former name of the variable, accepted for one minor version; "" without one.
    """

    variable: str
    default: str
    parse: Callable[[str], Any]
    meaning: str
    keeps_path: bool = False
    former: str = ""


def setting(
    variable: str,
    default: str,
    parse: Callable[[str], Any],
    meaning: str,
    *,
    secret: bool = False,
    keeps_path: bool = False,
    former: str = "",
) -> Any:
    """Declare a setting: a field of a frozen dataclass, read from the environment and, if secret, not in the `repr`."""
    found = Setting(PREFIX + variable, default, parse, meaning, keeps_path, former and PREFIX + former)
    return field(metadata={"setting": found}, repr=not secret)


def of(settings: type[DataclassInstance]) -> dict[str, Setting]:
    """Return the settings declared in a class by their fields' names, in the order of the fields."""
    return {item.name: item.metadata["setting"] for item in fields(settings) if "setting" in item.metadata}


def read(declared: Mapping[str, Setting], environ: Mapping[str, str]) -> tuple[dict[str, Any], list[str]]:
    """Read all values, and collect every mistake instead of stopping at the first.

    Args:
        declared: By the names of the values.
        environ: The environment, as `os.environ`.

    Returns:
        The values that could be read, and a sentence for each mistake, misspelt variables among them.
    """
    values: dict[str, Any] = {}
    former_names = {setting.former for setting in declared.values()}
    mistakes = _unknown_variables(environ.keys() - former_names, [setting.variable for setting in declared.values()])
    for name, setting in declared.items():
        text, former = environ.get(setting.variable, "").strip(), environ.get(setting.former, "").strip()
        if text and former and text != former:
            mistakes.append(f"{setting.variable}: expected its former name {setting.former} to be unset or the same")
            continue
        text = text or former or setting.default
        try:
            if setting.variable.endswith("_FILE") and text:
                path = _secret_path(text, environ.get("CREDENTIALS_DIRECTORY", ""))
                text = str(path) if setting.keeps_path else _read_secret(path)
            values[name] = setting.parse(text)
        except ValueError as error:
            shown = "" if setting.variable.endswith(("_FILE", "_URL")) else f"={text!r}"
            mistakes.append(f"{setting.variable}{shown}: {error}")
    return values, mistakes


def deprecations(declared: Mapping[str, Setting], environ: Mapping[str, str]) -> list[str]:
    """Return a warning for each former name that is set."""
    return [
        f"{setting.former} is deprecated and will be removed in 0.3.0: set {setting.variable} instead."
        for setting in declared.values()
        if environ.get(setting.former, "").strip()
    ]


def _unknown_variables(names: Iterable[str], known: list[str]) -> list[str]:
    mistakes = []
    for name in sorted(names):
        if name.startswith(PREFIX) and name not in known:
            close = difflib.get_close_matches(name, known, n=1)
            hint = f"; did you mean {close[0]}?" if close else ""
            mistakes.append(f"{name}: no such setting{hint}")
    return mistakes


def _secret_path(name: str, credentials_directory: str) -> Path:
    """Resolve the path of a secret's file; a relative name is a systemd credential."""
    path = Path(name)
    if not path.is_absolute():
        if not credentials_directory:
            raise ValueError("expected an absolute path (a relative name needs systemd's LoadCredential)")
        path = Path(credentials_directory) / name
    return path


def _read_secret(path: Path) -> str:
    try:
        text = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8"
        raise ValueError(f"cannot read {path}: {reason}") from None
    if not text:
        raise ValueError(f"{path} is empty")
    return text
