"""The benchmark harness: Locust makes the load, the harness judges the raw samples and proves what they are.

``python -m bench run --target URL`` measures a running service, ``pytest bench --target URL`` does so as tests, and
``python -m bench compare OLD NEW`` tells whether two runs differ. A figure counts only with proof: a "cached" sample is
one whose answer says it was a cache hit, an "uncached" one says it was a miss answered by a real model, and the
service's own counters must agree. Otherwise the verdict is INVALID, whatever the latencies look like.

Rooms: `load` (what is sent, and when), `sequential` (streams and cold starts), `evidence` (what proves a figure),
`verdict` (bounds, percentiles, how sure they are), `compare` (two runs, baselines), `report` (page, terminal, JUnit);
`capacity` is a measurement of its own. `measure` makes one run, `session` leads it, `interfaces` are what that needs of
others, `samples` and `results` are the two files that it leaves. Nothing here imports the service, the lab or `tools`,
which import-linter checks in `make lint`.
"""
