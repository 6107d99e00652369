"""CPU time per call: that it is measured in both modes, and every call is answered."""

from bench.register_cpu import MODES, cluster_of, cost_us


def test_both_modes_answer_every_call():
    for mode in MODES:
        cluster = cluster_of(mode)
        for op in ("SET", "INCR", "GET"):
            assert cost_us(cluster, op, 6, 60) > 0
