"""The order in which a replica applies entries, and long scripts on their way.

On the path: committed entries -> this -> the machine. Nearly all go straight through. One with a script in it
may pause: then everything behind it waits here, and the node goes on with its other work (heartbeats, other
groups, other clients' sockets). It goes on in the next turn, or when the log says so:

- Rule V1: after every ``script-instructions-max`` instructions a script waits for a *verdict* from the log:
  go on, or end. Verdicts are looked for among the committed entries behind the paused one; of several about
  the same pause the first counts. So a script ends at the same instruction on every replica, also on one that
  runs it from its log later.
- Rule V2: whoever leads, and waits itself, proposes the verdict: the end, if somebody asked for it
  (``SCRIPT KILL``) and the script has written nothing, or if its call, a transaction as a whole, has run for
  ``script-time-max`` by the leader's clock; what passes while there is no majority does not count. A kill
  is about one script: not about the next one in the entry, however late its message comes.
- Rule V3: while a script runs, no batch of this node leaves; reads wait. After ``busy-reply-threshold`` what
  waits here and has not left is told ``BUSY``, which is definite. The script's own client waits for as long
  as it goes on.
"""

from collections import deque
from typing import Final

import msgspec

from trivet.core.base.ids import SYSTEM_GROUP, GroupId, Index, Instant, Term
from trivet.core.base.pausable import Stack, Wants
from trivet.core.base.prng import Prng
from trivet.core.group.messages import KillScript
from trivet.core.group.run import Run
from trivet.core.machine.entry import VERDICT_BYTES_MAX, Verdict, decode_body
from trivet.core.machine.entry_run import EntryRun
from trivet.core.machine.machine import Applied, Machine, may_pause
from trivet.core.machine.rights import AS
from trivet.core.script.bridge import GO_ON, KILLED, LATE
from trivet.core.script.limits import ScriptLimits
from trivet.core.script.script_rows import NOT_BUSY
from trivet.core.wire.reply import OK, Error, Reply

BUSY_ERROR: Final = Error(
    "BUSY Trivet is busy running a script on these keys; nothing was done. "
    "You can call SCRIPT KILL, if the script has written nothing; it is stopped after script-time-max"
)
UNKILLABLE_ERROR: Final = Error(
    "UNKILLABLE the script has already written; it is left to end, or to be stopped after script-time-max"
)

_QUESTIONS: Final = (b"SCRIPT KILL", b"FUNCTION KILL", b"FUNCTION STATS")

_encoder = msgspec.msgpack.Encoder()


