"""The coordinator of one attempt: what it says to participants, and what it makes of their answers.

A script is commands and, indented below each, what is said because of it::

    lock 1:a! 2:b?            take a exclusive in group 1, b blind in group 2; the first is home
      1 LOCK a! home=1
      2 LOCK b? home=1
    grant 1                   group 1 answers (also: wait, die, dirty, stale, moved, lost)
    grant 2
      = running               the phase, whenever it has changed; with the end if that is known
"""

import difflib
from textwrap import dedent

import pytest

from trivet.core.transaction.coordinator import Coordinator, Phase, encode
from trivet.core.transaction.words import (
    DIE,
    DIRTY,
    GRANTED,
    STALE,
    WAIT,
    Effects,
    LockReply,
    Stamp,
    TransactionId,
    unpack_decide,
    unpack_finish,
    unpack_lock,
    unpack_resolve,
)

MODES = {"": 0, "!": 1, "?": 2}
OUTCOMES = {"grant": GRANTED, "wait": WAIT, "die": DIE, "dirty": DIRTY, "stale": STALE}


class Talk:
    def __init__(self) -> None:
        self.coordinator = Coordinator(TransactionId(3, 9, 5), Stamp(100, 3, 4), 1, 77)
        self.phase = Phase.LOCKING
        self.low = 5
        self.unsafe: list[int] = []

    def play(self, script: str) -> None:
        wanted = [line for line in dedent(script).strip().splitlines() if line.strip()]
        given: list[str] = []
        for line in wanted:
            if not line.startswith(" "):
                given.append(line)
                given += ["  " + said for said in self.run(line)]
        if given != wanted:
            raise AssertionError("\n".join(difflib.ndiff(wanted, given)))

    def run(self, line: str) -> list[str]:
        name, *words = line.split()
        getattr(self, "do_" + name, self.answer)(words) if name not in OUTCOMES else self.answer(
            [name, *words]
        )
        coordinator = self.coordinator
        said = [show(*encode(word)) for word in coordinator.words]
        coordinator.words = []
        if coordinator.phase is not self.phase:
            self.phase = coordinator.phase
            end = "" if coordinator.end is None else f" {coordinator.end.name.lower()}"
            said.append(f"= {self.phase.name.lower()}{end}")
        return said

    def do_lock(self, words: list[str]) -> None:
        keys = {}
        watched = []
        for word in words:
            group, _, key = word.partition(":")
            if key == "watched":
                watched.append(int(group))
            else:
                keys[(0, key.rstrip("!?").encode())] = (int(group), MODES[key[-1] if key[-1] in "!?" else ""])
        self.coordinator.lock(keys, watched, self.low)

    def answer(self, words: list[str]) -> None:
        self.coordinator.on_lock(int(words[1]), LockReply(OUTCOMES[words[0]]))

    def do_moved(self, words: list[str]) -> None:
        self.coordinator.on_lock(int(words[0]), None)

    def do_lost(self, words: list[str]) -> None:
        self.coordinator.on_lock_lost(int(words[0]))

    def do_again(self, words: list[str]) -> None:
        self.coordinator.ask_again(int(words[0]), self.low)

    def do_waiting(self, words: list[str]) -> None:
        assert self.coordinator.waiting == [int(word) for word in words]

    def do_decide(self, words: list[str]) -> None:
        """Groups whose keys change; the home is told in any case."""
        groups = dict.fromkeys([1, *map(int, words)])
        self.coordinator.decide(
            {group: Effects(8, b"x" if str(group) in words else b"") for group in groups},
            self.low,
            self.unsafe,
        )

    def do_decided(self, words: list[str]) -> None:
        self.coordinator.on_decided(words == ["commit"])

    def do_decision_lost(self, words: list[str]) -> None:
        self.coordinator.on_decision_lost()

    def do_resolved(self, words: list[str]) -> None:
        self.coordinator.on_resolved(words == ["commit"])

    def do_home_gone(self, words: list[str]) -> None:
        self.coordinator.on_home_gone()

    def do_finished(self, words: list[str]) -> None:
        self.coordinator.on_finished(int(words[0]), words[1:] == ["lost"])

    def do_unsafe(self, words: list[str]) -> None:
        """Groups of mode ``primary``."""
        self.unsafe = [int(word) for word in words]

    def do_answerable(self, words: list[str]) -> None:
        assert self.coordinator.is_answerable is (words != ["not"])
        assert self.coordinator.lost == [int(word) for word in words if word.isdigit()]

    def do_forgotten(self, words: list[str]) -> None:
        self.coordinator.on_forgotten()

    def do_give_up(self, words: list[str]) -> None:
        self.coordinator.give_up()


