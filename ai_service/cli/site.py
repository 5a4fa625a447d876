"""Addresses of this host's services, read from the environment, which the role's wrapper sets."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from ai_service.cli.errors import CliError, NotPermittedError
from ai_service.config import environment, parsers
from ai_service.config.environment import setting

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """Addresses and files of this host; on a laptop, the service's own defaults."""

    api_url: str = setting("API_URL", "http://127.0.0.1:3010", parsers.url("http", "https"), "Base URL of the API")
    ollama_url: str = setting(
        "OLLAMA_HOST", "http://127.0.0.1:11434", parsers.url("http", "https"), "Base URL of Ollama"
    )
    container: str = setting("OLLAMA_CONTAINER", "alchemorsel-ollama", parsers.name, "Name of Ollama's container")
    bench_result: str = setting(
        "BENCH_RESULT",
        "/var/lib/alchemorsel/bench.json",
        str,
        "File with the result of the last benchmark of this host",
    )
    key_file: str = setting(
        "API_KEY_FILE",
        "",
        str,
        "File with an API key; unset where the API requires none",
        keeps_path=True,
        former="API_KEY_PATH",
    )

    ca_file: str = field(default="")

    @classmethod
    def from_env(cls, environ: Mapping[str, str], *, ca_file: str = "") -> Site:
        """Read the command's settings from the environment, which may hold the service's own too.

        Args:
            environ: The environment, as `os.environ`.
            ca_file: CA bundle that certificates are checked with; "" for the operating system's.

        Raises:
            CliError: With every mistake found.
        """
        known = environment.of(cls)
        variables = {name for item in known.values() for name in (item.variable, item.former)}
        own = {name: text for name, text in environ.items() if name in variables}
        own["CREDENTIALS_DIRECTORY"] = "."  # a command's relative file names begin at the working directory
        values, mistakes = environment.read(known, own)
        if mistakes:
            raise CliError("; ".join(mistakes))
        return cls(ca_file=ca_file, **values)

    def key(self) -> str:
        """Return the API key; "" where none is needed.

        Raises:
            NotPermittedError: This user may not read it.
            CliError: It cannot be read.
        """
        if not self.key_file:
            return ""
        try:
            return Path(self.key_file).read_text(encoding="utf-8").strip()
        except PermissionError as error:
            raise NotPermittedError(
                f"The API requires a key, and this user may not read {self.key_file}.",
                hint=f"Run this with sudo, or set the path of your own key file in {environment.PREFIX}API_KEY_FILE.",
            ) from error
        except OSError as error:
            raise CliError(f"The API requires a key, and {self.key_file} cannot be read: {error.strerror}.") from error
