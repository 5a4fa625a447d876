"""Runs of molecule's scenarios: the matrix of scenarios and releases, the runner, and what molecule's output says."""
