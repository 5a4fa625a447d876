#!/usr/bin/python
"""Ansible module: ask Prometheus whether it reads all its targets and knows its alerts."""

from __future__ import annotations

import http.client
import json
import time
import urllib.error
import urllib.request
from typing import Any

from ansible.module_utils.basic import AnsibleModule  # type: ignore[import-untyped]  # Ansible ships no types

DOCUMENTATION = r"""
module: monitoring_selftest
short_description: Prove that Prometheus reads its targets and has its alerts
description:
  - Waits until every target was read once without a fault, then looks for the alerts.
  - Fails with each target that cannot be read, and why.
options:
  url:
    description: Address of Prometheus.
    type: str
    required: true
  alerts:
    description: Names of alerts that have to be loaded.
    type: list
    elements: str
    required: true
  timeout:
    description: Seconds until every target has to have been read.
    type: int
    default: 60
attributes:
  check_mode:
    support: full
    description: In check mode nothing is asked.
author:
  - Alchemorsel
"""

EXAMPLES = r"""
- name: Have every target read
  monitoring_selftest:
    url: http://127.0.0.1:9090
    alerts: [AlchemorselServiceDown]
"""

RETURN = r"""
targets:
  description: The targets that are read, job and address.
  returned: success
  type: list
  elements: str
"""

POLL_INTERVAL = 1.0
"""Seconds between two looks."""
REQUEST_TIMEOUT = 5.0


class SelftestError(Exception):
    """Monitoring is not as it should be."""


def ask(url: str, path: str) -> Any:
    """Return the data of an answer of Prometheus' API.

    Raises:
        SelftestError: There is none.
    """
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url + path, timeout=REQUEST_TIMEOUT) as response:
            return json.loads(response.read())["data"]
    except (OSError, http.client.HTTPException, ValueError, KeyError) as error:
        raise SelftestError(f"Prometheus at {url} did not answer {path}: {error}") from error


def wrong_targets(url: str) -> tuple[list[str], list[str]]:
    """Return the targets that are read, and a sentence for each that is not.

    Raises:
        SelftestError: Prometheus does not answer.
    """
    targets = ask(url, "/api/v1/targets?state=active")["activeTargets"]
    read = [f"{t['labels']['job']} {t['labels']['instance']}" for t in targets if t["health"] == "up"]
    wrong = [
        f"{t['labels']['job']} {t['scrapeUrl']}: {t['lastError'] or 'not read yet'}"
        for t in targets
        if t["health"] != "up"
    ]
    return read, wrong


def try_out(url: str, alerts: list[str], timeout: float) -> list[str]:
    """Return the targets that are read.

    Raises:
        SelftestError: One is not, or an alert is missing.
    """
    deadline = time.monotonic() + timeout
    while True:
        try:
            read, wrong = wrong_targets(url)
        except SelftestError as error:
            read, wrong = [], [str(error)]
        if read and not wrong:
            break
        if time.monotonic() >= deadline:
            raise SelftestError("; ".join(wrong or ["Prometheus has no target: monitoring_targets is empty"]))
        time.sleep(POLL_INTERVAL)
    groups = ask(url, "/api/v1/rules?type=alert")["groups"]
    loaded = {rule["name"] for group in groups for rule in group["rules"]}
    if missing := sorted(set(alerts) - loaded):
        raise SelftestError(f"Prometheus has not loaded the alerts {', '.join(missing)}")
    return sorted(read)


def main() -> None:
    """Run as an Ansible module."""
    module = AnsibleModule(
        argument_spec={
            "url": {"type": "str", "required": True},
            "alerts": {"type": "list", "elements": "str", "required": True},
            "timeout": {"type": "int", "default": 60},
        },
        supports_check_mode=True,
    )
    if module.check_mode:
        module.exit_json(changed=False, targets=[])
    try:
        targets = try_out(module.params["url"].rstrip("/"), module.params["alerts"], module.params["timeout"])
    except SelftestError as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=False, targets=targets)


if __name__ == "__main__":
    main()
