"""Parsers of settings: from the text of a variable or file to its value, or to what would be right."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable

PROVIDERS = ("ollama", "openai", "mock")
MIN_ADMIN_KEY_LENGTH = 32
MAX_SOCKET_PATH_BYTES = 107
"""sun_path of unix(7), without the zero at its end."""
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h)")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_INSTANCE = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]{0,31}")


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


def keep_alive(text: str) -> float:
    """Parse a duration, or -1 for without end."""
    return -1.0 if text == "-1" else duration(text)


def model(text: str) -> str:
    """Validate the name of a model; "" is none."""
    return name(text) if text else ""


def admin_key(text: str) -> str:
    """Validate an administrator's key; "" is none."""
    if text and (len(text) < MIN_ADMIN_KEY_LENGTH or not text.isascii() or not text.isprintable() or " " in text):
        raise ValueError(f"expected a key of at least {MIN_ADMIN_KEY_LENGTH} printable ASCII characters without spaces")
    return text


def providers(text: str) -> tuple[str, ...]:
    """Parse names of providers, comma-separated, each once."""
    names = tuple(name.strip() for name in text.split(",") if name.strip())
    if not set(names) <= set(PROVIDERS) or len(set(names)) != len(names):
        raise ValueError(f"expected a comma-separated list of {', '.join(PROVIDERS)}, each once")
    return names


def one_worker(text: str) -> int:
    """Accept 1 alone, with the reason why."""
    if text != "1":
        raise ValueError(
            "expected 1: one process is one worker; more are more instances (ai_service_instances), and need Redis"
        )
    return 1


def instance(text: str) -> str:
    """Validate the name of an instance; "" is none."""
    if text and not _INSTANCE.fullmatch(text):
        raise ValueError("expected a name of at most 32 letters, digits, dots and hyphens")
    return text
