"""The table of registers: order, tombstones, bare ones, and what it costs."""

from trivet.core.paxos.content import seal
from trivet.core.paxos.registers import Registers

VALUE = seal(b"k", 1, b"x" * 100, (), 0)
TOMBSTONE = seal(b"k", 2, None, (), 0)


def test_a_register_goes_through_its_life() -> None:
    registers = Registers()
    register = registers.add(b"k", (1, 7))
    assert register.is_bare
    assert list(registers.bare) == [b"k"]
    registers.accept(b"k", register, (1, 7), VALUE, 5)
    assert not registers.bare
    assert not register.is_tombstone
    with_value = registers.bytes_in_memory
    registers.accept(b"k", register, (2, 7), TOMBSTONE, 6)
    assert registers.tombstones == {b"k": 6}
    assert registers.bytes_in_memory < with_value
    registers.accept(b"k", register, (3, 7), TOMBSTONE, 9)
    assert registers.tombstones == {b"k": 6}, "it is as old as the deletion"
    registers.remove(b"k")
    assert (len(registers), registers.bytes_in_memory, registers.tombstones) == (0, 0, {})


def test_what_is_hearsay_ends_with_an_acceptance() -> None:
    registers = Registers()
    register = registers.add(b"k", (1, 7))
    registers.accept(b"k", register, (1, 7), VALUE, 0)
    register.hearsay = True
    registers.accept(b"k", register, (2, 7), VALUE, 0)
    assert not register.hearsay


def test_keys_are_in_order() -> None:
    registers = Registers()
    for key in (b"b", b"", b"c", b"a"):
        registers.add(key, (1, 1))
    assert [key for key, _ in registers.after(None)] == [b"", b"a", b"b", b"c"]
    assert [key for key, _ in registers.after(b"")] == [b"a", b"b", b"c"]
    assert [key for key, _ in registers.after(b"aa")] == [b"b", b"c"]
    registers.clear()
    assert len(registers) == 0
