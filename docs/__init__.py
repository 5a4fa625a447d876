"""Documents, and what writes the parts of them that are made from something else."""
