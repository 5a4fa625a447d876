"""The report of a run: one HTML file that needs nothing else, for the screen, the phone and the printer."""

from bench.report.page import render

__all__ = ["render"]
