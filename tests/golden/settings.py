"""The environment variables: defaults and meanings, and what each takes, in the words of the refusal."""

from __future__ import annotations

import re

from ai_service.cli.errors import CliError
from ai_service.cli.site import Site
from ai_service.config import environment
from ai_service.config.settings import Settings
from ai_service.errors import ConfigurationError
from ai_service.web.settings import WebSettings
from tools.docs.settings_table import settings_table

_WRONG = "\x02"
_PROGRAMS: dict[str, type[Settings | WebSettings | Site]] = {
    "python -m ai_service": Settings,
    "python -m ai_service.web": WebSettings,
    "alchemorsel": Site,
}


def describe_settings() -> str:
    """Return the table of each program, and its refusal where every variable is wrong."""
    return "\n".join(f"# {name}\n{settings_table(kind)}{_refusal(kind)}" for name, kind in _PROGRAMS.items())


def _refusal(kind: type[Settings | WebSettings | Site]) -> str:
    try:
        kind.from_env({item.variable: _WRONG for item in environment.of(kind).values()})
    except (ConfigurationError, CliError) as error:
        told = re.sub(r"; (?=ALCHEMORSEL_)", "\n  ", str(error))
        return f"Where each is {_WRONG!r}:\n{told}\n"
    raise AssertionError("nothing is refused")
