"""Samples of what a group holds."""

from trivet.core.cluster.slots import slot_of
from trivet.core.machine.entry import Batch, encode_batch, encode_body
from trivet.core.machine.machine import Machine
from trivet.core.machine.ownership import FOREIGN
from trivet.core.steward.census import Census, is_spent, keys_of
from trivet.core.transaction.intents import Record
from trivet.core.transaction.words import TransactionId


def filled(count: int, size_bytes: int = 100) -> Machine:
    machine = Machine(100)
    calls = [(n % 2, [b"SET", b"k%d" % n, b"x" * size_bytes]) for n in range(count)]
    machine.apply(1, encode_body(1, 1, [encode_batch(Batch(1, 1, 1, 0, calls))]))
    return machine


def looked(machine: Machine, times: int = 50) -> Census:
    census = Census()
    for _ in range(times):
        census.look(machine)
    return census


def test_nothing_is_known_of_an_empty_group():
    census = looked(Machine(100))
    assert (census.bytes_of(10), census.middle()) == (0, 0)


def test_the_size_is_about_right():
    machine = filled(5000)
    assert keys_of(machine) == 5000
    assert 100 * 5000 < looked(machine).bytes_of(5000) < 300 * 5000


def test_it_follows_what_is_held_now():
    census = looked(filled(2000, 10))
    before = census.bytes_of(1000)
    for _ in range(50):
        census.look(filled(2000, 1000))
    assert census.bytes_of(1000) > 5 * before


def test_the_middle_halves_the_keys():
    census = looked(filled(5000))
    assert 6500 < census.middle() < 9900


def test_the_middle_of_a_few_keys_is_not_known():
    assert looked(filled(20), 2).middle() == 0


def test_keys_that_are_nobodys_do_not_count():
    machine = filled(5000)
    machine.ownership.mark([(8192, 16383)], FOREIGN)
    census = looked(machine)
    assert 3000 < census.middle() < 5200
    assert all(slot < 8192 for slot, _ in census._samples)
    assert slot_of(b"k1") >= 0


def test_a_group_with_a_record_is_not_spent():
    machine = Machine(100)
    assert not is_spent(machine), "it owns everything"
    machine.await_founding()
    assert is_spent(machine)
    machine.intents.records[TransactionId(1, 1, 1)] = Record(1, {2: b""})
    assert not is_spent(machine)
