"""Calls of clients of nodes that hold nothing, on their way to a member and back (Rules X1 to X3, X8)."""

from trivet.core.base.limits import Limits
from trivet.core.group.eventual_carrying import (
    ASK_MS,
    IN_DOUBT,
    NOBODY,
    NUMBERS_MAX,
    TOO_LARGE,
    UNDER_WAY_MAX,
    Carriage,
    Carriers,
)
from trivet.core.group.eventual_messages import Carried, Carry
from trivet.core.group.past import Past
from trivet.core.group.run import Run
from trivet.core.lattice.clock import Clock
from trivet.core.wire.reply import OK

GROUP, OWN_LIFE, LIFE, TIMEOUT_MS = 2, 500, 700, 5_000
SET, GET = (7, [b"SET", b"k", b"v"]), (7, [b"GET", b"k"])


class Waiter:
    def run_done(self) -> None:
        """As ``Waiter``."""


def run_of(*calls, writes=True) -> Run:
    run = Run(Waiter(), writes)
    for call in calls:
        run.add(call, 64)
    return run


class Way:
    """A node without a copy (9), and member 1."""

    def __init__(self, limits: Limits | None = None) -> None:
        self.carriers = Carriers(GROUP, OWN_LIFE, limits or Limits(), TIMEOUT_MS)
        self.carriage = Carriage(GROUP, limits or Limits(), LIFE)
        self.now_ms = 0
        self.ran: list[Run] = []

    def send(self, *runs: Run) -> list[Carry]:
        for run in runs:
            self.carriers.stage(run, self.now_ms)
        out: list = []
        self.carriers.send(1, out, self.now_ms)
        assert all(node == 1 for node, _ in out)
        return [message for _, message in out]

    def take(self, message: Carry, serves=True) -> list[Carried]:
        run = self.carriage.on_carry(9, message, serves)
        if run is not None:
            self.ran.append(run)
        return self.flush()

    def flush(self) -> list[Carried]:
        out: list = []
        self.carriage.flush(out)
        return [message for _, message in out]

    def meet(self) -> None:
        """The member has told its life."""
        (ask,) = self.send(run_of(GET, writes=False))
        (told,) = self.take(ask)
        self.carriers.on_carried(1, told, self.now_ms)
        (read,) = self.send()
        self.take(read)
        self.ran.pop().finish([None])
        for answer in self.flush():
            assert not self.carriers.on_carried(1, answer, self.now_ms)
        assert not self.carriers.busy and not self.carriage.busy


