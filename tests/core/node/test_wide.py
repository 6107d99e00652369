"""What runs transactions over groups is what others think it is."""

from tests.core.node.crossing import sharded, transactions
from trivet.core.node.wide import Transactor


def test_who_runs_them():
    bench = sharded()
    found: Transactor = transactions(bench)
    front = bench.node(1).front
    assert front.transactor is found and front.rerouting.transactor is found
    for name in ("begin", "is_held", "take", "tick", "watches_in"):
        assert callable(getattr(found, name)) and getattr(Transactor, name).__doc__
