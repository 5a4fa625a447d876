"""What a lab host gets to run beside its site."""

from __future__ import annotations

import re

from lab.faults import programs


def test_every_unit_runs_a_module_that_the_host_gets() -> None:
    """By its name in the folder that the unit works in, or by its path."""
    files = {path: content.decode() for path, content in programs.files()}
    for unit in programs.UNITS:
        text = files[f"/etc/systemd/system/{unit}.service"]
        settings = dict(re.findall(r"(?m)^(WorkingDirectory|ExecStart)=(.*)", text))
        words = settings["ExecStart"].removeprefix("/usr/bin/python3 ").split()
        module = f"{settings['WorkingDirectory']}/{words[1].replace('.', '/')}.py" if words[0] == "-m" else words[0]
        assert module in files
