"""Pages of other origins."""

from __future__ import annotations

import pytest

from ai_service.access.keys import hash_key, new_key
from ai_service.config.settings import Settings
from ai_service.errors import ConfigurationError
from tests.unit.service.client import Client

ORIGIN = "https://app.example.com"
PATH = "/v1/chat/completions"
PREFLIGHT = {
    "origin": ORIGIN,
    "access-control-request-method": "POST",
    "access-control-request-headers": "authorization, x-stainless-lang",
}


async def test_an_allowed_origin_may_ask(tmp_path: pytest.TempPathFactory) -> None:
    """The preflight needs no key, the request does; its page may read our headers."""
    keys = tmp_path / "keys"  # type: ignore[operator]
    keys.write_text(hash_key("app", key := new_key()).line())
    async with Client(ALCHEMORSEL_CORS_ORIGINS=ORIGIN, ALCHEMORSEL_API_KEYS_FILE=str(keys)) as client:
        preflight = await client.options(PATH, headers=PREFLIGHT)
        assert preflight.status_code == 200
        assert preflight.headers["access-control-allow-origin"] == ORIGIN
        assert "x-stainless-lang" in preflight.headers["access-control-allow-headers"]
        body = {"model": "ollama-model", "messages": [{"role": "user", "content": "Name a herb."}]}
        assert (await client.post(PATH, json=body, headers={"origin": ORIGIN})).status_code == 401
        response = await client.post(PATH, json=body, headers={"origin": ORIGIN, "api-key": key})
        assert response.status_code == 200
        assert response.headers["access-control-allow-origin"] == ORIGIN
        assert "Cache-Status" in response.headers["access-control-expose-headers"]


async def test_other_origins_may_not() -> None:
    """Their preflight is refused, and no response names them."""
    async with Client(ALCHEMORSEL_CORS_ORIGINS=ORIGIN) as client:
        refused = await client.options(PATH, headers={**PREFLIGHT, "origin": "https://evil.example"})
        assert refused.status_code == 400
        assert "access-control-allow-origin" not in refused.headers
    async with Client() as client:
        assert "access-control-allow-origin" not in (await client.get("/health", headers={"origin": ORIGIN})).headers


@pytest.mark.parametrize("wrong", ["app.example.com", "https://app.example.com/", "https://a@b.example", "ftp://x"])
def test_an_origin_has_scheme_and_host(wrong: str) -> None:
    """Anything else would never match."""
    with pytest.raises(ConfigurationError, match="expected an origin"):
        Settings.from_env({"ALCHEMORSEL_CORS_ORIGINS": wrong})
