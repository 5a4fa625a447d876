"""Programs that ask a service; each needs nothing of this repository."""
