"""Option sets that always fail, without any bug in the store."""

import msgspec

from trivet.lab.world.options import RunOptions, draw_options


def impatient(seed: int = 1) -> RunOptions:
    """Ends in a complaint: nobody can serve within 1 ms."""
    return msgspec.structs.replace(draw_options(seed, 3, 10), settle_ms=1, liveness_ms=1, core_rate=0.0)


def raising(seed: int) -> RunOptions:
    """The lab itself cannot run it."""
    return RunOptions(seed=seed, workloads="nonsense")
