"""Our service beside other gateways: the same load on real processes, in turns, in one run.

Modules: `server` (a process of the run), `cores` (who runs where), `echo` (the yardstick of hits), `upstream` (a server
of OpenAI's wire format that counts its calls, the yardstick of misses), `service` (ours, and its Redis), `edge`,
`gateways` (nginx, LiteLLM, Portkey), `field` (starts who takes part); `generator` (a generator as a process), `wrk`
(closed loops), `pacer` (open loops); `rounds` (everybody in turns); `candidates`, `comparison`, `ranking` (hits, with
bounds and verdict), `steady`, `misses`, `herd` (the other loads), `load_table` (what they come to), `loads` (one after
the other); `report` (conditions and tables), `command` (the command line's part).
"""