def show(group: int, call: list[bytes]) -> str:
    verb = call[1].decode()
    text = f"{group} {verb}"
    if verb == "LOCK":
        request = unpack_lock(call[2])
        keys = "".join(f" {key.decode()}{['', '!', '?'][mode]}" for _, key, mode in request.keys)
        text += keys + f" home={request.home}"
        text += f" watcher={request.watcher}" if request.watcher >= 0 else ""
        assert (request.id, request.stamp, request.low) == ((3, 9, 5), (100, 3, 4), 5)
    elif verb == "DECIDE":
        decide = unpack_decide(call[2])
        text += "".join(f" {group}" for group, _ in decide.effects)
        text += f" {decide.keys} keys" if decide.keys else ""
    elif verb == "FINISH":
        finish = unpack_finish(call[2])
        assert finish.commits is bool(finish.effects or finish.keys)
        text += " commit" if finish.commits else " abort"
        text += f" {finish.keys} keys" if finish.keys else ""
    elif verb == "RESOLVE":
        text += f" for={unpack_resolve(call[2]).group}"
    return text


def running() -> Talk:
    """Groups 1 and 2 have granted a key each."""
    talk = Talk()
    talk.play("""
        lock 1:a! 2:b!
          1 LOCK a! home=1
          2 LOCK b! home=1
        grant 1
        grant 2
          = running
    """)
    return talk


def deciding() -> Talk:
    """And the home, group 1, has been told to commit what both are to change."""
    talk = running()
    talk.play("""
        decide 1 2
          1 DECIDE 1 2
          = deciding
    """)
    return talk


def test_all_grant_and_the_home_decides():
    Talk().play("""
        lock 1:a! 2:b? 3:c
          1 LOCK a! home=1
          2 LOCK b? home=1
          3 LOCK c home=1
        grant 2
        grant 1
        grant 3
          = running
        decide 1 2
          1 DECIDE 1 2
          = deciding
        decided commit
          2 FINISH commit
          3 FINISH abort
          = finishing committed
        finished 3
        finished 2
          1 FORGET
        forgotten
          = over committed
    """)


def test_without_effects_elsewhere_the_home_keeps_no_record():
    """Rule C4."""
    Talk().play("""
        lock 1:a 2:b
          1 LOCK a home=1
          2 LOCK b home=1
        grant 1
        grant 2
          = running
        decide
          1 DECIDE 1
          = deciding
        decided commit
          2 FINISH abort
          = finishing committed
        finished 2
          = over committed
    """)


@pytest.mark.parametrize(("answer", "end"), [("die", "died"), ("stale", "stale"), ("dirty", "dirty")])
def test_one_refusal_ends_the_attempt_wherever_it_may_hold_something(answer, end):
    """Who refused and never granted holds nothing; who has not answered yet may."""
    Talk().play(f"""
        lock 1:a! 2:b! 3:c! 4:d!
          1 LOCK a! home=1
          2 LOCK b! home=1
          3 LOCK c! home=1
          4 LOCK d! home=1
        grant 1
        wait 3
        {answer} 2
          1 FINISH abort
          3 FINISH abort
          4 FINISH abort
          = finishing {end}
        grant 4
        finished 1
        finished 3
        finished 4
          = over {end}
    """)


def test_who_waits_is_asked_again():
    Talk().play("""
        lock 1:a! 2:b!
          1 LOCK a! home=1
          2 LOCK b! home=1
        wait 2
        waiting 2
        grant 1
        again 1
        again 2
          2 LOCK b! home=1
        waiting
        grant 2
          = running
    """)


def test_keys_that_are_not_there_any_more():
    Talk().play("""
        lock 1:a! 2:b!
          1 LOCK a! home=1
          2 LOCK b! home=1
        grant 1
        moved 2
          1 FINISH abort
          = finishing moved
        finished 1
          = over moved
    """)


def test_an_attempt_that_holds_nothing_is_over_at_once():
    Talk().play("""
        lock 1:a!
          1 LOCK a! home=1
        die 1
          = over died
    """)


def test_a_lost_answer_may_have_granted():
    Talk().play("""
        lock 1:a! 2:b!
          1 LOCK a! home=1
          2 LOCK b! home=1
        lost 2
          1 FINISH abort
          2 FINISH abort
          = finishing stale
    """)


