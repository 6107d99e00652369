"""What a replica of mode ``eventual`` shows: as Redis alone, and the same as the others in the end."""

import pytest

from tests.core.machine.convergence import KEYS, Oracle, Replica, check_same, draw, plain
from trivet.core.base.prng import Prng
from trivet.core.values.database import Database
from trivet.core.wire.reply import Error


@pytest.mark.parametrize("seed", range(400))
def test_alone_it_answers_as_an_ordinary_database(seed):
    prng = Prng(seed)
    replica, oracle = Replica(1), Oracle()
    for step in range(150):
        args = draw(prng, seed, replica)
        replica.now_ms += prng.below(300)
        replies, made = replica.run(list(args), seed=step)
        if args[0] == b"XADD" and isinstance(replies[0], bytes):  # Rule V5: it gives other ids
            args = [replies[0] if one == b"*" or one.endswith(b"-*") else one for one in args]
        expected = oracle.run(list(args), replica.now_ms, step)
        assert shown(replies[0]) == shown(expected), (step, args)
        replica.check()
        view, other = replica.executor.view, oracle.context.db
        assert isinstance(view, Database)
        for key in KEYS:
            assert view.exists(key) == other.exists(key), (step, args, key)
            assert plain(view.get(key)) == plain(other.get(key)), (step, args, key)
            assert not view.exists(key) or view.deadline_ms(key) == other.deadline_ms(key), (step, args, key)
        if prng.chance(0.1):
            made.extend(replica.executor.sweep(replica.now_ms, 100))
            replica.check()


def shown(reply) -> object:
    return reply.text if isinstance(reply, Error) else repr(reply)


@pytest.mark.parametrize("seed", range(400))
def test_three_show_the_same_when_all_have_heard_all(seed):
    prng = Prng(seed)
    replicas = [Replica(n + 1) for n in range(3)]
    sent = []
    for step in range(120):
        replica = replicas[prng.below(3)]
        replica.now_ms += prng.below(200)
        if prng.chance(0.5):
            _, made = replica.run(draw(prng, seed, replica), seed=step)
            sent.extend(made)
        elif sent:
            for _ in range(1 + prng.below(4)):
                replica.hear(sent[prng.below(len(sent))])
        elif prng.chance(0.2):
            sent.extend(replica.executor.sweep(replica.now_ms, 10))
        replica.check()
    for replica in replicas:
        order = list(sent)
        prng.shuffle(order)
        for delta in order:
            replica.hear(delta)
        assert not replica.waiting
        replica.check()
    check_same(replicas)
