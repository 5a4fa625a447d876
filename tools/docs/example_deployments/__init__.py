"""A recording of deployments under load, made on the lab's site by `python -m tools.docs.example_deployments`."""
