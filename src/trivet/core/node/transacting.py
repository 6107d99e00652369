"""Calls that concern several groups, run as one transaction: the node as coordinator.

On the path: instead of a run for one group. ``transaction.coordinator`` says what is to be said when;
here it is sent, the calls are run (``machine.workspace``), and attempts that have to give way are made again.

- Rule Z1: such a call has one place among its session's replies, and what the client says next waits for it.
- Rule Z2: what is said to groups waits for a majority as long as that takes. The client waits for as long
  as a command may: before the decision is asked for it then gets a definite error (``TXNRETRY``), after that
  an indefinite one.
- Rule Z3: an attempt that had to give way is made again with the age of the first, so in the end it is the
  oldest.
- Rule Z4: who may do what, and what a script's name means, is looked up when the system group was asked
  whether this node knows the newest.
"""

from trivet.core.base.ids import ConnectionId, GroupId, Index, Instant
from trivet.core.base.prng import Prng
from trivet.core.cluster.slots import slot_of
from trivet.core.group.face import Replica
from trivet.core.group.outbox import TIMEOUT_ERROR
from trivet.core.group.run import Run, Waiter
from trivet.core.machine.entry import Call
from trivet.core.machine.lock_modes import add_lock
from trivet.core.machine.rights import AS, USERS
from trivet.core.machine.transactions import IS_LOST
from trivet.core.machine.workspace import Job, Ran, Workspace
from trivet.core.node.attempts import (
    BACK_OFF_MS_MAX,
    NO_END,
    NO_LINE,
    NO_LOCKS,
    PART_LOST,
    REPEAT_MS,
    RETRY_MS,
    ROUNDS_MAX,
    TOO_MANY_KEYS,
    UNDER_WAY_MAX,
    Asked,
    Attempt,
    Counts,
    News,
    Transacting,
    age_of,
    names_scripts,
    unsafe_of,
)
from trivet.core.node.client_list import describe
from trivet.core.node.collecting import Collects
from trivet.core.node.front import Front
from trivet.core.node.held import Held
from trivet.core.node.line import Line
from trivet.core.node.rerouting import patience_ms
from trivet.core.node.resolver import Resolver
from trivet.core.node.router import NO_DATABASE, NOT_IN_REACH
from trivet.core.node.session import HELD, Session
from trivet.core.node.wide import TOO_MANY
from trivet.core.transaction.coordinator import Coordinator, End, Phase, Word, encode
from trivet.core.transaction.words import (
    COMMIT,
    DECIDE,
    FINISH,
    KEYS_MAX,
    LOCK,
    RESOLVE,
    Effects,
    LockKey,
    Stamp,
    TransactionId,
    unpack_reply,
)
from trivet.core.wire.reply import NULL_ARRAY, OK, Error, NotHere, Reply


