"""``FENCE``: who holds a lock later has a higher number."""

from tests.core.command.dialogue import check, touches
from trivet.core.command.fencing import fence
from trivet.core.command.table import Context
from trivet.core.values.databases import Databases
from trivet.core.wire.reply import Error


def test_numbers_rise():
    context = Context(Databases())
    context.fence = 5 << 20
    assert [fence(context, [b"FENCE", b"k"]) for _ in range(2)] == [(5 << 20) + 1, (5 << 20) + 2]


def test_without_a_number_it_says_so():
    check("""
        > FENCE
        -ERR wrong number of arguments for 'fence' command
        """)
    context = Context(Databases())
    assert isinstance(fence(context, [b"FENCE", b"k"]), Error)


def test_it_changes_nothing():
    assert not touches("FENCE k")
