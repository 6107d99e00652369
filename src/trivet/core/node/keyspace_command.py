"""``KEYSPACE``: databases with groups of their own.

What changes goes to the map in the system group; what is asked is answered from this node's copy, once that
is as new as any reply that a client has had (``Steps.catch_up``).
"""

from collections.abc import Callable

from trivet.core.base.ids import NodeId
from trivet.core.cluster import keyspace_syntax
from trivet.core.cluster.change_keyspaces import find
from trivet.core.cluster.choosing import choose, load_of, zones_of
from trivet.core.cluster.keyspace_syntax import KeyspaceCall
from trivet.core.cluster.ranges import show
from trivet.core.cluster.rows import DEFAULT_REPLICAS, EVENTUAL, LEADERLESS, LOCAL, UP, GroupRow, KeyspaceRow
from trivet.core.machine.entry import Call
from trivet.core.machine.scanning import SLOTKEYS
from trivet.core.node.front import Front
from trivet.core.node.session import Session
from trivet.core.node.steps import MapChange, Question, Steps, begin, first_error
from trivet.core.wire.reply import OK, Error, Reply

_DBSIZE = b"DBSIZE"
_UNDECIDED = Error("TIMEOUT whether it was done is not known yet: see KEYSPACE LIST")


def keyspace(front: Front, session: Session, args: list[bytes]) -> bool:
    """Answer any ``KEYSPACE`` command; False: park it."""
    call = keyspace_syntax.parse(args)
    if isinstance(call, Error):
        session.answer_reply(call)
        return True
    action = call.action
    if action == b"HELP":
        session.answer_reply(keyspace_syntax.HELP)
        return True
    if action == b"LIST":
        return begin(_List(front, session, args), session)
    if action == b"INFO":
        return begin(_Info(front, session, args, call), session)
    refusal = front.refuse_write()
    if refusal is not None:
        session.answer_reply(refusal)
        return True
    if action == b"CREATE":
        return begin(_Create(front, session, args, call), session)
    if action == b"DROP":
        return begin(_Drop(front, session, args, call), session)
    return begin(MapChange(front, session, args, [b"KEYSPACE", *args[1:]]), session)


class _OfKeyspace(Steps):
    """A command about one keyspace."""

    __slots__ = ("_settled", "call", "token")

    def __init__(self, front: Front, session: Session, args: list[bytes], call: KeyspaceCall) -> None:
        super().__init__(front, session, args)
        self.call = call
        self.token = 0
        """The claim on its database (see ``cluster/change_claims``)."""
        self._settled: Callable[[], None] = self._nothing

    def _nothing(self) -> None:
        """Nothing is left to do."""

    def claim(self, words: list[bytes], then: Callable[[], None]) -> None:
        """Ask the map for a change that may have to wait for groups; ``then``, when it is made."""
        self._settled = then
        self.change_map(words, self._claimed)

    def _claimed(self, replies: list[Reply]) -> None:
        reply = replies[0]
        if isinstance(reply, Error):
            self.finish([reply])
        elif isinstance(reply, list) and isinstance(reply[1], int):
            self.token = reply[1]
            self.wait(self._is_decided, self._decided)
        else:
            self._settled()

    def _is_decided(self) -> bool:
        return self.front.cluster.is_decided(self.token)

    def _decided(self) -> None:
        cluster = self.front.cluster
        text = cluster.settled.get(self.token)
        if not cluster.is_decided(self.token) or text is None:
            self.finish([_UNDECIDED])
        elif text:
            self.finish([Error(text)])
        else:
            self._settled()

    def found(self) -> KeyspaceRow | None:
        """The keyspace as the map has it; without one the command is answered."""
        row = find(self.front.cluster, self.call)
        if isinstance(row, Error):
            self.finish([row])
            return None
        return row

    def count_keys(self, databases: list[int]) -> list[Question] | Error:
        """What to ask for the number of keys of each database, in each of its groups."""
        calls: dict[int, list[Call]] = {}
        questions: list[Question] = []
        for db in databases:
            groups = self.front.router.groups(db)
            if isinstance(groups, Error):
                return groups
            for group in groups:
                number = group.settings.group
                if number not in calls:
                    calls[number] = []
                    questions.append((group, calls[number]))
                calls[number].append((db, [_DBSIZE]))
        return questions


