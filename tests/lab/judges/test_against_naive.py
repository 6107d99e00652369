"""The judges against naive ones that try every order, on thousands of small histories, good and bad."""

import pytest
from naive_judges import Simple, SimpleTransaction, linearizable, serializable
from random_histories import operations, transactions

from trivet.core.base.prng import Prng
from trivet.lab.history import FOREVER_US, Operation, Outcome
from trivet.lab.judges import smallest as smallest_module
from trivet.lab.judges.configurations import Search
from trivet.lab.judges.linearizability import judge
from trivet.lab.judges.serializability import SERIALIZABLE, STRICT
from trivet.lab.judges.serializability import judge as judge_transactions
from trivet.lab.judges.smallest import first_failure, smallest
from trivet.lab.judges.transactions import Append, Read, Transaction
from trivet.lab.resp import OK, ReplyError, Value

KEY = b"k"


def told(number: int, simple: Simple) -> Operation:
    start, end, name, argument, said = simple
    command: tuple[bytes, ...] = (name.upper().encode(), KEY)
    if name == "cas":
        old, new = argument
        command = (b"CAS", KEY, new.encode(), *([b"nil"] if old is None else [b"is", old.encode()]))
    elif name in ("set", "append", "setnx"):
        command = (*command, argument.encode())
    reply: Value = OK if said == "OK" else ReplyError("ERR") if said == "error" else said
    if isinstance(said, str) and name == "get":
        reply = said.encode()
    return Operation(
        number=number,
        client=number,
        conn=number,
        node=1,
        commands=(command,),
        keys=(KEY,),
        invoke_us=start,
        return_us=FOREVER_US if end is None else end,
        outcome=Outcome.INFO if end is None else Outcome.OK,
        replies=() if end is None else (reply,),
    )


def told_transaction(number: int, simple: SimpleTransaction) -> Transaction:
    start, end, steps, failed = simple
    return Transaction(
        number=number,
        process=number,
        steps=tuple(
            Append(k.encode(), v) if kind == "append" else Read(k.encode(), v) for kind, k, v in steps
        ),
        outcome=Outcome.INFO if end is None else Outcome.FAIL if failed else Outcome.OK,
        invoke_us=start,
        return_us=FOREVER_US if end is None else end,
    )


def compare_operations(seed: int, count: int) -> int:
    prng = Prng(seed)
    good = 0
    for _ in range(count):
        history = operations(prng)
        complaints, unknown = judge([told(i, simple) for i, simple in enumerate(history)])
        assert unknown == 0
        assert linearizable(history) == (not complaints), history
        good += not complaints
    return good


def compare_transactions(seed: int, count: int) -> tuple[int, int]:
    prng = Prng(seed)
    good = strictly = 0
    for _ in range(count):
        history = transactions(prng)
        listed = [told_transaction(i, simple) for i, simple in enumerate(history)]
        plain, strict = judge_transactions(listed, SERIALIZABLE), judge_transactions(listed, STRICT)
        assert serializable(history, strict=False) == (not plain), history
        assert serializable(history, strict=True) == (not strict), history
        good += not plain
        strictly += not strict
    return good, strictly


@pytest.mark.parametrize("seed", range(4))
def test_linearizability_agrees_with_every_order(seed: int) -> None:
    good = compare_operations(seed, 5000)
    assert 1500 < good < 4500, good


@pytest.mark.parametrize("seed", range(4))
def test_serializability_agrees_with_every_order(seed: int) -> None:
    good, strictly = compare_transactions(seed, 5000)
    assert 1500 < strictly < good < 4500, (good, strictly)


def forgotten(history: list[Simple], kept: list[int], until: int) -> list[Simple]:
    """What is not kept may have happened at any time or never; later than ``until`` nothing is known at all."""
    found: list[Simple] = []
    for i, simple in enumerate(history):
        start, end, name = simple[:3]
        known = end is not None and end <= until
        if i in kept and known:
            found.append(simple)
        elif name != "get" and start <= until:
            found.append((start if i in kept else -1000, None, *simple[2:]))
    return found


def test_the_evidence_is_a_proof_and_no_part_of_it_is_needless() -> None:
    prng = Prng(77)
    seen = 0
    while seen < 500:
        history = operations(prng)
        listed = [told(i, simple) for i, simple in enumerate(history)]
        search = Search([KEY], listed, FOREVER_US, 100_000)
        if search.run() is not False:
            continue
        seen += 1
        culprit = first_failure(search, [KEY], FOREVER_US).last_return
        least = smallest([KEY], listed, culprit, FOREVER_US)
        assert least is not None, history
        kept = [o.number for o in least.operations]
        assert not linearizable(forgotten(history, kept, culprit.return_us)), (history, kept)
        for one in kept:
            fewer = [i for i in kept if i != one]
            assert linearizable(forgotten(history, fewer, culprit.return_us)), (history, kept, one)


def test_evidence_from_a_window_is_a_proof_whatever_was_there_before(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(smallest_module, "FEW", 1)
    prng = Prng(78)
    seen = 0
    while seen < 150:
        history = operations(prng)
        listed = [told(i, simple) for i, simple in enumerate(history)]
        search = Search([KEY], listed, FOREVER_US, 100_000)
        if search.run() is not False:
            continue
        culprit = first_failure(search, [KEY], FOREVER_US).last_return
        least = smallest([KEY], listed, culprit, FOREVER_US)
        assert least is not None
        if not least.any_start:
            continue
        seen += 1
        kept = [o.number for o in least.operations]
        since = min(history[i][0] for i in kept)
        rest = [simple if simple[1] is None or simple[1] >= since else None for simple in history]
        numbers = [i for i, simple in enumerate(rest) if simple is not None]
        left = [simple for simple in rest if simple is not None]
        window = forgotten(left, [numbers.index(i) for i in kept], culprit.return_us)
        for start in [None, *"1234567"]:
            assert not linearizable(window, start), (history, kept, start)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(100, 140))
def test_both_agree_for_longer(seed: int) -> None:
    compare_operations(seed, 20_000)
    compare_transactions(seed, 20_000)