class LongScripts:
    """The entry of one replica that has paused, and what waits behind it."""

    def __init__(self, group: GroupId) -> None:
        self._may_pause = group != SYSTEM_GROUP  # all nodes live by that one: nothing long runs in it
        self.paused: EntryRun[list[Applied]] | None = None
        """An entry with a script that has not come to its end."""
        self._stack: Stack | None = None
        self.index: Index = 0
        """Of that entry."""
        self.since_ms: Instant = 0
        self._script = 0
        """The number of the script that runs in it (see ``EntryRun``); with ``index`` it names the script."""
        self._script_since_ms: Instant = 0
        self._call = 0
        self._ran_ms = 0
        """For so long the call that runs has gone on, between its pauses for verdicts."""
        self._went_on_ms: Instant = 0
        """When the last verdict was known."""
        self._moved_ms: Instant = 0
        self._number = 0
        """So many of its pauses were for a verdict."""
        self._backlog: deque[tuple[Index, bytes]] = deque()
        self._verdicts: dict[tuple[Index, int], int] = {}
        self._asked: tuple[int, Term] = (0, 0)
        """The pause about which this replica has proposed a verdict, and in which term."""
        self._kill = False
        self.killers: list[Run] = []
        """Clients of this node who want the script to end, until it is known whether it does."""

    # -- entries ---------------------------------------------------------------------------------

    def apply(self, machine: Machine, index: Index, payload: bytes, now_ms: Instant) -> list[Applied] | None:
        """The outcome of an entry; None: it, or one before it, has paused."""
        if self.paused is not None:
            self._put_off(index, payload)
            return None
        if not self._may_pause or not may_pause(payload):
            return machine.apply(index, payload)
        if self._stack is None:
            self._stack = Stack()
        self.paused = machine.begin(index, payload, self._stack)
        self.index, self._number, self._script, self._call = index, 0, 0, 0
        self._asked = (0, 0)
        self.since_ms = now_ms
        return self._step(machine, GO_ON, now_ms)

    def go_on(self, machine: Machine, now_ms: Instant) -> list[Applied] | None:
        """The outcome of the paused entry, if it ends now; None: it goes on later."""
        paused = self.paused
        assert paused is not None
        word = GO_ON
        if paused.wants is Wants.VERDICT:
            known = self._verdicts.get((self.index, self._number))
            if known is None:
                return None
            word = known
            self._went_on_ms = now_ms
        return self._step(machine, word, now_ms)

    def next_put_off(self) -> tuple[Index, bytes] | None:
        """The next entry that waited behind one that has ended."""
        return self._backlog.popleft() if self._backlog else None

    def _step(self, machine: Machine, word: int, now_ms: Instant) -> list[Applied] | None:
        paused = self.paused
        assert paused is not None
        self._moved_ms = now_ms
        has_ended = paused.go_on(word)
        if word == KILLED or has_ended or paused.scripts != self._script:
            # The script that somebody wanted to end is over. Nobody has asked for the end of the next.
            self._kill = False
            self._answer_killers(OK if word == KILLED else NOT_BUSY)
            self._script, self._script_since_ms = paused.scripts, now_ms
        if paused.calls != self._call:
            self._call, self._ran_ms, self._went_on_ms = paused.calls, 0, now_ms
        if not has_ended:
            if paused.wants is Wants.VERDICT:
                self._number += 1
                self._ran_ms += now_ms - self._went_on_ms
                machine.verdicts_met += 1
            if paused.has_written:
                self._answer_killers(UNKILLABLE_ERROR)
            return None
        outcome = paused.result
        assert outcome is not None
        self.paused = None
        machine.ended()
        for about in [about for about in self._verdicts if about[0] <= self.index]:
            del self._verdicts[about]
        return outcome

    def _put_off(self, index: Index, payload: bytes) -> None:
        self._backlog.append((index, payload))
        if 0 < len(payload) <= VERDICT_BYTES_MAX:
            try:
                body = decode_body(payload)
            except msgspec.DecodeError:
                return  # the machine says so when its turn comes
            if isinstance(body, Verdict):
                self._verdicts.setdefault((body.index, body.number), body.word)

    def abandon(self) -> None:
        """The machine is replaced, or nobody wants this replica any more."""
        paused, self.paused = self.paused, None
        self._backlog.clear()
        self._verdicts.clear()
        if paused is not None:
            paused.abandon()
        self._answer_killers(NOT_BUSY)

    # -- verdicts --------------------------------------------------------------------------------------

    @property
    def may_go_on(self) -> bool:
        """Whether a turn would bring the paused entry on."""
        paused = self.paused
        return paused is not None and (
            paused.wants is Wants.SLICE or (self.index, self._number) in self._verdicts
        )

    def wanted(self, limits: ScriptLimits, term: Term, now_ms: Instant) -> bytes | None:
        """As leader: the verdict to propose, as a payload; None: there is nothing to say (Rule V2)."""
        if self.paused is None or self.may_go_on or self._asked == (self._number, term):
            return None
        word = GO_ON
        if self._kill and not self.paused.has_written:
            word = KILLED
        elif self._ran_ms >= limits.time_ms_max:
            word = LATE
        return _encoder.encode(Verdict(self.index, self._number, word))

    def asked(self, term: Term) -> None:
        """What was wanted has been proposed."""
        self._asked = (self._number, term)

    # -- questions about scripts -------------------------------------------------------------------------

    def takes(self, run: Run) -> bool:
        """Whether a run of reads is about scripts, and is answered while one has paused."""
        return run.count == 1 and bool(run.calls) and is_about_running(run.calls[0][1])

    def ask(self, run: Run, machine: Machine, now_ms: Instant) -> None:
        """Answer such a run, now or when it is known what becomes of the script."""
        assert self.paused is not None
        if _question(run.calls[0][1]) == b"FUNCTION STATS":
            run.finish([self._stats(machine.read(run.take_calls(), 0, Prng(0))[0], now_ms)])
        elif self.paused.has_written:
            run.finish([UNKILLABLE_ERROR])
        else:
            self.killers.append(run)
            self._kill = True

    def wish(self) -> KillScript | None:
        """What to tell the leader while clients of this node want the script to end."""
        return KillScript(self.index, self._script) if self.killers else None

    def kill_asked(self, wish: KillScript) -> None:
        """Another replica has clients who want that script to end; it may be over by now."""
        if self.paused is not None and (wish.index, wish.script) == (self.index, self._script):
            self._kill = True

    def _answer_killers(self, reply: Reply) -> None:
        killers, self.killers = self.killers, []
        for run in killers:
            run.take_calls()
            run.finish([reply])

    def _stats(self, stats: Reply, now_ms: Instant) -> Reply:
        assert self.paused is not None and isinstance(stats, dict)
        call = self.paused.call
        if call is None:
            return BUSY_ERROR
        running: dict[bytes, Reply] = {
            b"name": call[1], b"command": list[Reply](call), b"duration_ms": now_ms - self._script_since_ms,
        }  # fmt: skip
        return {**stats, b"running_script": running}

    # -- who waits ----------------------------------------------------------------------------------------

    def is_busy(self, limits: ScriptLimits, now_ms: Instant) -> bool:
        """Whether others are to be told ``BUSY`` (Rule V3)."""
        return self.paused is not None and now_ms - self.since_ms >= limits.busy_ms

    def is_stuck(self, timeout_ms: int, now_ms: Instant) -> bool:
        """Whether it has not gone on for so long: no majority says how."""
        return self.paused is not None and now_ms - self._moved_ms >= timeout_ms


def is_about_running(args: list[bytes]) -> bool:
    """Whether a call is about the script that runs, and must not wait for it."""
    return _question(args) in _QUESTIONS


def _question(args: list[bytes]) -> bytes:
    """The name of a container's call and its subcommand."""
    if args[0] == AS:
        args = args[3:]
    return args[0] + b" " + args[1].upper() if len(args) == 2 else b""
