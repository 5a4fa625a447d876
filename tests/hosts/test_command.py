"""A service host has the command, and it works there."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from testinfra.host import Host

GROUP = "ai_service_hosts"


def test_status_shows_the_services_of_this_host(host: Host) -> None:
    """The service runs, its health is told, and so is the page's."""
    told = json.loads(host.check_output("alchemorsel status --json"))
    assert told["components"]["api"]["running"]
    assert told["health"]["status"] in {"healthy", "degraded"}


def test_what_the_service_logs_can_be_read(host: Host) -> None:
    """By name of the part, whatever the unit is called: a JSON object a line, the service's own as they were logged."""
    host.check_output("alchemorsel status --json")  # asks the service, which logs that
    lines = host.check_output("alchemorsel logs api --lines 20 --json").splitlines()
    loggers = [record["logger"] for record in map(json.loads, lines) if "logger" in record]
    assert loggers, lines
    assert all(logger.startswith("ai_service") for logger in loggers), lines


def test_bash_completes_the_commands(host: Host) -> None:
    """By the file that the package bash-completion reads."""
    typed = "COMP_LINE='alchemorsel stat'; COMP_POINT=16; _alchemorsel_completion alchemorsel; echo \"${COMPREPLY[@]}\""
    script = f". /usr/local/share/bash-completion/completions/alchemorsel; {typed}"
    assert host.check_output("bash -c %s", script) == "status"