def test_more_keys_are_locked_before_it_decides():
    """Only who is to lock more is asked; the others hold what they hold."""
    running().play("""
        lock 2:c 3:d!
          2 LOCK c home=1
          3 LOCK d! home=1
          = locking
        grant 2
        die 3
          1 FINISH abort
          2 FINISH abort
          = finishing died
    """)


def test_a_participant_that_refuses_more_holds_what_it_had():
    running().play("""
        lock 2:c
          2 LOCK c home=1
          = locking
        moved 2
          1 FINISH abort
          2 FINISH abort
          = finishing moved
    """)


def test_watched_keys_make_a_participant():
    Talk().play("""
        lock 1:a! 2:watched 1:watched
          1 LOCK a! home=1 watcher=77
          2 LOCK home=1 watcher=77
        grant 1
        dirty 2
          1 FINISH abort
          = finishing dirty
    """)


def test_the_home_did_not_hold_it_any_more():
    """Somebody resolved it: aborted."""
    deciding().play("""
        decided abort
          2 FINISH abort
          = finishing stale
    """)


@pytest.mark.parametrize(
    ("answer", "word", "end"), [("commit", "commit", "committed"), ("abort", "abort", "stale")]
)
def test_when_the_decision_is_lost_the_home_is_asked(answer, word, end):
    """Rule C2."""
    deciding().play(f"""
        decision_lost
          1 RESOLVE for=1
          = unsure
        resolved {answer}
          2 FINISH {word}
          = finishing {end}
    """)


def test_a_home_that_is_gone_has_nothing_unfinished():
    deciding().play("""
        home_gone
          2 FINISH abort
          = finishing unknown
        finished 2
          = over unknown
    """)


def test_giving_up_before_the_decision():
    Talk().play("""
        lock 1:a! 2:b!
          1 LOCK a! home=1
          2 LOCK b! home=1
        grant 1
        wait 2
        give_up
          1 FINISH abort
          2 FINISH abort
          = finishing given_up
        finished 1
        finished 2
          = over given_up
    """)


def test_the_home_takes_part_even_without_keys():
    """So does a script that names none, before it has met any."""
    Talk().play("""
        lock
          1 LOCK home=1
        grant 1
          = running
        lock 2:a!
          2 LOCK a! home=1
          = locking
        grant 2
          = running
        decide 2
          1 DECIDE 1 2
          = deciding
        decided commit
          2 FINISH commit
          = finishing committed
    """)


def test_late_answers_change_nothing():
    talk = Talk()
    talk.play("""
        lock 1:a 2:b
          1 LOCK a home=1
          2 LOCK b home=1
        give_up
          1 FINISH abort
          2 FINISH abort
          = finishing given_up
        grant 1
        die 2
        moved 2
        lost 1
        again 1
        decided commit
        resolved commit
        decision_lost
        home_gone
    """)
    assert talk.coordinator.effects_bytes() == 0


def test_where_votes_may_be_lost_the_client_is_answered_when_all_have_confirmed():
    """C5: also those of whom something was only read; and who counts its keys."""
    talk = Talk()
    talk.play("""
        unsafe 2 3
        lock 1:a! 2:b! 2:c 3:d 4:e!
          1 LOCK a! home=1
          2 LOCK b! c home=1
          3 LOCK d home=1
          4 LOCK e! home=1
        grant 1
        grant 2
        grant 3
        grant 4
          = running
        answerable not
        decide 1 2 4
          1 DECIDE 1 2 4
          = deciding
        decided commit
          2 FINISH commit 2 keys
          3 FINISH commit 1 keys
          4 FINISH commit
          = finishing committed
        finished 2
        answerable not
        finished 3 lost
        answerable 3
        finished 3 lost
        answerable 3
        finished 4
          1 FORGET
    """)


def test_a_home_whose_votes_may_be_lost_counts_its_keys_and_an_abort_is_answered_at_once():
    """C5."""
    talk = Talk()
    talk.play("""
        unsafe 1 2
        lock 1:a! 1:b 2:c!
          1 LOCK a! b home=1
          2 LOCK c! home=1
        grant 1
        grant 2
          = running
        decide 1 2
          1 DECIDE 1 2 2 keys
          = deciding
        decided abort
          2 FINISH abort
          = finishing stale
        answerable
        finished 2
          = over stale
    """)
