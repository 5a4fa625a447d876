"""The service's settings: one frozen object, read from the environment once, with all mistakes reported together."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import msgspec

from ai_service.access.key_file import read_keys
from ai_service.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

PREFIX = "ALCHEMORSEL_"
PROVIDERS = ("ollama", "openai", "mock")
SHORTEST_ADMIN_KEY = 32
TASKS = ("recipe", "ingredients", "nutrition")
LOG_LEVELS = ("debug", "info", "warning", "error")
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h)")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


@dataclass(frozen=True, slots=True)
class Knob:
    """One setting as its user sees it.

    Attributes:
        variable: Name of the environment variable.
        default: Text that stands for an unset variable.
        parse: Turns the text into the value; raises ValueError with what would be right. For a `_FILE` the text is
            the file's, except where `keeps_path`.
        meaning: What it does, for the table in the README.
        keeps_path: The value is the file's path, for a file that is read again when it changes.
    """

    variable: str
    default: str
    parse: Callable[[str], Any]
    meaning: str
    keeps_path: bool = False


def parse_duration(text: str) -> float:
    """Reads `500ms`, `30s`, `2m` or `1h`, in seconds."""
    match = _DURATION.fullmatch(text)
    if match is None or float(match[1]) == 0:
        raise ValueError("expected a duration above zero such as 500ms, 30s, 2m or 1h")
    return float(match[1]) * _SECONDS[match[2]]


def _keep_alive(text: str) -> float:
    return -1.0 if text == "-1" else parse_duration(text)


def _zero_or_duration(text: str) -> float:
    return 0.0 if text == "0" else parse_duration(text)


def _admin_key(text: str) -> str:
    if text and (len(text) < SHORTEST_ADMIN_KEY or not text.isascii() or not text.isprintable() or " " in text):
        raise ValueError(f"expected a key of at least {SHORTEST_ADMIN_KEY} printable ASCII characters without spaces")
    return text


def _warmup(text: str) -> str:
    if text in {"off", "common"}:
        return text
    if not Path(text).is_absolute():
        raise ValueError("expected off, common or the absolute path of a JSON file")
    read_questions(text)
    return text


def read_questions(path: str) -> dict[str, list[dict[str, Any]]]:
    """Reads the file of a warm-up: requests by the task's name.

    Raises:
        ValueError: It cannot be read, or is not of that form.
    """
    try:
        questions = msgspec.json.decode(Path(path).read_bytes(), type=dict[str, list[dict[str, Any]]])
    except OSError as error:
        raise ValueError(f"cannot read {path}: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path} is no object with a list of requests for each task: {error}") from None
    if unknown := sorted(set(questions) - set(TASKS)):
        raise ValueError(f"{path}: there is no task {unknown[0]}; expected some of {', '.join(TASKS)}")
    return questions


def _integer(low: int, high: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if not re.fullmatch(r"\d{1,12}", text) or not low <= int(text) <= high:
            raise ValueError(f"expected a whole number from {low} to {high}")
        return int(text)

    return parse


def _choice(*allowed: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text not in allowed:
            raise ValueError(f"expected one of {', '.join(allowed)}")
        return text

    return parse


def _providers(text: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in text.split(",") if name.strip())
    if not set(names) <= set(PROVIDERS) or len(set(names)) != len(names):
        raise ValueError(f"expected a comma-separated list of {', '.join(PROVIDERS)}, each once")
    return names


def _url(*schemes: str, optional: bool = False) -> Callable[[str], str]:
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
        return text.rstrip("/")

    return parse


def _name(text: str) -> str:
    if not text.isascii() or not text.isprintable() or " " in text or not text:
        raise ValueError("expected a name of printable ASCII characters without spaces")
    return text


def _keys_path(text: str) -> str:
    if text:
        read_keys(Path(text))
    return text


def _knob(
    variable: str,
    default: str,
    parse: Callable[[str], Any],
    meaning: str,
    *,
    secret: bool = False,
    keeps_path: bool = False,
) -> Any:
    knob = Knob(PREFIX + variable, default, parse, meaning, keeps_path)
    return field(metadata={"knob": knob}, repr=not secret)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the operator decides. Durations are in seconds, sizes as the name says."""

    provider: str = _knob("AI_PROVIDER", "ollama", _choice(*PROVIDERS), "Provider that is asked first")
    fallbacks: tuple[str, ...] = _knob(
        "AI_FALLBACKS", "openai,mock", _providers, "Providers asked next, in order; openai only where its URL is set"
    )
    ollama_host: str = _knob(
        "OLLAMA_HOST", "http://127.0.0.1:11434", _url("http", "https"), "Base URL of the Ollama server"
    )
    ollama_model: str = _knob("OLLAMA_MODEL", "llama3.2:3b", _name, "Model that Ollama runs")
    ollama_timeout: float = _knob("OLLAMA_TIMEOUT", "30s", parse_duration, "Deadline for one inference")
    ollama_load_timeout: float = _knob("OLLAMA_LOAD_TIMEOUT", "60s", parse_duration, "Deadline for loading the model")
    ollama_num_ctx: int = _knob(
        "OLLAMA_NUM_CTX", "4096", _integer(1024, 131_072), "Context length in tokens; a change reloads the model"
    )
    ollama_keep_alive: float = _knob(
        "OLLAMA_KEEP_ALIVE", "30m", _keep_alive, "How long the model stays loaded after a request; -1 is for ever"
    )
    ollama_num_parallel: int = _knob(
        "OLLAMA_NUM_PARALLEL", "1", _integer(1, 64), "Requests sent to Ollama at a time (its own OLLAMA_NUM_PARALLEL)"
    )
    queue_limit: int = _knob("QUEUE_LIMIT", "16", _integer(0, 10_000), "Requests that may wait for Ollama")
    openai_base_url: str = _knob(
        "OPENAI_BASE_URL", "", _url("http", "https", optional=True), "Base URL of an OpenAI-compatible server, with /v1"
    )
    openai_model: str = _knob("OPENAI_MODEL", "gpt-4o-mini", _name, "Model asked of the OpenAI-compatible server")
    openai_api_key: str = _knob(
        "OPENAI_API_KEY_FILE", "", str, "File with the API key of the OpenAI-compatible server", secret=True
    )
    redis_url: str = _knob(
        "REDIS_URL", "", _url("redis", "rediss", "unix", optional=True), "Redis to cache in; unset caches in memory"
    )
    redis_username: str = _knob("REDIS_USERNAME", "", str, "Redis ACL user")
    redis_password: str = _knob("REDIS_PASSWORD_FILE", "", str, "File with the Redis password", secret=True)
    api_keys_file: str = _knob(
        "API_KEYS_FILE",
        "",
        _keys_path,
        "File with a name and a hash for each API key; unset lets everybody in",
        keeps_path=True,
    )
    admin_key: str = _knob(
        "ADMIN_KEY_FILE",
        "",
        _admin_key,
        "File with the administrator's key, where no API keys are configured",
        secret=True,
    )
    host: str = _knob("HOST", "127.0.0.1", _name, "Address to listen on, where systemd passes no socket")
    port: int = _knob("PORT", "3010", _integer(0, 65_535), "Port to listen on; 0 takes a free one")
    workers: int = _knob("WORKERS", "1", _integer(1, 64), "Processes that serve; with Redis they share one cache")
    recipe_max_tokens: int = _knob("RECIPE_MAX_TOKENS", "1024", _integer(400, 8192), "Token budget of a recipe")
    ingredients_max_tokens: int = _knob(
        "INGREDIENTS_MAX_TOKENS", "192", _integer(96, 4096), "Token budget of ingredient suggestions"
    )
    nutrition_max_tokens: int = _knob(
        "NUTRITION_MAX_TOKENS", "160", _integer(96, 4096), "Token budget of a nutrition analysis"
    )
    chat_max_tokens: int = _knob(
        "CHAT_MAX_TOKENS", "1024", _integer(1, 32_768), "Token budget of a chat answer, and the most a request may name"
    )
    recipe_ttl: float = _knob("RECIPE_TTL", "2h", parse_duration, "Base time a recipe stays fresh")
    ingredients_ttl: float = _knob("INGREDIENTS_TTL", "6h", parse_duration, "Base time ingredients stay fresh")
    nutrition_ttl: float = _knob("NUTRITION_TTL", "12h", parse_duration, "Base time a nutrition analysis stays fresh")
    stale_while_revalidate: float = _knob(
        "STALE_WHILE_REVALIDATE", "1h", _zero_or_duration,
        "So long past its freshness an answer is still served while it is refreshed; 0 turns it off",
    )  # fmt: skip
    warmup: str = _knob(
        "WARMUP", "off", _warmup, "What is asked at the start: off, common (a built-in list), or a JSON file's path"
    )
    warmup_interval: float = _knob("WARMUP_INTERVAL", "1s", parse_duration, "Pause between two calls of a warm-up")
    probe_interval: float = _knob(
        "PROBE_INTERVAL", "10m", parse_duration, "How often an idle, loaded model is asked a small question"
    )
    chat_ttl: float = _knob("CHAT_TTL", "2h", parse_duration, "Time a chat answer stays fresh")
    deadline: float = _knob("DEADLINE", "100s", parse_duration, "Deadline for a whole request")
    log_level: str = _knob("LOG_LEVEL", "info", _choice(*LOG_LEVELS), "Least level that is logged")
    log_prompts: str = _knob(
        "LOG_PROMPTS", "no", _choice("no", "yes"), "Whether the log tells what each request asks, in its canonical form"
    )
    listen_fds: int = field(default=0)
    notify_socket: str = field(default="")

    @classmethod
    def knobs(cls) -> dict[str, Knob]:
        """Every setting by its field's name, in the order of the README's table."""
        return {item.name: item.metadata["knob"] for item in fields(cls) if "knob" in item.metadata}

    @classmethod
    def from_env(cls, environ: Mapping[str, str], *, pid: int = 0) -> Settings:
        """Reads the settings.

        Args:
            environ: The environment, as `os.environ`.
            pid: This process, to tell whether passed sockets (`LISTEN_PID`) are meant for it.

        Raises:
            ConfigurationError: With every mistake found, not only the first.
        """
        values: dict[str, Any] = {}
        mistakes = _unknown_variables(environ, [knob.variable for knob in cls.knobs().values()])
        for name, knob in cls.knobs().items():
            text = environ.get(knob.variable, "").strip() or knob.default
            try:
                if knob.variable.endswith("_FILE") and text:
                    path = _secret_path(text, environ.get("CREDENTIALS_DIRECTORY", ""))
                    text = str(path) if knob.keeps_path else _read_secret(path)
                values[name] = knob.parse(text)
            except ValueError as error:
                shown = "" if knob.variable.endswith(("_FILE", "_URL")) else f"={text!r}"
                mistakes.append(f"{knob.variable}{shown}: {error}")
        if values.get("provider") == "openai" and not values.get("openai_base_url", "unknown"):
            mistakes.append(f"{PREFIX}AI_PROVIDER=openai: expected {PREFIX}OPENAI_BASE_URL to be set as well")
        if values.get("redis_username") and not values.get("redis_password", "unknown"):
            mistakes.append(f"{PREFIX}REDIS_USERNAME: expected {PREFIX}REDIS_PASSWORD_FILE to be set as well")
        if values.get("admin_key") and values.get("api_keys_file"):
            mistakes.append(
                f"{PREFIX}ADMIN_KEY_FILE: expected it unset beside {PREFIX}API_KEYS_FILE; "
                "give a key there the role admin instead"
            )
        if mistakes:
            raise ConfigurationError(mistakes)
        if environ.get("LISTEN_PID") == str(pid):
            values["listen_fds"] = int(environ.get("LISTEN_FDS", "0"))
        return cls(notify_socket=environ.get("NOTIFY_SOCKET", ""), **values)


def _unknown_variables(environ: Mapping[str, str], known: list[str]) -> list[str]:
    mistakes = []
    for name in sorted(environ):
        if name.startswith(PREFIX) and name not in known:
            close = difflib.get_close_matches(name, known, n=1)
            hint = f"; did you mean {close[0]}?" if close else ""
            mistakes.append(f"{name}: no such setting{hint}")
    return mistakes


def _secret_path(name: str, credentials_directory: str) -> Path:
    """A secret's file; a relative name is a systemd credential."""
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
