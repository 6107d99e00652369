"""The limits of a script follow the settings of the cluster."""

from trivet.core.script.limits import INSTRUCTIONS, MEMORY, ScriptLimits


def test_the_limits_are_those_of_the_settings_and_others_mean_nothing():
    limits = ScriptLimits()
    assert (limits.steps_max, limits.memory_bytes_max) == (50_000_000, 64 << 20)
    limits.put(INSTRUCTIONS, b"2000000")
    limits.put(MEMORY, b"1048576")
    limits.put(b"timeout", b"7")
    assert (limits.steps_max, limits.memory_bytes_max) == (2_000_000, 1 << 20)
    limits.reset()
    assert (limits.steps_max, limits.memory_bytes_max) == (50_000_000, 64 << 20)
