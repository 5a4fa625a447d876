"""What the service may cost, measured on real processes on this machine.

Modules: `finding` (a budget and what was measured), `import_time`, `memory`, `herd`, `overhead`, `cached_rate` (one
measurement each), `crowd` (a hundred clients at once), `command` (the command line's part), `table`.
"""