class _Create(_OfKeyspace):
    """Rule K1: not while the database holds keys. Rule K2: it is answered when the new groups serve.

    Counting keys here only spares the groups the trouble: that there are none, each says in its own log.
    """

    __slots__ = ()

    def start(self) -> None:
        """Look into the database, if it is somebody's already."""
        number = self.call.number
        assert number is not None
        cluster = self.front.cluster
        if number in cluster.keyspaces or cluster.keyspace_of(number) is None:
            self._make()
            return
        questions = self.count_keys([number])
        if isinstance(questions, Error):
            self.finish([questions])
        else:
            self.ask(questions, False, self._counted)

    def _counted(self, replies: list[Reply]) -> None:
        error = first_error(replies)
        keys = sum([reply for reply in replies if isinstance(reply, int)])
        if error is None and keys:
            error = Error(f"ERR database {self.call.number} holds {keys} keys: empty it first")
        if error is not None:
            self.finish([error])
        else:
            self._make()

    def _make(self) -> None:
        assert self.first is not None
        words = [b"KEYSPACE", *self.first[1:]]
        if not self.call.on:
            words += on_alive(self.front, 1 if self.call.mode == LOCAL else self.call.replicas or 0)
        self.claim(words, self._made)

    def _made(self) -> None:
        self.wait(self._is_known, self._greet)

    def _groups(self) -> list[GroupRow]:
        return self.front.cluster.groups_in(self.call.number or 0)

    def _is_known(self) -> bool:
        rows = self._groups()
        return bool(rows) and all(row.id in self.front.replicas for row in rows)

    def _greet(self) -> None:
        """A question to each group: it is answered when there is a leader and the group owns its slots."""
        db = self.call.number or 0
        replicas = self.front.replicas
        questions: list[Question] = [
            (replicas[row.id], [(db, [SLOTKEYS, b"%d" % row.ranges[0][0]])])
            for row in self._groups()
            if row.id in replicas and row.ranges
        ]
        if questions:
            self.ask(questions, False, self._greeted)
        else:
            self._greeted([Error("CLUSTERDOWN this node does not know them")])

    def _greeted(self, replies: list[Reply]) -> None:
        error = first_error(replies)
        if error is not None:
            text = f"keyspace {self.call.number} is there, but not all of its groups serve yet: commands wait"
            self.finish([Error(f"ERR {text} ({error.text})")])
        else:
            self.finish([OK])


class _Drop(_OfKeyspace):
    """Rule K3: only an empty keyspace, or with ``FORCE``."""

    __slots__ = ()

    def start(self) -> None:
        """Hear of the newest map."""
        self.catch_up(self._caught_up)

    def _caught_up(self) -> None:
        row = self.found()
        if row is None:
            return
        if self.call.force or not row.number or row.mode in LEADERLESS:
            self._remove()  # of the latter the map has something to say, whether it is empty or not
            return
        questions = self.count_keys(self.front.cluster.databases_of(row))
        if isinstance(questions, Error):
            self.finish([questions])
        else:
            self.ask(questions, False, self._counted)

    def _counted(self, replies: list[Reply]) -> None:
        error = first_error(replies)
        keys = sum([reply for reply in replies if isinstance(reply, int)])
        if error is not None:
            error = Error(f"ERR nobody can tell whether it is empty, nothing was done ({error.text})")
        elif keys:
            error = Error(f"ERR the keyspace holds {keys} keys: empty it first, or say FORCE")
        if error is not None:
            self.finish([error])
        else:
            self._remove()

    def _remove(self) -> None:
        assert self.first is not None
        self.claim([b"KEYSPACE", *self.first[1:]], self._removed)

    def _removed(self) -> None:
        self.finish([OK])


