"""The list of Ollama servers: inline, or a file that is read again when it changes."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal
from urllib.parse import urlsplit

import msgspec

from ai_service.config import parsers
from ai_service.config.environment import PREFIX
from ai_service.process.text_file import read_text_file

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

MAX_BYTES = 1024 * 1024
DNS_SCHEME = "dns+http"
_DIGEST = re.compile(r"(?:sha256:)?([0-9a-f]{12,64})")
_http_url = parsers.url("http", "https")


class ServerEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One entry of the list.

    Attributes:
        url: `http://` or `https://`, or `dns+http://NAME:PORT`: each address of the name is a server.
        models: Names of the models that are asked of it; None is every model that it lists.
        slots: Requests that one model of it works on at a time (its `OLLAMA_NUM_PARALLEL`); None is the setting's.
        weight: The heavier of two equally free servers is asked first.
        state: `drain` sends it nothing new.
    """

    url: str
    models: tuple[str, ...] | None = None
    slots: Annotated[int, msgspec.Meta(ge=1, le=1024)] | None = None
    weight: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 1
    state: Literal["ready", "drain"] = "ready"

    @property
    def is_dns(self) -> bool:
        """Whether the entry stands for all addresses of a name."""
        return self.url.startswith(f"{DNS_SCHEME}://")

    def serves(self, model: str) -> bool:
        """Return whether a model is asked of it."""
        return self.models is None or full_name(model) in map(full_name, self.models)


class ServerList(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole list.

    Attributes:
        servers: At least one.
        digests: Expected digest by model, 12 or more hexadecimal digits; a model without one may have any.
    """

    servers: tuple[ServerEntry, ...]
    digests: dict[str, str] = {}

    def digest_of(self, model: str) -> str:
        """Return the first 12 digits of the expected digest; "" where any is accepted."""
        digests = {full_name(name): digest for name, digest in self.digests.items()}
        return digests.get(full_name(model), "").removeprefix("sha256:")[:12]


@dataclass(frozen=True, slots=True)
class ServerSource:
    """Where the list comes from.

    Attributes:
        servers: The list as it was at the start.
        path: File to read again when it changes; "" for an inline list.
    """

    servers: ServerList
    path: str = ""

    def fingerprint(self) -> tuple[int, int, int] | None:
        """Return modification time (ns), size and inode of the file; None where it is missing, or there is none."""
        try:
            status = Path(self.path).stat() if self.path else None
        except OSError:
            return None
        return (status.st_mtime_ns, status.st_size, status.st_ino) if status else None

    def read(self, models: Iterable[str]) -> ServerList:
        """Read the list as it is now.

        Args:
            models: Those that the service asks of Ollama.

        Raises:
            ValueError: It cannot be read, or is wrong; with every mistake.
        """
        servers = read_servers(Path(self.path)) if self.path else self.servers
        if lacking := models_without_server(servers, models):
            raise ValueError(f"{self.path}: no server has the model {', '.join(lacking)}")
        return servers


def full_name(model: str) -> str:
    """Return a model's name with its tag, as servers list it."""
    return model if ":" in model.rpartition("/")[2] else f"{model}:latest"


def models_without_server(servers: ServerList, models: Iterable[str]) -> list[str]:
    """Return the models that no entry of the list serves."""
    return [model for model in models if not any(entry.serves(model) for entry in servers.servers)]


def parse_source(text: str) -> ServerSource | None:
    """Parse the setting: the absolute path of a file, URLs separated by commas, or the document itself as JSON.

    Returns:
        None for "".
    """
    if not text:
        return None
    if text.startswith("/"):
        return ServerSource(read_servers(Path(text)), text)
    if text.startswith("{"):
        return ServerSource(parse_servers(text))
    urls = tuple(url.strip() for url in text.split(",") if url.strip())
    return ServerSource(_checked(ServerList(tuple(map(ServerEntry, urls)))))


def read_servers(path: Path) -> ServerList:
    """Read a file of servers, in YAML or JSON.

    Raises:
        ValueError: It cannot be read, or is wrong.
    """
    text = read_text_file(path, MAX_BYTES)
    try:
        return parse_servers(text)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None


def parse_servers(text: str) -> ServerList:
    """Parse a document with the list `servers` and, optionally, the object `digests`.

    Raises:
        ValueError: It is no such document; with every mistake in what could be read.
    """
    try:
        if text.lstrip().startswith("{"):
            found = msgspec.json.decode(text, type=ServerList)
        else:
            found = msgspec.yaml.decode(text, type=ServerList)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise ValueError(f"expected a list of servers, each with a url: {_one_line(error)}") from None
    return _checked(found)


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__


def _checked(servers: ServerList) -> ServerList:
    """Return the list with its URLs in one form.

    Raises:
        ValueError: With every mistake.
    """
    mistakes = [*_digest_mistakes(servers)]
    entries = []
    for entry in servers.servers:
        try:
            entries.append(msgspec.structs.replace(entry, url=_url(entry.url)))
        except ValueError as error:
            mistakes.append(f"{entry.url}: {error}")
        if entry.models is not None and not entry.models:
            mistakes.append(f"{entry.url}: expected models to name at least one, or to be left out")
        mistakes += [
            f"{entry.url}: {name!r} is no name of a model" for name in entry.models or () if not _is_name(name)
        ]
    if not servers.servers:
        mistakes.append("expected at least one server")
    counted = Counter(entry.url for entry in entries)
    mistakes += [
        f"{url}: expected each server once, got {count} entries" for url, count in counted.items() if count > 1
    ]
    if mistakes:
        raise ValueError("; ".join(mistakes))
    return ServerList(tuple(entries), {name: digest.lower() for name, digest in servers.digests.items()})


def _digest_mistakes(servers: ServerList) -> Iterator[str]:
    for model, digest in servers.digests.items():
        if not _DIGEST.fullmatch(digest.lower()):
            yield f"digests: {model}: expected 12 to 64 hexadecimal digits, with or without sha256: in front"


def _is_name(text: str) -> bool:
    try:
        return bool(parsers.name(text))
    except ValueError:
        return False


def _url(text: str) -> str:
    if not text.startswith("dns+"):
        return _http_url(text)
    try:
        parts = urlsplit(text)
        valid = parts.scheme == DNS_SCHEME and parts.hostname and parts.port and parts.path in {"", "/"}
        valid = bool(valid) and not (parts.query or parts.fragment or parts.username or parts.password)
    except ValueError:
        valid = False
    if not valid:
        raise ValueError(f"expected {DNS_SCHEME}://NAME:PORT, and no more than that")
    return text.rstrip("/")


def add_further_hosts(values: dict[str, Any], environ: Mapping[str, str]) -> list[str]:
    """Add `ALCHEMORSEL_OLLAMA_HOST` to the servers of the former variable, which named those beside it."""
    source, host = values.get("ollama_servers"), values.get("ollama_host")
    further = environ.get(f"{PREFIX}OLLAMA_MORE_HOSTS", "").strip()
    if source is None or host is None or not further or environ.get(f"{PREFIX}OLLAMA_SERVERS", "").strip():
        return []
    if source.path or source.servers.digests:
        return [f"{PREFIX}OLLAMA_MORE_HOSTS: expected URLs separated by commas"]
    urls = dict.fromkeys((host, *(entry.url for entry in source.servers.servers)))
    values["ollama_servers"] = ServerSource(ServerList(tuple(map(ServerEntry, urls))))
    return []
