"""From proven samples to verdicts: the bounds of slo.yml, percentiles, and how sure they are."""
