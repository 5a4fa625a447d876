"""When the role ai_service has the release check the Redis server: before it gets one that it did not have."""

from __future__ import annotations

from typing import Any

from tests.roles.templates import evaluate, role_variables

FILE = "/etc/alchemorsel/ai_service.env"
SETTINGS = 'ALCHEMORSEL_REDIS_URL="redis://127.0.0.1:6379/0"\nALCHEMORSEL_REDIS_USERNAME="alchemorsel"\n'


def checks(current: str | None, **settings: Any) -> bool:
    """Return whether it is checked on a host with these settings."""
    files = {} if current is None else {FILE: current}
    variables = {
        **role_variables("ai_service"),
        "__ai_service_facts": {"files": files},
        "__ai_service_rendered_settings": SETTINGS + 'ALCHEMORSEL_OLLAMA_MODEL="new"\n',
        **settings,
    }
    found: bool = evaluate(variables["__ai_service_checks_redis"], variables)
    return found


def test_server_is_checked_before_it_is_used_first() -> None:
    """On a bare host, and where its address or user changes."""
    assert checks(None) is True
    assert checks(SETTINGS.replace("6379", "6380")) is True
    assert checks(SETTINGS.replace("alchemorsel", "another")) is True


def test_server_that_is_in_use_stops_no_deployment() -> None:
    """It may be down: other settings and releases are deployed all the same."""
    assert checks(SETTINGS + 'ALCHEMORSEL_OLLAMA_MODEL="old"\n') is False


def test_former_release_and_service_without_redis_check_nothing() -> None:
    """The one does not know how, the other has nothing to check."""
    assert checks(None, ai_service_release="previous") is False
    assert checks(None, ai_service_redis_url="", __ai_service_rendered_settings="") is False
