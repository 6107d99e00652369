from tests.core.command.dialogue import Replica, check
from trivet.core.command.fencing import NOT_OVER_GROUPS
from trivet.core.command.table import ROWS, Flag


class Numbers:
    """A ``Fencing`` that counts."""

    def __init__(self) -> None:
        self.last = 40

    def tell(self) -> int:
        self.last += 1
        return self.last


def test_a_number_as_whoever_runs_it_has_it():
    replica = Replica()
    replica.context.fences = Numbers()
    assert [replica.run("FENCE a"), replica.run("fence b")] == [41, 42]
    assert not replica.touched


def test_none_where_calls_of_several_groups_run():
    assert Replica().run("FENCE a") == NOT_OVER_GROUPS


def test_its_words():
    check("""
        > FENCE
        -ERR wrong number of arguments for 'fence' command
        > FENCE a b
        -ERR wrong number of arguments for 'fence' command
    """)


def test_its_row():
    """It reads its key, and may stand wherever a GET may."""
    row = ROWS[b"FENCE"]
    assert (row.flags, row.first_key, row.last_key) == (Flag.READONLY | Flag.FAST, 1, 1)
    assert row.flags == ROWS[b"GET"].flags
