"""The figures, from histories made by hand: what counts as lost, as stale, as served."""

from tests.lab.cap.squares import MS, operation
from trivet.lab.cap.figures import Book, percentile_ms, recovery_ms, side_of
from trivet.lab.cap.traffic import Ask
from trivet.lab.history import Outcome
from trivet.lab.resp import ReplyError

REGISTER = [operation(f"SET r:1 {version}", at_ms=10 * version) for version in (1, 2, 3)]
COUNTER = [operation("INCR c", n, at_ms=10 * n) for n in (1, 2, 3)]
SET = [operation(f"SADD s:0 1.{n}", 1, at_ms=10 * n) for n in (1, 2, 3)]


def missed(writes, read, healed_ms=1_000):
    return Book([*writes, read]).stale(healed_ms * MS)


def test_a_register_is_lost_from_the_version_on_that_the_end_shows():
    assert Book(REGISTER).lost([operation("GET r:1", b"3")]) == 0
    assert Book(REGISTER).lost([operation("GET r:1", b"1")]) == 2
    assert Book(REGISTER).lost([operation("GET r:1", None)]) == 3


def test_a_later_write_that_nobody_acknowledged_is_no_loss():
    assert Book(REGISTER).lost([operation("GET r:1", b"4")]) == 0
    assert Book(COUNTER).lost([operation("GET c", b"5")]) == 0


def test_increments_and_members_that_are_missing_are_lost():
    assert Book(COUNTER).lost([operation("GET c", b"1")]) == 2
    assert Book(SET).lost([operation("SMEMBERS s:0", (b"1.1", b"1.3"))]) == 1


def test_what_was_refused_or_is_unsure_cannot_be_lost():
    writes = [
        operation("SET r:1 1", outcome=Outcome.FAIL),
        operation("SADD s:0 1.1", outcome=Outcome.INFO),
        operation("INCR c", ReplyError("ERR no")),
    ]
    book = Book(writes)
    assert (book.acknowledged, book.keys) == (0, [])


def test_a_read_is_stale_when_it_misses_what_was_acknowledged_before_it_began():
    found = missed(REGISTER, operation("GET r:1", b"1", at_ms=100))
    assert (found.reads, found.stale, found.versions_max, found.ms_max) == (1, 1, 2, 79.0)
    found = missed(COUNTER, operation("GET c", b"2", at_ms=100))
    assert (found.stale, found.versions_max, found.ms_max) == (1, 1, 69.0)
    found = missed(SET, operation("SMEMBERS s:0", (b"1.2",), at_ms=100))
    assert (found.stale, found.versions_max, found.ms_max) == (1, 2, 89.0)


def test_a_read_that_began_before_the_answer_is_not_stale():
    assert missed(REGISTER, operation("GET r:1", b"2", at_ms=30.5)).stale == 0
    assert missed(COUNTER, operation("GET c", b"2", at_ms=30.5)).stale == 0
    assert missed(SET, operation("SMEMBERS s:0", (b"1.1", b"1.2"), at_ms=30.5)).stale == 0


def test_what_is_lost_is_not_stale_too():
    book = Book([*SET, operation("SMEMBERS s:0", (b"1.1", b"1.2"), at_ms=100)])
    assert book.lost([operation("SMEMBERS s:0", (b"1.1", b"1.2"), final=True)]) == 1
    assert book.stale(0).stale == 0


def test_convergence_looks_at_what_was_acknowledged_before_healing():
    assert missed(REGISTER, operation("GET r:1", b"2", at_ms=60), healed_ms=50).last_us == 60 * MS
    assert missed(REGISTER, operation("GET r:1", b"2", at_ms=60), healed_ms=25).last_us == 0
    assert missed(REGISTER, operation("GET r:1", b"3", at_ms=60), healed_ms=50).last_us == 0


def ask(begun_ms, ended_ms, **answer):
    made = Ask(1, 1, begun_ms * MS, ended_ms * MS)
    made.operation = operation("GET r:1", at_ms=begun_ms, **answer) if answer else None
    return made


def test_a_side_is_served_for_the_time_whose_wishes_were_answered_in_time():
    asks = [
        ask(0, 40, took_ms=5),
        ask(40, 640, took_ms=560),  # too late to count as served, but an end of the wait
        ask(640, 680),  # nobody accepted a connection
        ask(680, 1_000, outcome=Outcome.FAIL),
    ]
    found = side_of("all", [1], asks, 0, 1_000 * MS)
    assert (found.availability, found.pause_ms, found.refused) == (0.04, 595, 2)
    assert (found.unsure, found.silent) == (0, 0)


def test_a_client_that_hangs_up_was_answered_by_silence():
    asks = [ask(0, 500, outcome=Outcome.INFO), ask(500, 1_000, outcome=Outcome.INFO)]
    asks[1].gave_up = True
    found = side_of("all", [1], asks, 0, 1_000 * MS)
    assert (found.unsure, found.silent, found.pause_ms, found.availability) == (1, 1, 1_000, 0.0)


def test_recovery_waits_for_the_last_client():
    asks = [ask(0, 200, took_ms=150), ask(200, 400, took_ms=5)]
    assert recovery_ms(asks, 100 * MS) == 50
    assert recovery_ms([*asks, Ask(2, 2, 0)], 100 * MS) == -1


def test_percentiles_of_good_answers():
    took = [operation("GET r:1", took_ms=n) for n in range(1, 101)]
    assert (percentile_ms(took, 0.5), percentile_ms(took, 0.99)) == (50.0, 99.0)
    assert percentile_ms([operation("GET r:1", outcome=Outcome.FAIL)], 0.5) is None
