"""Who may administer: the holder of the administrator's key, or of an API key with that role."""

from __future__ import annotations

from hashlib import sha256
from hmac import compare_digest
from typing import TYPE_CHECKING

from ai_service.errors import Forbidden, Unauthorized
from ai_service.http.request_parts import CALLER

if TYPE_CHECKING:
    from starlette.requests import Request


class AdminKey:
    """Guards the administrator's routes.

    Where API keys are configured, the access gate in front has let nobody but an administrator through already.

    Args:
        key: The administrator's key; "" where none is set.
    """

    def __init__(self, key: str) -> None:
        self._digest = sha256(key.encode()).digest() if key else None

    def check(self, request: Request) -> None:
        """Lets an administrator pass.

        Raises:
            Forbidden: Nobody can be one: no key is configured.
            Unauthorized: No key, or a wrong one.
        """
        if CALLER in request.scope:
            return
        if self._digest is None:
            raise Forbidden(
                "The administrator's routes are off. To enable them, set ALCHEMORSEL_ADMIN_KEY_FILE to a file with a "
                "key, or give a key in ALCHEMORSEL_API_KEYS_FILE the role admin."
            )
        scheme, _, presented = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not presented.strip():
            raise Unauthorized("Expected the administrator's key, as `Authorization: Bearer <key>`.")
        if not compare_digest(sha256(presented.strip().encode("utf-8", "replace")).digest(), self._digest):
            raise Unauthorized("Invalid administrator's key.", presented=True)
