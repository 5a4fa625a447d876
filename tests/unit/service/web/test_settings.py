"""The page's settings."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ai_service.errors import ConfigurationError
from ai_service.web.settings import WebSettings

if TYPE_CHECKING:
    from pathlib import Path


def test_unset_means_the_api_on_this_machine() -> None:
    """The laptop's case."""
    settings = WebSettings.from_env({})
    assert (settings.host, settings.port, settings.api_url) == ("127.0.0.1", 3011, "http://127.0.0.1:3010")


def test_every_mistake_is_told_at_once() -> None:
    """A setting of the API among the page's is one, with the right name beside it."""
    with pytest.raises(ConfigurationError) as caught:
        WebSettings.from_env({"ALCHEMORSEL_WEB_PORT": "x", "ALCHEMORSEL_WEB_API_URI": "http://a"})
    assert [mistake.split(":")[0] for mistake in caught.value.mistakes] == [
        "ALCHEMORSEL_WEB_API_URI",
        "ALCHEMORSEL_WEB_PORT='x'",
    ]
    assert "did you mean ALCHEMORSEL_WEB_API_URL?" in caught.value.mistakes[0]


def test_the_key_is_read_from_its_file_and_not_shown(tmp_path: Path) -> None:
    """Nor would a log of the settings show it."""
    (tmp_path / "key").write_text("a-key\n")
    settings = WebSettings.from_env({"ALCHEMORSEL_WEB_API_KEY_FILE": "key", "CREDENTIALS_DIRECTORY": str(tmp_path)})
    assert settings.api_key == "a-key"
    assert "a-key" not in repr(settings)


def test_host_names_are_read_as_browsers_write_them() -> None:
    """In lower case, each once; an inventory may list addresses among them."""
    written = "Page.example., page.example,10.20.0.41, fd00::1, ai_dev"
    hosts = WebSettings.from_env({"ALCHEMORSEL_WEB_HOSTS": written}).hosts
    assert hosts == ("page.example", "10.20.0.41", "fd00::1", "ai_dev")


@pytest.mark.parametrize(
    "name", ["*", "*.example", "http://page.example", "page.example:3011", "a b", "ä.example", "-a"]
)
def test_what_no_browser_sends_as_a_host_name_is_a_mistake(name: str) -> None:
    """A wildcard would let every name in."""
    with pytest.raises(ConfigurationError, match="expected host names such as"):
        WebSettings.from_env({"ALCHEMORSEL_WEB_HOSTS": f"page.example,{name}"})
