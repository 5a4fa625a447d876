"""The recordings of the service in `docs/examples`: ``python -m tools.docs.example_service``.

main           __main__.py    which recordings are made, and that nothing is written that does not show what it claims
recordings     recordings.py  what is done for each of them
claims         claims.py      what the text of each of them must show
parts          parts.py       the real Redis, the real Ollama, the real service
transcript     transcript.py  commands and what they print, without names of this machine
clients        clients/       programs that ask, each by itself, as a reader may run them
"""
