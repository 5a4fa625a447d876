"""What holds for every test."""

from hypothesis import HealthCheck, settings

# No test asserts a duration, not how long an example takes either.
settings.register_profile("project", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("project")