class Transactions:
    """All of them that this node coordinates."""

    def __init__(self, front: Front) -> None:
        self._front = front
        self._node = front.config.node
        self._incarnation = front.system.settings.incarnation
        self._number = 0
        self.live: dict[int, Attempt] = {}
        """Attempts that are not over everywhere, by number: the oldest first."""
        self.running: dict[int, Transacting] = {}
        """Those that wait for their reply, by the number of their stamp: the oldest first."""
        self._waiting: dict[int, Transacting] = {}
        """Those of them that have nothing under way, or are to ask a participant again."""
        self.counts = Counts()
        self.workspace = Workspace()
        self.collects = Collects(front, self.workspace, self._stir)
        self.resolver = Resolver(front)
        self._held = Held(front)
        self._line = Line(front)
        self._prng: Prng = front.prng()
        self._inbox: list[Asked] = []
        self._informed: list[Transacting] = []
        self._again: list[tuple[Instant, Attempt, GroupId, bytes]] = []
        """Words to be said once more."""
        self._listed = False

    def tick(self, now_ms: Instant) -> None:
        """See ``Transactor``."""
        self.resolver.tick(now_ms)

    @property
    def low(self) -> int:
        """All attempts with lower numbers are over everywhere."""
        return next(iter(self.live), self._number + 1)

    # -- beginning ------------------------------------------------------------------------------

    def take(self, session: Session, call: list[bytes], watched: list[GroupId]) -> bool:
        """Put a call among the session's (Rule Z1); False: it must be parked."""
        front = self._front
        if not session.idle or not front.may_go_on(session, True):
            return False
        wide = self.begin(session, (session.db, call), session.conn, watched)
        if wide is None:
            front.unwatch_in(session.conn, watched)
            session.answer_reply(TOO_MANY)
            return True
        refusal = front.refuse_write()
        if refusal is not None and self._waiting.pop(wide.stamp.number, None) is not None:
            del self.running[wide.stamp.number]
            wide.replies = [refusal]
            front.unwatch_in(session.conn, watched)
            session.answer_reply(refusal)
            return True
        wide.turn = front.turn_number
        wide.opener = session.last_command
        session.pending.append(wide)
        session.calls_under_way += 1
        session.vet |= HELD
        front.tracking.on_transaction(session, wide, [(session.db, call)])
        return True

    def take_waiting(self, session: Session, call: list[bytes]) -> Transacting | None:
        """See ``Transactor``."""
        front = self._front
        refusal = front.refuse_write()
        wide = None if refusal is not None else self.begin(session, (session.db, call), session.conn, [])
        if wide is None:
            session.answer_reply(refusal or TOO_MANY)
            return None
        wide.turn = front.turn_number
        wide.opener = session.last_command
        session.pending.append(wide)
        session.calls_under_way += 1
        return wide

    def withdraw(self, run: Run) -> None:
        """See ``Transactor``."""
        if not isinstance(run, Transacting) or run.replies is not None:
            return
        attempt = run.attempt
        if attempt is None:
            self._answer(run, NO_LOCKS)
        elif attempt.coordinator.phase in (Phase.LOCKING, Phase.RUNNING):
            self._give_up(attempt, NO_LOCKS)

    def begin(
        self, waiter: Waiter, call: Call, client: ConnectionId, watched: list[GroupId]
    ) -> Transacting | None:
        """See ``Transactor``."""
        if len(self.running) >= UNDER_WAY_MAX or len(self.live) >= 2 * UNDER_WAY_MAX:
            return None
        front = self._front
        self._number += 1
        stamp = Stamp(front.wall_ms, self._node, self._number)
        wide = Transacting(waiter, call, client, watched, stamp)
        wide.began_ms = front.now_ms
        wide.deadline_ms = front.now_ms + front.config.command_timeout_ms
        wide.latest_ms = front.now_ms + BACK_OFF_MS_MAX
        self.running[stamp.number] = self._waiting[stamp.number] = wide
        if wide.first is not None and (call[1][0] == AS or names_scripts(wide.first)):
            wide.news = Run(News(self, wide), False)
            wide.news.add((0, [USERS, b"NAMES"]), 0)
            front.system.read(wide.news, front.now_ms)
        if self.collects.begin(wide):
            del self._waiting[stamp.number]
        self._stir()
        return wide

    def _stir(self) -> None:
        self._front.unparked = True
        if not self._listed:
            self._listed = True
            self._front.steps.append(self)

    # -- what others ask ------------------------------------------------------------------------

    def is_held(self, call: Call, group: Replica | None, locked_at: Index) -> bool | None:
        """See ``Transactor``."""
        return self._held.call(call, group, locked_at)

    def watches_in(self, client: ConnectionId, group: Replica) -> None:
        """See ``Transactor``."""
        session = self._front.sessions.get(client)
        if session is not None and session.watching:
            session.watching_in[group.settings.group] = None

    # -- what comes in --------------------------------------------------------------------------

    def answered(self, asked: Asked) -> None:
        """A word is answered: it is looked at when this turn's groups have had theirs."""
        self._inbox.append(asked)
        self._stir()

    def has_news(self, wide: Transacting) -> None:
        """The same of the question to the system group."""
        self._informed.append(wide)
        self._stir()

    def look(self) -> bool:
        """Go on with what can go on; True: nothing is left that time could change."""
        self._listed = True
        self.collects.look(self._answer, self._lock_instead)
        inbox, self._inbox = self._inbox, []
        for asked in inbox:
            run = asked.run
            assert run is not None and run.replies is not None
            self._take_answer(asked.attempt, asked.group, asked.verb, run.replies[0])
            self._drive(asked.attempt)
        informed, self._informed = self._informed, []
        for wide in informed:
            self._take_news(wide)
        now_ms = self._front.now_ms
        again, self._again = self._again, []
        for one in again:
            if one[0] <= now_ms:
                self._repeat(*one[1:])
            else:
                self._again.append(one)
        self._line.look_anew()
        for wide in sorted(self._waiting.values(), key=age_of):
            self._look_at(wide, now_ms)
        while self.running and (wide := next(iter(self.running.values()))).deadline_ms <= now_ms:
            self._time_is_over(wide)
        self._listed = bool(self.live or self.running or self._inbox)
        return not self._listed

    def _look_at(self, wide: Transacting, now_ms: Instant) -> None:
        """Whether it may go on that has to wait."""
        attempt = wide.attempt
        if attempt is None:
            if self._may_begin(wide, now_ms):
                self._waiting.pop(wide.stamp.number, None)
                self._attempt(wide)
            return
        coordinator = attempt.coordinator
        for group in coordinator.waiting:
            if self._line.bars(wide.stamp, coordinator.participants[group].keys):
                coordinator.give_up(End.DIED)  # before it hears so: others may wait for what it holds
                break
            if self._is_to_be_asked(attempt, group, now_ms):
                coordinator.ask_again(group, self.low)
        if not coordinator.waiting:
            self._waiting.pop(wide.stamp.number, None)
        self._drive(attempt)

    def _may_begin(self, wide: Transacting, now_ms: Instant) -> bool:
        """Whether it may make an attempt."""
        if wide.epoch_tried >= 0 and self._front.map_epoch > wide.epoch_tried:
            return True
        barred = self._line.keeps(wide)
        return barred is False or now_ms >= (wide.latest_ms if barred else wide.not_before_ms)

    def _is_to_be_asked(self, attempt: Attempt, group: GroupId, now_ms: Instant) -> bool:
        """Again, after ``WAIT``: when the keys are free; where nobody here can tell, soon."""
        held = self._held.keys(group, attempt.coordinator.participants[group].keys)
        waited_ms = now_ms - attempt.waits_since_ms
        return held is False or waited_ms >= patience_ms(held, attempt.wide.count_of_tries - 1)

    def _time_is_over(self, wide: Transacting) -> None:
        """Rule Z2."""
        self.counts.timeouts += 1
        attempt = wide.attempt
        if attempt is None:
            self._answer(wide, wide.why)
        elif attempt.coordinator.phase in (Phase.LOCKING, Phase.RUNNING):
            self._give_up(attempt, NO_LOCKS)
        else:
            self._answer(wide, TIMEOUT_ERROR)

    def _answer(self, wide: Transacting, reply: Reply) -> None:
        """The client's part is over, and so are its watches."""
        self.running.pop(wide.stamp.number, None)
        self._waiting.pop(wide.stamp.number, None)
        watched, wide.watched = wide.watched, []
        self._front.unwatch_in(wide.client, watched)
        self._front.unparked = True
        wide.finish([reply])

    def _lock_instead(self, wide: Transacting) -> None:
        """What could not be read without locks."""
        refusal = self._front.refuse_write()
        if refusal is not None:
            self._answer(wide, refusal)
        else:
            self._waiting[wide.stamp.number] = wide

    # -- attempts -------------------------------------------------------------------------------

    def _attempt(self, wide: Transacting) -> None:
        """Ask for the locks, by the map as it is now."""
        front = self._front
        wide.epoch_tried = -1
        if any(front.cluster.is_dropped(group) for group in wide.watched):
            wide.watched = [*front.replicas]  # wherever they are now
            self._answer(wide, NULL_ARRAY)
            return
        locks = self._place(wide.wanted)
        wide.why = NO_LOCKS
        if locks is NOT_IN_REACH:
            wide.why = NOT_IN_REACH
            self._wait_for_map(wide)
            return
        if isinstance(locks, Error):
            self._answer(wide, locks)
            return
        home = self._home(wide, locks)
        if home is None:
            self._wait_for_map(wide)
            return
        self._number += 1
        number = TransactionId(self._node, self._incarnation, self._number)
        attempt = Attempt(Coordinator(number, wide.stamp, home, wide.client), wide)
        attempt.locks = locks
        wide.attempt = attempt
        self.live[number.number] = attempt
        self._line.asks(attempt)
        attempt.coordinator.lock(locks, wide.watched, self.low)
        self._drive(attempt)

    def _wait_for_map(self, wide: Transacting) -> None:
        wide.attempt = None
        wide.latest_ms = NO_LINE
        self._waiting[wide.stamp.number] = wide
        wide.epoch_tried = self._front.map_epoch
        wide.not_before_ms = self._front.now_ms + RETRY_MS

    def _place(self, wanted: dict[LockKey, int]) -> dict[LockKey, tuple[GroupId, int]] | Error:
        """The group of each key."""
        router = self._front.router
        locks: dict[LockKey, tuple[GroupId, int]] = {}
        counts: dict[GroupId, int] = {}
        for (db, key), mode in wanted.items():
            manners = router.manners_of(db)
            if manners is not None:
                return manners.other_database
            group = router.of_slot(db, slot_of(key))
            if isinstance(group, Error):
                return group
            number = group.settings.group
            counts[number] = counts.get(number, 0) + 1
            if counts[number] > KEYS_MAX:
                return TOO_MANY_KEYS
            locks[(db, key)] = (number, mode)
        return locks

    def _home(self, wide: Transacting, locks: dict[LockKey, tuple[GroupId, int]]) -> GroupId | None:
        """Where it is decided: at its first key, or where the client watches; None: not known yet."""
        for group, _ in locks.values():
            return group
        for watched in wide.watched:
            return watched
        first = self._front.router.of_keys(wide.call[0], [])
        return None if isinstance(first, Error) else first.settings.group

    def _drive(self, attempt: Attempt) -> None:
        """Say what is to be said, and do what its phase asks for."""
        coordinator = attempt.coordinator
        self._say(attempt)
        if coordinator.phase is Phase.RUNNING:
            self._run(attempt)
            self._say(attempt)
        if coordinator.end is not None and coordinator.is_answerable and not attempt.told:
            attempt.told = True
            self._ended(attempt, coordinator.end)
        if coordinator.phase is Phase.OVER and self.live.pop(coordinator.id.number, None) is not None:
            self._line.leaves(attempt)

    def _ended(self, attempt: Attempt, end: End) -> None:
        wide = attempt.wide
        counts = self.counts
        if end is End.COMMITTED:
            counts.commits += 1
        else:
            counts.refused[end] += 1
        if wide.attempt is not attempt or wide.replies is not None:
            return
        wide.attempt = None
        if end is End.COMMITTED:
            session = self._front.sessions.get(wide.client)
            if session is not None:
                self._note_writes(session, attempt)
            self._answer(wide, PART_LOST if attempt.coordinator.lost else wide.reply)
        elif end is End.UNKNOWN:
            self._answer(wide, TIMEOUT_ERROR)
        elif end is End.DIRTY:
            self._answer(wide, NULL_ARRAY)
        elif end is End.MOVED:
            self._wait_for_map(wide)
        else:
            self._waiting[wide.stamp.number] = wide
            wide.count_of_tries += 1
            range_ms = min(BACK_OFF_MS_MAX, 1 << min(wide.count_of_tries, 8))
            wide.not_before_ms = self._front.now_ms + 1 + self._prng.below(range_ms)
            wide.latest_ms = NO_LINE
            if end is not End.STALE:
                late_ms = BACK_OFF_MS_MAX // 2
                wide.latest_ms = self._front.now_ms + late_ms + self._prng.below(late_ms)

    def _note_writes(self, session: Session, attempt: Attempt) -> None:
        for number, one in attempt.coordinator.participants.items():
            group = self._front.replicas.get(number)
            if group is not None and one.effects:
                session.note_write(group)

    def _give_up(self, attempt: Attempt, reply: Reply) -> None:
        """It never was decided: the reply is definite."""
        wide = attempt.wide
        wide.attempt = None
        attempt.coordinator.give_up()
        self._answer(wide, reply)
        self._drive(attempt)

    # -- words ----------------------------------------------------------------------------------

    def _say(self, attempt: Attempt) -> None:
        words, attempt.coordinator.words = attempt.coordinator.words, []
        for word in words:
            self._send(attempt, word)

    def _send(self, attempt: Attempt, word: Word) -> None:
        front = self._front
        group, call = encode(word)
        asked = Asked(self, attempt, group, word[1])
        asked.run = run = Run(asked, True, patient=True)
        run.epoch = front.map_epoch
        run.add((0, call), sum(map(len, call)) + 32)
        front.unparked = True
        replica = front.replicas.get(group)
        if replica is not None:
            replica.write(run, front.now_ms)
        elif front.cluster.is_dropped(group):
            run.fail(NO_DATABASE, whoever=True)
        elif word[1] == LOCK:
            run.fail(NOT_IN_REACH, whoever=True)
        else:
            self._later(attempt, group, word[1])

    def _later(self, attempt: Attempt, group: GroupId, verb: bytes) -> None:
        self._again.append((self._front.now_ms + REPEAT_MS, attempt, group, verb))

    def _repeat(self, attempt: Attempt, group: GroupId, verb: bytes) -> None:
        coordinator = attempt.coordinator
        if verb == FINISH:
            coordinator.say_end(group)
        elif verb in (RESOLVE, DECIDE):
            coordinator.on_decision_lost()
            if verb == RESOLVE:
                coordinator.ask_home()
        else:
            coordinator.say_forget()
        self._drive(attempt)

    def _take_answer(self, attempt: Attempt, group: GroupId, verb: bytes, reply: Reply) -> None:
        coordinator = attempt.coordinator
        is_gone = reply is NO_DATABASE
        if verb == LOCK:
            self._take_lock(attempt, group, reply)
        elif verb == FINISH and (reply in (OK, IS_LOST) or is_gone):
            self.counts.lost += reply == IS_LOST
            coordinator.on_finished(group, reply == IS_LOST)
        elif verb in (DECIDE, RESOLVE):
            if is_gone:
                coordinator.on_home_gone()
            elif verb == DECIDE and isinstance(reply, Error | NotHere):
                coordinator.on_decision_lost()
            elif verb == DECIDE:
                coordinator.on_decided(reply == OK)
            elif isinstance(reply, list) and reply:
                coordinator.on_resolved(reply[0] == COMMIT)
            else:
                self._later(attempt, group, verb)
        elif verb == FINISH:
            self._later(attempt, group, verb)
        elif reply == OK or is_gone:
            coordinator.on_forgotten()
        else:
            self._later(attempt, group, verb)

    def _take_lock(self, attempt: Attempt, group: GroupId, reply: Reply) -> None:
        coordinator = attempt.coordinator
        if isinstance(reply, NotHere) or reply is NO_DATABASE or reply is NOT_IN_REACH:
            coordinator.on_lock(group, None)
        elif isinstance(reply, bytes):
            try:
                found = unpack_reply(reply)
            except ValueError:
                coordinator.on_lock_lost(group)
                return
            coordinator.on_lock(group, found)
            if coordinator.participants[group].waits and attempt.wide.attempt is attempt:
                self._waiting[attempt.wide.stamp.number] = attempt.wide
                attempt.wide.count_of_tries += 1
                self.counts.waits += 1
                attempt.waits_since_ms = self._front.now_ms
        else:
            coordinator.on_lock_lost(group)

    # -- the run --------------------------------------------------------------------------------

    def _take_news(self, wide: Transacting) -> None:
        news = wide.news
        assert news is not None and news.replies is not None
        wide.news = None
        attempt = wide.attempt
        failed = isinstance(news.replies[0], Error)
        if wide.replies is not None:
            return
        if attempt is None:
            if failed:
                self._answer(wide, news.replies[0])
        elif failed and attempt.coordinator.phase in (Phase.LOCKING, Phase.RUNNING):
            self._give_up(attempt, news.replies[0])
        else:
            self._drive(attempt)

    def _run(self, attempt: Attempt) -> None:
        """All locks are there."""
        front = self._front
        wide = attempt.wide
        if wide.news is not None:
            return
        coordinator = attempt.coordinator
        job = Job(wide.call, wide.client, coordinator.home)
        job.locks = attempt.locks
        grants = coordinator.grants
        job.grants = [(grant.time_ms, grant.items) for grant in grants]
        job.now_ms = max([grant.time_ms for grant in grants])
        job.prng = front.prng()
        job.notifies = front.system.machine.settings.notifies
        job.refuses_growth = any(grant.refuses_growth for grant in grants)
        self.workspace.know_scripts(front.system.machine.scripts)
        try:
            ran = self.workspace.run(job, front.system.machine.users)
        except ValueError:
            coordinator.give_up()
            return
        if self.workspace.defects:
            front.system.machine.defects.extend(self.workspace.defects)
            self.workspace.defects.clear()
        if ran.missing:
            self._lock_more(attempt, ran.missing)
        else:
            self._decide(attempt, ran, job.now_ms)

    def _lock_more(self, attempt: Attempt, missing: dict[LockKey, int]) -> None:
        """The run has met keys that are not locked, or not as it needs them."""
        wide = attempt.wide
        wide.rounds += 1
        if wide.rounds > ROUNDS_MAX:
            self._give_up(attempt, NO_END)
            return
        for key, mode in missing.items():
            add_lock(wide.wanted, key, mode)
        placed = self._place(missing)
        if isinstance(placed, Error) and placed is not NOT_IN_REACH:
            self._give_up(attempt, placed)
        elif isinstance(placed, Error) or any(key in attempt.locks for key in missing):
            attempt.coordinator.give_up()  # again with all of them
        else:
            attempt.locks.update(placed)
            self._line.asks(attempt)
            attempt.coordinator.lock(placed, [], self.low)

    def _decide(self, attempt: Attempt, ran: Ran, now_ms: int) -> None:
        coordinator = attempt.coordinator
        wide = attempt.wide
        limit = self._front.limits.call_bytes_max
        ran.effects.setdefault(coordinator.home, Effects(now_ms))
        if sum([len(one.packets) for one in ran.effects.values()]) > limit:
            self._give_up(
                attempt,
                Error(
                    f"ERR what the transaction changes is larger than call_bytes_max ({limit}); "
                    "nothing was done"
                ),
            )
            return
        wide.reply = ran.reply
        coordinator.grants = []  # their values are not needed any more
        for one in ran.denied:
            session = self._front.sessions.get(one.client)
            shown = "" if session is None else describe(self._front, session)
            self._front.guard.note(one.denial, one.context, one.user, shown, self._front.now_ms)
        coordinator.decide(ran.effects, self.low, unsafe_of(coordinator, self._front.cluster))
