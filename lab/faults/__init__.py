"""Faults on a lab site under load, one at a time, each judged by a bound of its own: `make faults`."""
