import msgspec
import pytest

from trivet.core.lattice.delta import DEADLINE, FIELD, ITEM, LAST_ID, STRING, Change, Delta, Kind, problem_of


def delta(*changes) -> Delta:
    return Delta(1, 5, 9, b"k", list(changes))


@pytest.mark.parametrize(
    "good",
    [
        delta(Change(STRING, b"", [(2, 1)], [(3, 1, b"7")], b"x")),
        delta(Change(FIELD, b"a", added=(5, b"1/10")), Change(FIELD, b"b", added=(2, b"-3"), after=(2, 1))),
        delta(Change(ITEM, b"x" * 24, payload=b"")),
        Delta(2, 5, 9, b"k", [Change(STRING, b"", payload=b"x")], ((1, 7), (3, 2))),
    ],
)
def test_there_and_back(good):
    assert problem_of(good) == ""
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(good), type=Delta) == good


@pytest.mark.parametrize(
    ("problem", "bad"),
    [
        ("do not rise", delta(Change(FIELD, b"b", payload=b""), Change(FIELD, b"a", payload=b""))),
        ("do not rise", delta(Change(FIELD, b"a", payload=b""), Change(FIELD, b"a", payload=b""))),
        ("begins after itself", delta(Change(FIELD, b"a", added=(6, b"1")))),
        ("at a time", delta(Change(FIELD, b"a", payload=b"x", added=(1, b"1")))),
        ("not an amount", delta(Change(FIELD, b"a", added=(1, b"one")))),
        ("no amount", delta(Change(FIELD, b"a", bases=[(2, 1, b"")]))),
        ("takes back itself", delta(Change(FIELD, b"a", bases=[(1, 5, b"1")]))),
        ("removes itself", delta(Change(FIELD, b"a", [(1, 5)]))),
        ("only one element", delta(Change(STRING, b"a", payload=b"x"))),
        ("only one element", delta(Change(DEADLINE, b"a", payload=b"1"))),
        ("only one element", delta(Change(LAST_ID, b"a", payload=b"1"))),
        ("does not rise", Delta(2, 5, 9, b"k", [Change(STRING, b"", payload=b"x")], ((3, 1), (1, 1)))),
        ("does not rise", Delta(2, 5, 9, b"k", [Change(STRING, b"", payload=b"x")], ((3, 1), (3, 2)))),
        ("after itself", Delta(2, 5, 9, b"k", [Change(STRING, b"", payload=b"x")], ((2, 4),))),
        ("place in a list", delta(Change(ITEM, b"short", payload=b"x"))),
    ],
)
def test_problems(problem, bad):
    assert problem in problem_of(bad)


@pytest.mark.parametrize(
    "bad",
    [
        [1, 5, 9, b"k", []],
        [0, 5, 9, b"k", [[STRING, b""]]],
        [1, 0, 9, b"k", [[STRING, b""]]],
        [1, 5, 9, b"k", [[9, b""]]],
        [1, 5, 9, b"k", [[STRING, b"", [(0, 1)]]]],
    ],
)
def test_nonsense_is_not_decoded(bad):
    with pytest.raises(msgspec.ValidationError):
        msgspec.msgpack.decode(msgspec.msgpack.encode(bad), type=Delta)


def test_kinds_have_names():
    assert [int(kind) for kind in Kind] == list(range(1, 9))


def test_an_update_that_says_nothing_of_what_it_comes_after_is_read_too():
    """As earlier versions have written it."""
    data = msgspec.msgpack.encode([1, 5, 9, b"k", [[STRING, b"", [], [], b"x"]]])
    assert msgspec.msgpack.decode(data, type=Delta).after == ()
