"""How a setting is named, read from the environment and verified; what all programs of this package share."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from _typeshed import DataclassInstance

PREFIX = "ALCHEMORSEL_"
MAX_SOCKET_PATH_BYTES = 107
"""sun_path of unix(7), without the zero at its end."""
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h)")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


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


def duration(text: str) -> float:
    """Parse a duration such as `500ms`, `30s`, `2m` or `1h` into seconds."""
    match = _DURATION.fullmatch(text)
    if match is None or float(match[1]) == 0:
        raise ValueError("expected a duration above zero such as 500ms, 30s, 2m or 1h")
    return float(match[1]) * _SECONDS[match[2]]


def zero_or_duration(text: str) -> float:
    """Parse a duration, or 0."""
    return 0.0 if text == "0" else duration(text)


def integer(low: int, high: int) -> Callable[[str], int]:
    """Return a parser of whole numbers within the given bounds, both included."""

    def parse(text: str) -> int:
        if not re.fullmatch(r"\d{1,12}", text) or not low <= int(text) <= high:
            raise ValueError(f"expected a whole number from {low} to {high}")
        return int(text)

    return parse


def choice(*allowed: str) -> Callable[[str], str]:
    """Return a parser of the allowed words."""

    def parse(text: str) -> str:
        if text not in allowed:
            raise ValueError(f"expected one of {', '.join(allowed)}")
        return text

    return parse


def url(*schemes: str, optional: bool = False) -> Callable[[str], str]:
    """Return a parser of URLs with the given schemes; a password in one is rejected, since it would end up in logs."""

    def parse(text: str) -> str:
        if optional and not text:
            return ""
        try:
            parts = urlsplit(text)
            valid = parts.scheme in schemes and bool(parts.hostname or parts.scheme == "unix") and parts.port != 0
        except ValueError:
            valid = False
        if not valid:
            raise ValueError(f"expected a URL that starts with {' or '.join(f'{s}://' for s in schemes)}")
        if parts.password is not None:
            raise ValueError("expected a URL without a password; give the password as a file")
        if parts.scheme in {"http", "https"} and (parts.username or parts.query or parts.fragment):
            raise ValueError("expected a URL of scheme, host, port and path, and no more than that")
        return text.rstrip("/")

    return parse


def proxy(text: str) -> str:
    """Read the URL of an HTTP proxy, which may hold a password; "" is none."""
    if not text:
        return ""
    try:
        parts = urlsplit(text)
        valid = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        valid = False
    if not valid or parts.path.strip("/") or parts.query or parts.fragment or len(text.split()) != 1:
        raise ValueError("expected the URL of a proxy such as http://proxy.example:3128")
    return text


def origin(text: str) -> str:
    """Validate the origin of a web page: scheme, host and port, or `*` for any."""
    if text == "*":
        return text
    try:
        parts = urlsplit(text)
        valid = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        valid = False
    if not valid or text != f"{parts.scheme}://{parts.netloc}" or "@" in text or text != text.lower():
        raise ValueError("expected an origin such as https://app.example.com, without a path, or *")
    return text


def each(parse: Callable[[str], str]) -> Callable[[str], tuple[str, ...]]:
    """Return a parser of comma-separated values, possibly none and never one twice, each read by another parser."""

    def parse_all(text: str) -> tuple[str, ...]:
        values = tuple(parse(part.strip()) for part in text.split(",") if part.strip())
        if len(set(values)) < len(values):
            raise ValueError("expected each value once")
        return values

    return parse_all


def pairs(text: str) -> tuple[tuple[str, str], ...]:
    """Parse comma-separated pairs of names, `a=b`, each first name once."""
    found: dict[str, str] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        first, equals, second = part.partition("=")
        if not equals or not first.strip() or not second.strip():
            raise ValueError("expected pairs such as gpt-4o-mini=llama3.2:3b, separated by commas")
        if name(first.strip()) in found:
            raise ValueError(f"expected {first.strip()} once")
        found[first.strip()] = name(second.strip())
    return tuple(found.items())


def name(text: str) -> str:
    """Validate a name of printable ASCII characters without spaces."""
    if not text.isascii() or not text.isprintable() or " " in text or not text:
        raise ValueError("expected a name of printable ASCII characters without spaces")
    return text


def absolute_path(text: str) -> str:
    """Read an absolute path; "" is none."""
    if text and not Path(text).is_absolute():
        raise ValueError("expected an absolute path")
    return text


def socket_path(text: str) -> str:
    """Read the absolute path of a Unix socket; "" is none."""
    if text and (not Path(text).is_absolute() or len(text.encode()) > MAX_SOCKET_PATH_BYTES):
        raise ValueError(f"expected an absolute path of at most {MAX_SOCKET_PATH_BYTES} bytes")
    return text


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
