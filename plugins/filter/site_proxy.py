"""Filters for the one setting of a site's proxy, `site_proxy`, and what never goes through it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from jinja2 import pass_context

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from jinja2.runtime import Context

Problem = dict[str, str]
OWN = ("localhost", "127.0.0.1", "::1", "0.0.0.0")  # noqa: S104 - a client that is given it means its own host
ADDRESSES = ("ansible_host", "private_address")
SCHEMES = ("http", "https")


@pass_context
def environment(context: Context, names: Sequence[str]) -> dict[str, str]:
    """Return the environment variables that send a program through the site's proxy; none where it has none.

    Args:
        context: Where Jinja looks variables up: `site_proxy`, `site_no_proxy`, `groups`, `hostvars`.
        names: Names, beside those of hosts and containers, that are reached directly.
    """
    proxy = str(_variable(context, "site_proxy") or "")
    if not proxy:
        return {}
    values = {"http_proxy": proxy, "https_proxy": proxy, "no_proxy": ",".join(direct_names(context, names))}
    return values | {name.upper(): value for name, value in values.items()}


@pass_context
def endpoints(context: Context, wanted: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the servers that a host has to reach itself: the proxy in place of those that it reaches by the proxy.

    Args:
        context: Where Jinja looks variables up.
        wanted: What is needed, `{"endpoint": name:port, "setting": variable, "until_port": port}`.
    """
    proxy = str(_variable(context, "site_proxy") or "")
    if not proxy or problems(proxy):
        return [dict(each) for each in wanted]
    parts = urlsplit(proxy)
    address = f"{parts.hostname}:{parts.port or (443 if parts.scheme == 'https' else 80)}"
    direct = direct_names(context, [])
    found: dict[str, dict[str, Any]] = {}
    for each in wanted:
        name = str(each["endpoint"]).rpartition(":")[0].strip("[]")
        entry = dict(each) if _is_direct(name, direct) else {**each, "endpoint": address, "setting": "site_proxy"}
        found.setdefault(entry["endpoint"], entry)
    return list(found.values())


@pass_context
def of_url(context: Context, url: str) -> str:
    """Return the URL of the proxy by which a server is reached; "" where there is none or it is reached directly.

    Args:
        context: Where Jinja looks variables up.
        url: Of the server; "" for none.
    """
    proxy = str(_variable(context, "site_proxy") or "")
    host = urlsplit(url).hostname
    return proxy if proxy and host and not _is_direct(host, direct_names(context, [])) else ""


@pass_context
def container(context: Context, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return a container's environment with the site's proxy, or with the one that it is given, and what is direct.

    Without the container's own addresses among these, its health check would go to the proxy.

    Args:
        context: Where Jinja looks variables up.
        given: Environment variables of the container's own; they go before the site's.
    """
    result: dict[str, Any] = {**environment(context, []), **given}
    if not any(name.lower() in ("http_proxy", "https_proxy", "all_proxy") and result[name] for name in result):
        return result
    listed = [part.strip() for name in ("no_proxy", "NO_PROXY") for part in str(result.get(name) or "").split(",")]
    direct = ",".join(direct_names(context, listed))
    return {**result, "no_proxy": direct, "NO_PROXY": direct}


def problems(proxy: Any) -> list[Problem]:
    """Return what is wrong with the setting; its value, which may hold a password, is never in the message.

    Args:
        proxy: The variable `site_proxy`; empty for none.
    """
    if not proxy:
        return []
    try:
        parts = urlsplit(str(proxy))
        is_fine = parts.scheme in SCHEMES and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_fine = False
    if is_fine:
        return []
    return [
        {
            "problem": "site_proxy is not the URL of a proxy",
            "remedy": "write it as http://proxy.example:3128, with user:password@ before the name where it needs them",
        }
    ]


def direct_names(context: Context, names: Iterable[str]) -> list[str]:
    """Return names and addresses that are reached without the proxy, each once."""
    own = [*OWN, "ollama", str(_variable(context, "ollama_container_name") or "alchemorsel-ollama")]
    hosts = [str(host) for host in (_variable(context, "groups") or {}).get("all", ())]
    known = _variable(context, "hostvars") or {}
    addresses = [str(_read(known, host, name)) for host in hosts for name in ADDRESSES]
    given = [str(name) for name in _variable(context, "site_no_proxy") or ()]
    return [name for name in dict.fromkeys([*own, *hosts, *addresses, *map(str, names), *given]) if name]


def _is_direct(name: str, direct: Iterable[str]) -> bool:
    return any(name == one or name.endswith(f".{one.lstrip('.')}") for one in direct)


def _read(known: Any, host: str, name: str) -> Any:
    try:
        return known[host].get(name) or ""
    except Exception:  # noqa: BLE001 - Ansible raises many kinds for a value that cannot be templated; none is ours
        return ""


def _variable(context: Context, name: str) -> Any:
    try:
        value = context.resolve(name)
        return value if value is not None and not _is_undefined(value) else None
    except Exception:  # noqa: BLE001 - as above
        return None


def _is_undefined(value: Any) -> bool:
    return type(value).__name__.endswith(("Undefined", "Marker"))


class FilterModule:
    """Ansible's entry point to the filters."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filters by the name that templates use."""
        return {
            "site_proxy_environment": environment,
            "site_proxy_container": container,
            "site_proxy_endpoints": endpoints,
            "site_proxy_of_url": of_url,
            "site_proxy_problems": problems,
        }
