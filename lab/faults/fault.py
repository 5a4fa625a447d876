"""A fault as data: how it is injected and healed, how long it is watched, and the bound that it is held to."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager


class Site(Protocol):
    """The site as faults need it; `lab.faults.site.LabSite` is the real one.

    Attributes:
        address: Of its host.
        port: Of the API, which speaks TLS.
        ca_file: CA bundle of its certificate.
    """

    address: str
    port: int
    ca_file: str

    def shell(self, script: str, timeout_s: float = 60.0) -> str:
        """Run a script as root on the host, and return what it prints."""

    def restart(self) -> None:
        """Restart the host, as after a loss of power."""


@dataclass(frozen=True)
class Bound:
    """What a row is held to.

    Attributes:
        recovers_s: Seconds within which the site is as before: from the end of the fault, or from its beginning where
            nobody ends it.
        refuses: Whether cached keys may be refused by 503 with Retry-After: no instance is live, or no cache is.
        away_s: Seconds within which requests may be lost, from the first to the last; 0 allows none.
        p99_ratio: p99 of cached answers over that before the fault, at most; 0 where that is not bounded.
    """

    recovers_s: float
    refuses: bool = False
    away_s: float = 0.0
    p99_ratio: float = 0.0


@dataclass(frozen=True)
class Fault:
    """One row.

    Attributes:
        name: To choose it by.
        part: What fails.
        title: What happens to it.
        act: Injects the fault on entry, heals it on exit.
        bound: Of the row.
        during_s: How long the fault lasts, or is watched where it ends by itself.
        after_s: How long the site is watched after that.
        heals_itself: Nobody ends it: systemd, Docker or the service does.
        is_models: Whether the model is away meanwhile: the site is as before once it answers again.
        noticed: What the journal says once a part of the site has noticed it, as an extended regular expression;
            "" where nothing has to.
        prepare: Script that is run on the host before the load begins; without what it brings, the fault is not run.
        obstacle: Why it cannot be injected here; "" where it can.
    """

    name: str
    part: str
    title: str
    act: Callable[[Site], AbstractContextManager[None]]
    bound: Bound
    during_s: float = 10.0
    after_s: float = 10.0
    heals_itself: bool = False
    is_models: bool = False
    noticed: str = ""
    prepare: str = ""
    obstacle: str = ""


@dataclass(frozen=True)
class Commands:
    """A fault made by scripts on the host.

    Attributes:
        inject: Script; one that fails means that the fault cannot be injected.
        heal: Script; "" where nobody ends the fault.
        timeout_s: Of each.
    """

    inject: str
    heal: str = ""
    timeout_s: float = 60.0

    @contextmanager
    def __call__(self, site: Site) -> Iterator[None]:
        """Inject, and heal in any case: the next row needs a whole site."""
        try:
            site.shell(self.inject, self.timeout_s)
            yield
        finally:
            if self.heal:
                site.shell(self.heal, self.timeout_s)


def main_pid(unit: str) -> str:
    """Return what a script has in place of the id of a unit's main process."""
    return f"$(systemctl show --property MainPID --value {unit})"
