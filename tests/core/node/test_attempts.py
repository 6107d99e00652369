"""What a node remembers of a transaction that it coordinates."""

import pytest

from trivet.core.machine.entry import encode_calls
from trivet.core.node.attempts import Asked, Attempt, Counts, News, Transacting, names_scripts
from trivet.core.transaction.coordinator import Coordinator, End
from trivet.core.transaction.words import Stamp, TransactionId
from trivet.core.wire.reply import OK


class Hears:
    def __init__(self) -> None:
        self.heard = []

    def run_done(self) -> None:
        self.heard.append("done")

    def answered(self, asked) -> None:
        self.heard.append(asked)

    def has_news(self, wide) -> None:
        self.heard.append(wide)


def test_it_is_one_call_with_the_locks_of_all_in_it():
    hears = Hears()
    calls = encode_calls([(3, [b"GET", b"a"]), (3, [b"SET", b"b", b"1"])])
    wide = Transacting(hears, (3, [b"AS", b"ann", b"7", b"EXEC", calls, b""]), 7, [2], Stamp(1, 2, 3))
    assert wide.count == 1 and wide.writes and wide.first == [b"EXEC", calls, b""]
    assert wide.wanted == {(3, b"a"): 0, (3, b"b"): 2}
    wide.finish([OK])
    assert hears.heard == ["done"]


def test_answers_go_to_whoever_goes_on():
    hears = Hears()
    wide = Transacting(hears, (3, [b"DEL", b"a"]), 7, [], Stamp(1, 2, 3))
    attempt = Attempt(Coordinator(TransactionId(1, 2, 3), wide.stamp, 5, 7), wide)
    asked = Asked(hears, attempt, 5, b"LOCK")
    asked.run_done()
    News(hears, wide).run_done()
    assert hears.heard == [asked, wide]


@pytest.mark.parametrize(
    ("words", "does"),
    [
        ([b"EVALSHA", b"x", b"0"], True),
        ([b"FCALL_RO", b"x", b"0"], True),
        ([b"EVAL", b"x", b"0"], False),
        ([b"EXEC", encode_calls([(0, [b"FCALL", b"f", b"0"])]), b""], True),
        ([b"EXEC", encode_calls([(-1, [b"FCALL", b"f", b"0"])]), b""], False),
    ],
)
def test_whether_a_call_names_a_script(words, does):
    assert names_scripts(words) is does


def test_all_ends_are_counted():
    assert list(Counts().refused) == list(End)
