"""The list of Ollama servers as it is written down."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ai_service.config.ollama_servers import ServerEntry, parse_servers, parse_source
from ai_service.config.settings import Settings, settings_warnings
from ai_service.errors import ConfigurationError

if TYPE_CHECKING:
    from pathlib import Path

DOCUMENT = """
# The two hosts of the site.
servers:
  - url: http://10.0.0.1:11434/
    models: [llama3.2:3b, nomic-embed-text]
    slots: 4
    weight: 2
  - url: dns+http://tasks.ollama:11434
    state: drain
digests:
  llama3.2:3b: sha256:A80C4F17ACD55265FEEC403C7AEF86BE0C25983AB279D83F3BCD3ABBCB5B8B72
"""


def settings(**values: str) -> Settings:
    """Read settings, named without their prefix."""
    return Settings.from_env({f"ALCHEMORSEL_{name}": value for name, value in values.items()})


def entry_urls(read: Settings) -> list[str]:
    """Return the URLs of the list."""
    return [entry.url for entry in read.ollama_source.servers.servers]


def test_a_file_holds_all_of_it(tmp_path: Path) -> None:
    """In YAML; JSON is YAML."""
    path = tmp_path / "servers.yml"
    path.write_text(DOCUMENT, encoding="utf-8")
    source = settings(OLLAMA_SERVERS=str(path)).ollama_source
    first, second = source.servers.servers
    assert first == ServerEntry("http://10.0.0.1:11434", ("llama3.2:3b", "nomic-embed-text"), 4, 2)
    assert (second.is_dns, second.state, second.models, second.slots) == (True, "drain", None, None)
    assert first.serves("nomic-embed-text:latest")
    assert not first.serves("mistral:7b")
    assert second.serves("mistral:7b")
    assert source.servers.digest_of("llama3.2:3b") == "a80c4f17acd5"
    assert source.servers.digest_of("mistral:7b") == ""
    assert source.path == str(path)


def test_a_list_of_urls_or_the_document_itself_stands_in_the_setting() -> None:
    """Separated by commas; as JSON it has everything that a file has."""
    assert entry_urls(settings(OLLAMA_SERVERS="http://a:1, http://b:1/,dns+http://c:1")) == [
        "http://a:1",
        "http://b:1",
        "dns+http://c:1",
    ]
    inline = settings(OLLAMA_SERVERS='{"servers": [{"url": "http://a:1", "slots": 2}]}').ollama_source
    assert inline.servers.servers == (ServerEntry("http://a:1", slots=2),)


def test_without_a_list_it_is_the_one_host() -> None:
    """As ever."""
    assert entry_urls(settings()) == ["http://127.0.0.1:11434"]
    assert entry_urls(settings(OLLAMA_HOST="http://ollama:11434")) == ["http://ollama:11434"]
    assert parse_source("") is None


def test_the_former_setting_names_servers_beside_the_host() -> None:
    """With a warning, until it is removed."""
    former = {"ALCHEMORSEL_OLLAMA_HOST": "http://a:1", "ALCHEMORSEL_OLLAMA_MORE_HOSTS": "http://b:1,http://c:1"}
    read = Settings.from_env(former)
    assert entry_urls(read) == ["http://a:1", "http://b:1", "http://c:1"]
    (warning,) = settings_warnings(read, former)
    assert "ALCHEMORSEL_OLLAMA_MORE_HOSTS is deprecated" in warning
    with pytest.raises(ConfigurationError, match="former name"):
        settings(OLLAMA_MORE_HOSTS="http://b:1", OLLAMA_SERVERS="http://a:1,http://b:1")


def test_a_host_that_is_not_in_the_list_is_named() -> None:
    """It is not asked, which nobody would notice otherwise."""
    environ = {"ALCHEMORSEL_OLLAMA_HOST": "http://a:1", "ALCHEMORSEL_OLLAMA_SERVERS": "http://b:1"}
    (warning,) = settings_warnings(Settings.from_env(environ), environ)
    assert "ALCHEMORSEL_OLLAMA_HOST=http://a:1 is not used" in warning
    environ["ALCHEMORSEL_OLLAMA_SERVERS"] += ",http://a:1"
    assert not settings_warnings(Settings.from_env(environ), environ)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("servers: []", "at least one server"),
        ("servers: [{url: http://a, slot: 2}]", "unknown field `slot`"),
        ("servers: [{url: http://a, slots: -1}]", r"Expected `int` >= 1 - at `\$.servers\[0\].slots`"),
        ("servers: [{url: http://a, slots: 0}]", ">= 1"),
        ("servers: [{url: http://a, weight: 0}]", ">= 1"),
        ("servers: [{url: http://a, state: off}]", "state"),
        ("servers: [{url: http://a, models: []}]", "name at least one"),
        ("servers: [{url: http://a, models: ['a b']}]", "'a b' is no name of a model"),
        ("servers: [{models: [a]}]", "missing required field `url`"),
        ("servers: [{url: http://a}, {url: http://a/}]", "http://a: expected each server once, got 2"),
        ("servers: [{url: ftp://a}]", "ftp://a: expected a URL that starts with http"),
        ("servers: [{url: 'http://u:p@a'}]", "without a password"),
        ("servers: [{url: dns+http://name}]", "dns[+]http://NAME:PORT"),
        ("servers: [{url: dns+https://name:1}]", "dns[+]http://NAME:PORT"),
        ("servers: [{url: http://a}]\ndigests: {m: xyz}", "digests: m: expected 12 to 64 hexadecimal digits"),
        ("servers: [{url: http://a}]\nmodels: {}", "unknown field `models`"),
        ("servers: [", "expected a list of servers"),
        ("- http://a", "expected a list of servers"),
        ("", "expected a list of servers"),
    ],
)
def test_a_mistake_is_named_with_its_place(text: str, told: str) -> None:
    """And says what would be right."""
    with pytest.raises(ValueError, match=told):
        parse_servers(text)


def test_all_mistakes_are_named_at_once() -> None:
    """As everywhere in the settings."""
    with pytest.raises(ValueError, match=r"ftp://a.*gopher://b"):
        parse_servers("servers: [{url: ftp://a}, {url: gopher://b}]")


@pytest.mark.parametrize("text", ["10.0.0.2:11435", "http://a,http://a/", ",", "/no/such/file.yml", "{"])
def test_a_wrong_setting_is_refused_at_the_start(text: str) -> None:
    """By its name."""
    with pytest.raises(ConfigurationError, match="ALCHEMORSEL_OLLAMA_SERVERS"):
        settings(OLLAMA_SERVERS=text)


def test_a_model_that_no_server_has_is_refused_at_the_start() -> None:
    """Each of those that are asked of Ollama; drained servers count, since they come back."""
    one = '{"servers": [{"url": "http://a", "models": ["llama3.2:3b"], "state": "drain"}]}'
    settings(OLLAMA_SERVERS=one)
    settings(OLLAMA_SERVERS=one, AI_PROVIDER="mock", AI_FALLBACKS="mock", OLLAMA_MODEL="mistral:7b")
    for name in ("OLLAMA_MODEL", "RECIPE_MODEL", "MODELS"):
        with pytest.raises(ConfigurationError, match="no server has the model mistral:7b"):
            settings(OLLAMA_SERVERS=one, **{name: "mistral:7b"})
