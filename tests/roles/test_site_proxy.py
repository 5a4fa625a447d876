"""The one setting of a site's proxy: who gets it, and what never goes through it."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.alchemorsel.ai.plugins.filter.site_proxy import (
    container,
    endpoints,
    environment,
    of_url,
    problems,
)
from jinja2 import Environment
from jinja2.runtime import Context

PROXY = "http://user:s3cret@proxy.example:3128"
REGISTRY = {"endpoint": "registry.example:443", "setting": "ollama_image", "until_port": 11435}
MIRROR = {"endpoint": "mirror.lab:5000", "setting": "ollama_model_registry", "until_port": 11435}


def site(**variables: Any) -> Context:
    """Return where Jinja looks the variables of a site of two hosts up."""
    known = {
        "groups": {"all": ["ai-1", "cache-1"]},
        "hostvars": {"ai-1": {"ansible_host": "192.0.2.10"}, "cache-1": {"private_address": "10.20.0.31"}},
        **variables,
    }
    return Context(Environment(autoescape=True), known, "test", {})


def direct(environment_variables: dict[str, Any]) -> set[str]:
    """Return what is reached directly."""
    return set(environment_variables["no_proxy"].split(","))


def test_site_without_a_proxy_sets_nothing() -> None:
    """Whatever else is set."""
    assert environment(site(), []) == {}
    assert environment(site(site_proxy="", site_no_proxy=["x"]), []) == {}
    assert container(site(), {"OLLAMA_DEBUG": "1"}) == {"OLLAMA_DEBUG": "1"}
    assert endpoints(site(), [REGISTRY]) == [REGISTRY]


def test_hosts_and_containers_of_the_site_are_reached_directly() -> None:
    """By name and by address; the site's own exceptions are added, in place of none."""
    given = environment(site(site_proxy=PROXY, site_no_proxy=[".corp.example"]), ["extra"])
    assert direct(given) >= {"localhost", "127.0.0.1", "::1", "ollama", "alchemorsel-ollama", "ai-1", "192.0.2.10"}
    assert direct(given) >= {"cache-1", "10.20.0.31", ".corp.example", "extra"}
    assert given["HTTPS_PROXY"] == given["http_proxy"] == PROXY
    assert given["NO_PROXY"] == given["no_proxy"]


def test_container_never_reaches_itself_by_a_proxy() -> None:
    """Ollama's health check asks 0.0.0.0, which would go to the proxy and never be healthy."""
    own = container(site(), {"HTTP_PROXY": "http://other.example:8080", "NO_PROXY": "intern.example"})
    assert direct(own) >= {"0.0.0.0", "127.0.0.1", "intern.example"}
    assert own["HTTP_PROXY"] == "http://other.example:8080"
    both = container(site(site_proxy=PROXY), {"HTTPS_PROXY": "http://other.example:8080"})
    assert both["HTTPS_PROXY"] == "http://other.example:8080"
    assert "0.0.0.0" in direct(both)


def test_proxy_is_what_has_to_be_reached() -> None:
    """Once, in the place of all that is behind it; what is direct stays itself."""
    other = {**REGISTRY, "endpoint": "registry.ollama.ai:443"}
    wanted = endpoints(site(site_proxy=PROXY, site_no_proxy=[".lab"]), [REGISTRY, other, MIRROR])
    assert wanted == [{"endpoint": "proxy.example:3128", "setting": "site_proxy", "until_port": 11435}, MIRROR]


@pytest.mark.parametrize(
    ("url", "proxy"),
    [
        ("https://api.example/v1", PROXY),
        ("http://models.lab:8000/v1", ""),
        ("http://192.0.2.10:11435/v1", ""),
        ("http://[::1]:8000/v1", ""),
        ("", ""),
    ],
)
def test_second_provider_is_behind_the_proxy_unless_it_is_of_the_site(url: str, proxy: str) -> None:
    """By name or address of a host, or by the site's exceptions."""
    assert of_url(site(site_proxy=PROXY, site_no_proxy=[".lab"]), url) == proxy
    assert of_url(site(), url) == ""


@pytest.mark.parametrize(
    ("proxy", "endpoint"), [("https://p.example", "p.example:443"), ("http://p.example/", "p.example:80")]
)
def test_port_of_a_proxy_has_a_default(proxy: str, endpoint: str) -> None:
    """By its scheme."""
    assert endpoints(site(site_proxy=proxy), [REGISTRY])[0]["endpoint"] == endpoint


@pytest.mark.parametrize("proxy", ["", None, "http://proxy.example:3128", PROXY, "https://[fd00::1]:3128"])
def test_url_of_a_proxy_is_fine(proxy: Any) -> None:
    """With a password or without."""
    assert problems(proxy) == []


@pytest.mark.parametrize(
    "proxy", ["proxy.example:3128", "socks5://user:s3cret@p:1", "http://user:s3cret@:1", "http://p:99999"]
)
def test_what_is_no_url_of_a_proxy_is_refused_without_its_password(proxy: str) -> None:
    """The report is printed."""
    (problem,) = problems(proxy)
    assert "site_proxy" in problem["problem"]
    assert "s3cret" not in str(problem)
    assert endpoints(site(site_proxy=proxy), [REGISTRY]) == [REGISTRY]