def test_there_and_back():
    way = Way()
    run = run_of(SET, SET)
    (ask,) = way.send(run)
    assert ask == Carry(0, OWN_LIFE, True, []) and way.carriers.has_writes
    assert way.send() == [], "it is asked once"
    way.now_ms = ASK_MS
    assert way.send() == [ask], "and again after a while"
    (told,) = way.take(ask)
    assert told == Carried(0, OWN_LIFE, life=LIFE)
    way.carriers.on_carried(1, told, way.now_ms)
    (carry,) = way.send()
    assert carry == Carry(1, OWN_LIFE, False, [SET, SET], LIFE, b"", (TIMEOUT_MS - ASK_MS) * 3 // 4)
    assert way.take(carry) == [] and way.ran[0].writes and list(way.ran[0].calls) == [SET, SET]
    way.ran[0].finish([1, 2])
    (answer,) = way.flush()
    assert not way.carriers.on_carried(1, answer, 0)
    assert run.replies == [1, 2] and not way.carriers.busy and not way.carriage.busy


def test_what_comes_twice_is_taken_once():
    """X8."""
    way = Way()
    way.meet()
    first, second = way.send(run_of(SET), run_of(SET))
    way.take(second)
    way.take(first)
    assert len(way.ran) == 2
    for again in (first, second, first):
        assert way.take(again) == []
    assert len(way.ran) == 2, "in whatever order"
    way.take(Carry(first.number, OWN_LIFE - 1, False, [SET], LIFE))
    assert len(way.ran) == 2, "and not of an earlier life of the sender"
    way.take(Carry(1, OWN_LIFE + 1, False, [SET], LIFE))
    assert len(way.ran) == 3


def test_what_was_sent_to_an_earlier_life_is_refused():
    """X8."""
    way = Way()
    way.meet()
    run = run_of(SET)
    (carry,) = way.send(run)
    way.carriage = Carriage(GROUP, Limits(), LIFE + 5)
    (refused,) = way.take(carry)
    assert refused == Carried(carry.number, OWN_LIFE, refused=True, life=LIFE + 5) and not way.ran
    assert not way.carriers.on_carried(1, refused, 0)
    (again,) = way.send()
    wanted = Carry(carry.number + 1, OWN_LIFE, False, [SET], LIFE + 5, b"", TIMEOUT_MS * 3 // 4)
    assert again == wanted, "it goes there at once"
    assert run.replies is None
    way.carriers.on_carried(1, Carried(0, OWN_LIFE, life=LIFE), 0)
    (carry,) = way.send(run_of(SET))
    assert carry.life == LIFE + 5, "what an earlier life has said comes late"


def test_what_one_member_refuses_another_gets():
    way = Way()
    way.meet()
    run = run_of(SET)
    (carry,) = way.send(run)
    (refused,) = way.take(carry, serves=False)
    assert way.carriers.on_carried(1, refused, 0) and run.replies is None
    assert way.send() == [], "nor is it asked again at once"
    way.now_ms = ASK_MS
    assert [message.calls for message in way.send()] == [[SET]]


def test_what_is_refused_does_not_come_behind_what_the_same_client_said_later():
    way = Way()
    way.meet()
    first, second, third = run_of(SET), run_of(SET), run_of(SET)
    second.waiter = first.waiter
    way.send(first, second, third)
    numbers = sorted(way.carriers._sent)
    for number in numbers:
        assert way.carriers.on_carried(1, Carried(number, OWN_LIFE, refused=True), 0)
    assert first.replies == [NOBODY]
    assert second.replies is None and third.replies is None


def test_many_numbers_are_not_remembered_for_ever():
    carriage = Carriage(GROUP, Limits(), LIFE)
    for number in range(1, NUMBERS_MAX + 2):
        run = carriage.on_carry(9, Carry(number, OWN_LIFE, False, [SET], LIFE), True)
        assert run is not None
        run.finish([None])
    assert len(carriage._heard[9].numbers) <= NUMBERS_MAX // 2 + 1
    for number in (1, NUMBERS_MAX // 2, NUMBERS_MAX):
        assert carriage.on_carry(9, Carry(number, OWN_LIFE, False, [SET], LIFE), True) is None


def test_a_link_that_breaks_leaves_writes_in_doubt_and_reads_go_elsewhere():
    """X2."""
    way = Way()
    way.meet()
    write, read = run_of(SET), run_of(GET, writes=False)
    way.send(write, read)
    way.carriers.lost(1)
    assert write.replies == [IN_DOUBT] and read.replies is None
    out: list = []
    way.carriers.send(2, out, 0)
    assert out == [(2, Carry(0, OWN_LIFE, True, []))]
    way.carriers.on_carried(2, Carried(0, OWN_LIFE, life=3), 0)
    out.clear()
    way.carriers.send(2, out, 0)
    assert [message.calls for _, message in out] == [[GET]]


def test_who_waits_too_long_is_told_how_certain_it_is():
    way = Way()
    waits = run_of(SET)
    way.send(waits)
    way.carriers.expire(1)
    assert waits.replies == [NOBODY], "it never left"
    way.carriers.lost(1)
    way.meet()
    write, read = run_of(SET), run_of(GET, writes=False)
    way.send(write, read)
    way.carriers.expire(1)
    assert (write.replies, read.replies) == ([IN_DOUBT], [NOBODY])


def test_too_much_is_refused_and_has_done_nothing():
    """X3."""
    way = Way(Limits(remote_read_bytes_max=1_000))
    way.meet()
    big = (7, [b"SET", b"k", b"v" * 800])
    first, second = way.send(run_of(big), run_of(big))
    assert way.take(first) == []
    assert way.take(second) == [Carried(second.number, OWN_LIFE, refused=True)]
    assert way.take(second) == [], "nor is it taken when there is room again"
    way.ran[0].finish([None])
    assert [answer.number for answer in way.flush()] == [first.number]
    assert way.take(second) == []
    (third,) = way.send(run_of(big))
    assert way.take(third, serves=False) == [Carried(third.number, OWN_LIFE, refused=True)]
    way = Way()
    for number in range(1, UNDER_WAY_MAX + 1):
        assert way.take(Carry(number, OWN_LIFE, True, [GET], LIFE)) == []
    (refused,) = way.take(Carry(UNDER_WAY_MAX + 1, OWN_LIFE, True, [GET], LIFE))
    assert refused.refused


def test_nonsense_of_a_peer_is_refused():
    way = Way()
    (refused,) = way.take(Carry(1, OWN_LIFE, True, [(7, [])]))
    assert refused.refused and not way.ran
    way.carriers.on_carried(1, Carried(77, OWN_LIFE, b"\xff"), 0)
    way.carriers.on_carried(1, Carried(1, OWN_LIFE + 1, b"\xff"), 0)


def test_a_long_reply_comes_in_pieces_and_a_longer_one_not_at_all():
    way = Way(Limits(remote_reply_bytes_max=3 << 20))
    way.meet()
    run = run_of(GET, writes=False)
    (carry,) = way.send(run)
    way.take(carry)
    way.ran[0].finish([b"x" * (2 << 20)])
    pieces = way.flush()
    assert len(pieces) > 1
    for piece in pieces:
        way.carriers.on_carried(1, piece, 0)
    assert run.replies == [b"x" * (2 << 20)]
    run = run_of(GET, writes=False)
    (carry,) = way.send(run)
    way.take(carry)
    way.ran[1].finish([b"x" * (4 << 20)])
    for piece in way.flush():
        way.carriers.on_carried(1, piece, 0)
    assert run.replies == [TOO_LARGE]


def test_when_the_node_is_a_member_what_has_not_left_is_its_own():
    way = Way()
    run = run_of(SET)
    way.send(run)
    assert way.carriers.drain() == [run] and not way.carriers.busy
    way.send(run_of(SET))
    assert way.carriers.pending_bytes == 64
    way.carriers.fail_all(NOBODY)
    assert not way.carriers.busy and not way.carriers.has_writes


def clock(last: int) -> Clock:
    made = Clock()
    made.add_range(1 << 44, 1, last)
    return made


def causal_run(past: Past, *calls, writes=True) -> Run:
    run = run_of(*calls, writes=writes)
    run.past = past
    return run


def test_what_a_client_has_seen_goes_along_and_comes_back():
    """X15."""
    way = Way()
    way.meet()
    past = Past()
    past.join(GROUP, clock(3))
    run = causal_run(past, SET)
    way.now_ms = 1_000
    (carry,) = way.send(run)
    assert carry.after == clock(3).encode() and carry.patience_ms == TIMEOUT_MS * 3 // 4
    assert way.take(carry) == []
    there = way.ran[0].past
    assert there is not None and there.clocks == {GROUP: clock(3)}
    assert way.ran[0].patience_ms == TIMEOUT_MS * 3 // 4
    there.join(GROUP, clock(5))
    way.ran[0].finish([OK])
    (answer,) = way.flush()
    assert answer.seen == clock(5).encode()
    way.carriers.on_carried(1, answer, 0)
    assert run.replies == [OK] and past.clocks == {GROUP: clock(5)} and past.under_way == {}


def test_who_has_seen_nothing_yet_waits_for_nothing_and_learns():
    way = Way()
    way.meet()
    past = Past()
    (carry,) = way.send(causal_run(past, GET, writes=False))
    assert carry.after == Clock().encode() != b""
    way.take(carry)
    assert way.ran[0].past is not None
    way.ran[0].past.join(GROUP, clock(1))
    way.ran[0].finish([None])
    way.carriers.on_carried(1, way.flush()[0], 0)
    assert past.clocks == {GROUP: clock(1)}


def test_of_such_a_client_one_run_is_under_way_and_others_go_by():
    """X15."""
    way = Way()
    way.meet()
    past = Past()
    first, second, other = causal_run(past, SET), causal_run(past, SET), run_of(SET)
    sent = way.send(first, second, other)
    assert [message.after != b"" for message in sent] == [True, False]
    for message in sent:
        way.take(message)
    assert way.ran[0].past is not None
    way.ran[0].past.join(GROUP, clock(7))
    way.ran[0].finish([OK])
    way.carriers.on_carried(1, way.flush()[0], 0)
    (carry,) = way.send()
    assert carry.after == clock(7).encode(), "it has what the first has brought"
    way.carriers.lost(1)
    assert second.replies == [IN_DOUBT] and past.under_way == {}


def test_what_is_given_up_is_under_way_no_more():
    way = Way()
    way.meet()
    past = Past()
    read = causal_run(past, GET, writes=False)
    (carry,) = way.send(read)
    way.carriers.on_carried(1, Carried(carry.number, OWN_LIFE, refused=True, life=LIFE), 0)
    assert past.under_way == {} and read.replies is None
    way.send()
    assert past.under_way == {GROUP: 1}
    way.carriers.expire(1)
    assert past.under_way == {} and read.replies == [NOBODY]
    read = causal_run(past, GET, writes=False)
    way.send(read)
    assert way.carriers.silent(1) and past.under_way == {}, "it goes elsewhere"
    assert way.send() and past.under_way == {GROUP: 1}
    way.carriers.expire(1)
    way.send(causal_run(past, GET, writes=False))
    way.carriers.fail_all(NOBODY)
    assert past.under_way == {}


def test_a_clock_that_is_nonsense_is_refused():
    way = Way()
    (refused,) = way.take(Carry(1, OWN_LIFE, True, [GET], LIFE, b"\xff"))
    assert refused.refused and not way.ran
    way.meet()
    read, write = causal_run(Past(), GET, writes=False), causal_run(Past(), SET)
    for run, error in ((read, NOBODY), (write, IN_DOUBT)):
        (carry,) = way.send(run)
        way.take(carry)
        way.ran.pop().finish([None])
        (answer,) = way.flush()
        nonsense = Carried(answer.number, OWN_LIFE, answer.replies, seen=b"\xff")
        way.carriers.on_carried(1, nonsense, 0)
        assert run.replies == [error], "what it has seen nobody knows"


def test_a_long_reply_brings_what_was_seen_too():
    way = Way()
    way.meet()
    past = Past()
    (carry,) = way.send(causal_run(past, GET, writes=False))
    way.take(carry)
    assert way.ran[0].past is not None
    way.ran[0].past.join(GROUP, clock(4))
    way.ran[0].finish([b"x" * (1 << 20)])
    for piece in reversed(way.flush()):
        way.carriers.on_carried(1, piece, 0)
    assert past.clocks == {GROUP: clock(4)}
