"""Settings of the whole suite."""

import os

from hypothesis import HealthCheck, settings

# A busy machine is no reason to fail: no test is timed. In CI the examples are the same on every run.
settings.register_profile(
    "gatewayz",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    derandomize=bool(os.environ.get("CI")),
    print_blob=True,
)
settings.load_profile("gatewayz")