class _List(Steps):
    __slots__ = ()

    def start(self) -> None:
        """Hear of the newest map."""
        self.catch_up(self._caught_up)

    def _caught_up(self) -> None:
        rows: list[Reply] = [facts_of(self.front, row) for row in self.front.cluster.keyspaces.values()]
        self.finish([rows])


class _Info(_OfKeyspace):
    __slots__ = ("facts",)

    def __init__(self, front: Front, session: Session, args: list[bytes], call: KeyspaceCall) -> None:
        super().__init__(front, session, args, call)
        self.facts: dict[bytes, Reply] = {}

    def start(self) -> None:
        """Hear of the newest map."""
        self.catch_up(self._caught_up)

    def _caught_up(self) -> None:
        row = self.found()
        if row is None:
            return
        front = self.front
        self.facts = facts_of(front, row)
        groups: list[Reply] = [
            {
                b"id": group.id,
                b"slots": show(group.ranges).encode(),
                b"members": list(group.members),
                b"incoming": list(group.incoming),
                b"generation": group.generation,
                b"leader": 0 if group.id in front.leaderless else leader_of(front, group),
            }
            for group in front.cluster.groups_in(row.number)
        ]
        self.facts[b"groups"] = groups
        questions = self.count_keys(front.cluster.databases_of(row))
        if isinstance(questions, Error):
            self._counted([questions])
        else:
            self.ask(questions, False, self._counted)

    def _counted(self, replies: list[Reply]) -> None:
        """Without a leader somewhere nobody knows the number; the rest is told all the same."""
        known = first_error(replies) is None
        self.facts[b"keys"] = sum([reply for reply in replies if isinstance(reply, int)]) if known else None
        self.finish([self.facts])


def facts_of(front: Front, row: KeyspaceRow) -> dict[bytes, Reply]:
    """What there is to say of a keyspace."""
    cluster = front.cluster
    facts: dict[bytes, Reply] = {
        b"number": row.number,
        b"name": row.name.encode(),
        b"mode": row.mode.encode(),
        b"replicas": row.replicas,
        b"shards": row.shards or b"auto",
        b"together": int(row.together),
        b"databases": list(cluster.databases_of(row)),
        b"groups": len(cluster.groups_in(row.number)),
    }
    if row.mode == EVENTUAL:
        facts[b"write-quorum"] = row.write_quorum
        facts[b"read-quorum"] = row.read_quorum
    return facts


def leader_of(front: Front, row: GroupRow) -> NodeId:
    """Who leads a group: as this node hears, else as the map has it; 0: nobody.

    Where nobody leads: this node if it is a member, else the first that is heard stands for one.
    """
    if row.id in front.leaderless:
        alive = [node for node in row.members if front.alive(node)]
        return front.config.node if front.config.node in alive else next(iter(alive), 0)
    replica = front.replicas.get(row.id)
    leader = 0 if replica is None else replica.leader
    return leader or (0 if row.id in front.groups else row.leader_hint)


def on_alive(front: Front, replicas: int) -> list[bytes]:
    """``ON node …`` for a new group: those that may get one and that this node hears.

    Where they are too few, as many more as are wanted: of three members of which one is away, one may fall.
    """
    cluster = front.cluster
    up = [node for node, row in cluster.members.items() if row.state == UP]
    alive = [node for node in up if front.alive(node)]
    wanted = (replicas or DEFAULT_REPLICAS) - len(alive)
    if wanted > 0:
        away = [node for node in up if node not in alive]
        alive += choose(wanted, away, zones_of(cluster), load_of(cluster), alive)
    return [b"ON", *[b"%d" % node for node in alive]]
