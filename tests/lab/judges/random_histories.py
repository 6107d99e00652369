"""Small histories: good ones from a real serial execution with random intervals around it, bad ones bent afterwards."""

from typing import Any

from naive_judges import Simple, SimpleTransaction, answer

from trivet.core.base.prng import Prng
from trivet.lab.history import FOREVER_US, Operation, Outcome
from trivet.lab.resp import OK, Value

MIXES = [
    ["get", "set"],
    ["get", "get", "set", "cas"],
    ["get", "set", "cas", "incr", "append", "del", "setnx"],
    ["incr", "incr", "get"],
    ["append", "get"],
]


def operations(prng: Prng) -> list[Simple]:
    """2 to 7 operations on one key."""
    mix = MIXES[prng.below(len(MIXES))]
    values = "12" if prng.chance(0.5) else "1234567"
    found: list[Simple] = []
    value: Any = None
    for moment in range(10, 10 * prng.between(3, 8), 10):
        name = mix[prng.below(len(mix))]
        argument: Any = values[prng.below(len(values))]
        if name == "cas":
            seen = value if prng.chance(0.7) else argument
            argument = (seen, values[prng.below(len(values))])
        after, said = answer(name, argument, value)
        if name == "cas" and said is None:
            continue
        unknown = prng.chance(0.15)
        if not (unknown and prng.chance(0.5)):
            value = after
        start, end = moment - prng.below(25), moment + prng.below(25)
        found.append((start, None if unknown else end, name, argument, None if unknown else said))
    if prng.chance(0.5):
        _bend_one(found, prng)
    return found


def _bend_one(found: list[Simple], prng: Prng) -> None:
    """Another answer, or another time, for one of them."""
    if not found:
        return
    place = prng.below(len(found))
    start, end, name, argument, said = found[place]
    if end is None:
        return
    if prng.chance(0.5):
        shift = prng.between(-40, 40)
        found[place] = (start + shift, end + shift, name, argument, said)
        return
    answers = {
        "get": [None, "1", "2", "3"],
        "incr": [1, 2, 3],
        "append": [1, 2, 3],
        "del": [0, 1],
        "setnx": [0, 1],
    }
    others = answers.get(name, [said])
    found[place] = (start, end, name, argument, others[prng.below(len(others))])


def transactions(prng: Prng) -> list[SimpleTransaction]:
    """3 to 7 transactions over one to three keys."""
    keys = "xyz"[: prng.between(1, 3)]
    lists: dict[str, list[int]] = {key: [] for key in keys}
    found: list[SimpleTransaction] = []
    number = 0
    snapshot = {key: list(values) for key, values in lists.items()}
    weak = prng.chance(0.6)
    for moment in range(10, 10 * prng.between(4, 8), 10):
        steps: list[tuple[str, str, Any]] = []
        unknown = prng.chance(0.12)
        failed = not unknown and prng.chance(0.1)
        # What failed shows in a weak store now and then.
        happens = not ((unknown and prng.chance(0.5)) or (failed and not (weak and prng.chance(0.5))))
        # A weak store reads from the past now and then.
        seen = snapshot if weak and prng.chance(0.5) else lists
        seen = {key: list(values) for key, values in seen.items()}
        snapshot = {key: list(values) for key, values in lists.items()}
        for _ in range(prng.between(1, 3)):
            key = keys[prng.below(len(keys))]
            if prng.chance(0.4):
                number += 1
                steps.append(("append", key, number))
                seen[key].append(number)
                if happens:
                    lists[key].append(number)
            else:
                steps.append(("read", key, tuple(seen[key])))
        start, end = moment - prng.below(25), moment + prng.below(25)
        found.append((start, None if unknown else end, steps, failed))
    if prng.chance(0.5):
        _bend_read(found, prng)
    return found


def _bend_read(found: list[SimpleTransaction], prng: Prng) -> None:
    """One list read loses its end, swaps two values, or the transaction moves in time."""
    place = prng.below(len(found))
    start, end, steps, failed = found[place]
    if end is None:
        return
    if prng.chance(0.4):
        shift = prng.between(-40, 40)
        found[place] = (start + shift, end + shift, steps, failed)
        return
    for i, (kind, key, values) in enumerate(steps):
        if kind == "read" and values:
            cut = prng.below(len(values))
            bent = values[:cut] if prng.chance(0.7) else values[cut:] + values[:cut]
            steps[i] = (kind, key, bent)
            return


def long_registers(
    seed: int, count: int, keys: int, processes: int, unknown_rate: float = 0.01, few_values: bool = False
) -> list[Operation]:
    """A good history of reads, writes and compare-and-sets, concurrent by as many processes; many keys."""
    prng = Prng(seed)
    free = [0] * processes
    moments: list[tuple[int, int, int, int, int]] = []
    for number in range(count):
        process = min(range(processes), key=lambda p: free[p])
        invoke = free[process] + prng.between(0, 20)
        length = prng.between(10, 1000)
        free[process] = invoke + length + 1
        moments.append((invoke + prng.between(0, length), number, process, invoke, invoke + length))
    held: dict[bytes, bytes] = {}
    found: list[Operation] = []
    for _, number, process, invoke, end in sorted(moments):
        key = b"%d" % prng.below(keys)
        new = b"%d" % (prng.below(5) if few_values else number)
        command, reply = _step(prng.below(10), key, new, held)
        unknown = prng.chance(unknown_rate)
        made = Operation(
            number=number, client=process, conn=process, node=1, commands=(command,), keys=(key,),
            invoke_us=invoke, return_us=FOREVER_US if unknown else end,
            outcome=Outcome.INFO if unknown else Outcome.OK, replies=() if unknown else (reply,),
        )  # fmt: skip
        found.append(made)
    return sorted(found, key=lambda o: o.invoke_us)


def _step(choice: int, key: bytes, new: bytes, held: dict[bytes, bytes]) -> tuple[tuple[bytes, ...], Value]:
    before = held.get(key)
    if choice < 5:
        return (b"GET", key), before
    held[key] = new
    if choice < 9 or before is None:
        return (b"SET", key, new), OK
    return (b"CAS", key, new, b"is", before), OK


def make_stale(history: list[Operation], back: int) -> Operation:
    """Let a read late in ``history`` see what was overwritten ``back`` writes before; gives that read."""
    reads = [o for o in history if o.commands[0][0] == b"GET" and o.outcome is Outcome.OK]
    stale = reads[len(reads) * 3 // 4]
    writes = [
        o for o in history
        if o.keys == stale.keys and o.commands[0][0] == b"SET" and o.return_us < stale.invoke_us
    ]  # fmt: skip
    stale.replies = (writes[-back].commands[0][2],)
    return stale
