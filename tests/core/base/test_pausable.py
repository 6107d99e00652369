"""A computation that stops in the middle, C code and all, and goes on later."""

import weakref

import pytest

from trivet.core.base.pausable import ABANDONED, Pausable, Stack, Wants


def test_it_goes_on_where_it_stopped_with_what_it_was_told():
    seen = []

    def work() -> str:
        # ``sorted`` is C code between the computation and its pauses.
        sorted([3, 1, 2], key=lambda number: seen.append((number, entry.pause(Wants.VERDICT))) or number)
        return "done"

    entry = Pausable(work)
    assert not entry.go_on()
    assert (entry.wants, entry.result, seen) == (Wants.VERDICT, None, [])
    assert not entry.go_on(10)
    assert not entry.go_on(20)
    assert entry.go_on(30)
    assert (entry.result, seen) == ("done", [(3, 10), (1, 20), (2, 30)])


def test_two_of_them_pause_by_turns():
    said = []

    def count(name: str, entries: dict) -> None:
        for number in range(3):
            said.append(f"{name}{number}")
            entries[name].pause(Wants.SLICE)

    entries: dict = {}
    for name in "ab":
        entries[name] = Pausable(lambda name=name: count(name, entries))
    while sum(entry.go_on() for entry in entries.values()) < 2:
        pass
    assert said == ["a0", "b0", "a1", "b1", "a2", "b2"]


def test_what_it_raises_is_raised_where_it_is_driven():
    entry = Pausable(lambda: 1 // 0)
    with pytest.raises(ZeroDivisionError):
        entry.go_on()


def test_whoever_is_abandoned_comes_to_its_end_without_another_pause():
    told = []

    def work() -> None:
        told.extend([entry.pause(Wants.SLICE) for _ in range(3)])

    entry = Pausable(work)
    entry.go_on()
    entry.abandon()
    assert told == [ABANDONED] * 3
    entry.abandon()


def test_one_stack_serves_one_after_the_other_also_after_an_exception():
    stack = Stack()
    for number in range(3):
        entry = Pausable(lambda number=number: 10 // (number - 1), stack)
        if number == 1:
            with pytest.raises(ZeroDivisionError):
                entry.go_on()
        else:
            assert entry.go_on()
            assert entry.result == 10 // (number - 1)


def test_an_idle_stack_that_nobody_holds_ends():
    stack = Stack()
    Pausable(lambda: None, stack).go_on()
    runs = weakref.ref(stack.greenlet)
    del stack
    assert runs() is None


def test_only_the_computation_itself_can_pause_it():
    entry = Pausable(lambda: None)
    with pytest.raises(AssertionError, match="only the computation itself"):
        entry.pause(Wants.SLICE)
