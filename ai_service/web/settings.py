"""Settings of the page's server, read like the service's: from the environment once, all mistakes reported together."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ai_service import knobs
from ai_service.errors import ConfigurationError
from ai_service.knobs import knob

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class WebSettings:
    """What the operator decides."""

    host: str = knob("WEB_HOST", "127.0.0.1", knobs.name, "Address that the page is served on")
    port: int = knob("WEB_PORT", "3011", knobs.integer(0, 65_535), "Port of the page; 0 takes a free one")
    api_url: str = knob(
        "WEB_API_URL", "http://127.0.0.1:3010", knobs.url("http", "https"), "Base URL of the API that the page asks"
    )
    api_key: str = knob(
        "WEB_API_KEY_FILE", "", str, "File with the page's own API key, where the API wants one", secret=True
    )
    notify_socket: str = field(default="")

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> WebSettings:
        """Reads the settings.

        Args:
            environ: The environment, as `os.environ`.

        Raises:
            ConfigurationError: With every mistake found, not only the first.
        """
        values, mistakes = knobs.read(knobs.of(cls), environ)
        if mistakes:
            raise ConfigurationError(mistakes)
        return cls(notify_socket=environ.get("NOTIFY_SOCKET", ""), **values)
