"""How hypothesis searches here: by as many examples as ever, against no clock."""

from hypothesis import HealthCheck, settings

# A machine that is busy with other things must not turn a test red.
settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unhurried")
