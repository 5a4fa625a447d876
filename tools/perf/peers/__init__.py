"""Our service beside other gateways: the same load on real processes, in turns, in one run.

Modules: `server` (a process of the run), `wrk` (the load generator), `cores` (who runs where), `echo` (the yardstick),
`upstream` (a server of OpenAI's wire format that counts its calls), `service` (ours, and its Redis), `gateways` (nginx,
LiteLLM), `candidates` (who takes part, and with what load), `comparison` (the rounds), `ranking` (what they come to,
and the verdict), `report` (conditions and table), `command` (the command line's part).
"""
