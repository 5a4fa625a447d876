"""Settings of the page's server, read like the service's: from the environment once, all mistakes reported together."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ai_service.config import environment, parsers
from ai_service.config.environment import setting
from ai_service.errors import ConfigurationError
from ai_service.transport.tls import read_authorities

if TYPE_CHECKING:
    from collections.abc import Mapping


_HOST_NAME = re.compile(r"[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*")


def _host_names(text: str) -> tuple[str, ...]:
    """Read host names as browsers write them: in lower case, without a dot at the end; addresses are fine too."""
    names = [part.strip().lower().removesuffix(".") for part in text.split(",") if part.strip()]
    for name in names:
        if not _HOST_NAME.fullmatch(name) and not _is_address(name):
            raise ValueError("expected host names such as ai.example.org, separated by commas, without scheme and port")
    return tuple(dict.fromkeys(names))


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class WebSettings:
    """What the operator decides."""

    socket: str = setting(
        "WEB_SOCKET",
        "",
        parsers.socket_path,
        "Path of the Unix socket to serve the page on behind an edge, instead of host and port",
    )
    host: str = setting("WEB_HOST", "127.0.0.1", parsers.name, "Address that the page is served on")
    port: int = setting("WEB_PORT", "3011", parsers.integer(0, 65_535), "Port of the page; 0 takes a free one")
    hosts: tuple[str, ...] = setting(
        "WEB_HOSTS",
        "",
        _host_names,
        "Host names that browsers reach the page under, separated by commas; addresses and localhost always pass",
    )
    api_url: str = setting(
        "WEB_API_URL",
        "http://127.0.0.1:3010",
        parsers.url("http", "https"),
        "Base URL of the API that the page asks",
    )
    api_key: str = setting(
        "WEB_API_KEY_FILE", "", str, "File with the page's own API key, where the API wants one", secret=True
    )

    api_ca: str = setting(
        "WEB_CA_FILE",
        "",
        read_authorities,
        "CA bundle that the certificate of an https:// API is checked with; unset for the operating system's",
    )
    api_public_url: str = setting(
        "WEB_API_PUBLIC_URL",
        "",
        parsers.url("http", "https", optional=True),
        "Base URL of the API as browsers reach it, for links; unset for the page's own host with the port of the API",
    )
    prometheus_url: str = setting(
        "WEB_PROMETHEUS_URL",
        "",
        parsers.url("http", "https", optional=True),
        "Base URL of the Prometheus that the operator's page reads longer times from; unset for the page's own samples",
    )
    edge_metrics_url: str = setting(
        "WEB_EDGE_METRICS_URL",
        "",
        parsers.url("http", "https", optional=True),
        "URL of the edge's exporter, http://127.0.0.1:8405/metrics on hosts; the operator's page shows instances by it",
    )

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> WebSettings:
        """Read the settings from the environment.

        Args:
            environ: The environment, as `os.environ`.

        Raises:
            ConfigurationError: With every mistake found, not only the first.
        """
        values, mistakes = environment.read(environment.of(cls), environ)
        if mistakes:
            raise ConfigurationError(mistakes)
        return cls(**values)
