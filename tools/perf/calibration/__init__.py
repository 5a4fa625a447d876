"""How often verdicts and comparisons are wrong, by simulated runs of services whose truth is known."""
