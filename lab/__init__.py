"""A data centre in a box: bare hosts, a real Ollama image, a real small model and a mirror, on one Linux machine.

`python -m lab up` brings it up, `python -m lab down` takes it down; `make demo`, molecule and CI use the same code.
"""
