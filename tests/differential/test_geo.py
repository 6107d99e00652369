"""What the geo family cannot compare by equality: distances as scores, and many places at once."""

import random
from collections.abc import Iterator
from math import isclose

import pytest

from tests.differential.harness import Args, Executor, Oracle, parse_reply
from trivet.core.wire.encode import encode

pytestmark = pytest.mark.skipif(not Oracle.is_there(), reason="redis-server 7.0 is not installed")
PLACES = 800


def places(chance: random.Random) -> Args:
    """Arguments of GEOADD: over the whole earth, and many in two small regions."""
    args: Args = []
    for number in range(PLACES):
        if number % 2:
            x, y = chance.uniform(-180, 180), chance.uniform(-85.05, 85.05)
        else:
            x, y = (
                chance.uniform(10, 11),
                chance.choice([chance.uniform(45, 46), chance.uniform(84.5, 85.05)]),
            )
        args += [repr(x).encode(), repr(y).encode(), b"m%d" % number]
    return args


def searches(chance: random.Random) -> Iterator[Args]:
    for _ in range(150):
        centre = [b"FROMMEMBER", b"m%d" % chance.randrange(PLACES)]
        if chance.random() < 0.3:
            x, y = chance.uniform(-180, 180), chance.choice([85.05, -85.05, chance.uniform(-85, 85)])
            centre = [b"FROMLONLAT", repr(x).encode(), repr(y).encode()]
        lengths = [repr(10 ** chance.uniform(-1, 4.5)).encode() for _ in range(2)]
        shape = [b"BYRADIUS", lengths[0], b"km"] if chance.random() < 0.5 else [b"BYBOX", *lengths, b"km"]
        order = chance.choice([[], [b"ASC"], [b"DESC"], [b"COUNT", b"7"], [b"COUNT", b"7", b"ANY"]])
        yield [*centre, *shape, *order]


@pytest.mark.parametrize("seed", [1, 2])
def test_searches_find_the_same_in_the_same_order(oracle: Oracle, seed: int) -> None:
    chance = random.Random(seed)
    add = [b"GEOADD", b"places", *places(chance)]
    executor = Executor()
    requests: list[Args] = [[b"FLUSHALL"], add]
    executor.run(add, 1, 1)
    expected = []
    for search in searches(chance):
        request = [b"GEOSEARCH", b"places", *search, b"WITHDIST", b"WITHHASH", b"WITHCOORD"]
        requests.append(request)
        expected.append(parse_reply(encode(executor.run(request, 1, 1), 3)))
    theirs = oracle.run_all(3, requests)[2:]
    for request, ours, other in zip(requests[2:], expected, theirs, strict=True):
        assert ours == other, request


@pytest.mark.parametrize("seed", [3, 4])
def test_stored_distances_differ_by_a_rounding_at_most(oracle: Oracle, seed: int) -> None:
    chance = random.Random(seed)
    add = [b"GEOADD", b"places", *places(chance)]
    executor = Executor()
    executor.run(add, 1, 1)
    oracle.run_all(3, [[b"FLUSHALL"], add])
    scores = different = 0
    for number, search in enumerate(searches(chance)):
        if number % 5:
            continue
        store = [b"GEOSEARCHSTORE", b"near", b"places", *search, b"STOREDIST"]
        read = [b"ZRANGE", b"near", b"0", b"-1", b"WITHSCORES"]
        ours = [parse_reply(encode(executor.run(args, 1, 1), 3)) for args in (store, read)]
        theirs = oracle.run_all(3, [store, read])
        assert ours[0] == theirs[0], store
        mine = {member[1]: float(score[1]) for _, (member, score) in ours[1][1]}
        other = {member[1]: float(score[1]) for _, (member, score) in theirs[1][1]}
        assert mine.keys() == other.keys(), store
        assert all(isclose(mine[member], other[member], rel_tol=2e-15, abs_tol=1e-8) for member in mine)
        scores += len(mine)
        different += sum(mine[member] != other[member] for member in mine)
    assert scores
    assert different < scores / 10
