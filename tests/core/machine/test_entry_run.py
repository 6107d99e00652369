"""The scripts of an entry are counted, and what one call of a client has used up is no matter of the next."""

from trivet.core.base.pausable import Stack, Wants
from trivet.core.machine.entry_run import EntryRun


def test_scripts_and_calls_are_counted_and_lateness_ends_with_the_call():
    place = (1, 1, 0)
    entry = EntryRun(lambda: None, Stack(), lambda: place)
    assert entry.begin_script(None) and entry.begin_script([b"FCALL", b"f"])
    assert (entry.scripts, entry.calls, entry.call) == (2, 1, [b"FCALL", b"f"])
    entry.has_written = entry.is_late = True
    assert not entry.begin_script(None)
    assert not entry.has_written
    place = (1, 1, 1)
    assert entry.begin_script(None)
    assert (entry.scripts, entry.calls) == (4, 2)


def test_in_an_abandoned_entry_none_begins():
    begun = []

    def work() -> None:
        entry.pause(Wants.SLICE)
        begun.append(entry.begin_script(None))

    entry = EntryRun(work, Stack(), lambda: (1, 1, 0))
    entry.go_on()
    entry.abandon()
    assert begun == [False]
