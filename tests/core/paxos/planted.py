"""Bugs of other systems, and likely ones of ours, planted into copies of the room's sources: the tests must
notice them.

Each is a list of (file, text, other text).
"""

from tests.core.paxos import planted_slots
from tests.core.paxos.planting import Planted
from tests.core.paxos.planting import noticed as noticed

BUGS = [
    Planted(
        "a promise is told before it is durable",
        [
            (
                "saves.py",
                "if save_id <= self.saved_id:\n            out.append",
                'if save_id <= self.saved_id or type(message).__name__ == "Promises":\n            out.append',
            ),
        ],
    ),
    Planted(
        "an acceptance is told before it is durable",
        [
            (
                "saves.py",
                "if save_id <= self.saved_id:\n            out.append",
                'if save_id <= self.saved_id or type(message).__name__ == "Accepted":\n            out.append',
            ),
        ],
    ),
    Planted(
        "a read is answered before what it tells is durable",
        [
            (
                "saves.py",
                "if save_id <= self.saved_id:\n            out.append",
                'if save_id <= self.saved_id or type(message).__name__ == "ReadReply":\n            out.append',
            ),
        ],
    ),
    Planted(
        "an accept below the promise is taken",
        [
            (
                "acceptor.py",
                "            elif ballot < promised:\n",
                "            elif register is not None and ballot < register.accepted:\n",
            ),
        ],
    ),
    Planted(
        "a kept promise is used after a conflict",
        [
            (
                "promises.py",
                "        kept = self._kept.pop(key, None)\n        if kept is not None:\n            self.bytes_in_memory -= kept.size_bytes\n        return kept",
                "        return self._kept.get(key)",
            ),
            (
                "promises.py",
                "        while len(self._kept) > self._count_max or self.bytes_in_memory > self._bytes_max:\n            self.take(next(iter(self._kept)))",
                "        self.bytes_in_memory = 0",
            ),
            (
                "promises.py",
                "        if key in self._kept:\n            self.take(key)\n        kept = Kept",
                "        kept = Kept",
            ),
            (
                "proposer.py",
                "        self.kept.take(round_.key)\n        # Who",
                "        # Who",
            ),
            (
                "proposer.py",
                "        if round_.tries == 0 and not round_.is_collecting:\n            if round_.only_reads:",
                "        if round_.tries < 3 and not round_.is_collecting:\n            if round_.tries == 0 and round_.only_reads:",
            ),
        ],
    ),
    Planted(
        "ballots of a former life are used again",
        [
            (
                "paxos.py",
                '        assert problem(settings) == "", problem(settings)\n',
                "        import msgspec\n        settings = msgspec.structs.replace(settings, proposer=settings.node << 44 | 1)\n",
            ),
        ],
        theme="crashes",
        seeds=200,
    ),
    Planted(
        "a read is answered from one member",
        [
            (
                "proposer.py",
                "        if quorums.is_quorum(agreeing):\n",
                "        if agreeing:\n",
            ),
            (
                "proposer.py",
                "            if quorums.is_quorum(flight.mask):\n",
                "            if flight.mask:\n",
            ),
        ],
    ),
    Planted(
        "a read is answered from a quorum that disagrees",
        [
            (
                "proposer.py",
                "        if quorums.is_quorum(agreeing):\n            self._answer_reads(round_, round_.contents[accepted])",
                "        if quorums.is_quorum(round_.mask):\n            self._answer_reads(round_, round_.contents[round_.best()])",
            ),
        ],
        seeds=300,
    ),
    Planted(
        "who has another value than the asker holds says nothing of it",
        [
            (
                "acceptor.py",
                "                if register.accepted != held or register.hearsay:\n",
                "                if held == NOTHING or register.hearsay:\n",
            ),
        ],
    ),
    Planted(
        "an exception is made of nothing: one answer counts for all that fly together",
        [
            (
                "proposer.py",
                "if not (flight.parted or message.refused or message.since):",
                "if True:",
            ),
        ],
    ),
    Planted(
        "what was about to be asked is asked under other conditions",
        [
            (
                "outbox.py",
                "            asking.remove(round_)\n",
                "            asking = [0]\n",
            ),
        ],
        theme="disks",
        seeds=600,
    ),
    Planted(
        "what changes nothing is answered without agreement",
        [
            (
                "proposer.py",
                "        elif agreed or content is None:",
                "        elif True:",
            ),
        ],
    ),
    Planted(
        "an operation that is done is run again",
        [
            (
                "running.py",
                "if last is not None and last.seq >= operation.seq:",
                "if last is not None and last.seq > operation.seq:",
            ),
        ],
    ),
    Planted(
        "what was forgotten is taken for never done",
        [
            (
                "running.py",
                "elif draft.forgotten > operation.since:",
                "elif False:",
            ),
        ],
    ),
    Planted(
        "an entry is dropped without a word",
        [
            (
                "content.py",
                "        if gone.version > self.forgotten:\n            self.forgotten = gone.version\n",
                "        return\n",
            ),
        ],
    ),
    Planted(
        "versions do not rise above what an origin knew",
        [
            (
                "content.py",
                "self.version = max(self.version, operation.since) + 1",
                "self.version = self.version + 1",
            ),
        ],
        theme="copies",
        seeds=600,
    ),
    Planted(
        "a copy runs after one that changed nothing was answered",
        [
            (
                "running.py",
                "    elif not operation.sole:",
                "    elif False:",
            ),
        ],
        theme="copies",
        seeds=300,
    ),
    Planted(
        "given up as definite though an accept has left",
        [
            (
                "proposer.py",
                "Outcome.INDEFINITE if operation.exposed else Outcome.DEFINITE",
                "Outcome.DEFINITE",
            ),
        ],
    ),
    Planted(
        "a removal after a quorum has the tombstone",
        [
            (
                "proposer.py",
                "if flight.mask == quorums.everyone if flight.is_collecting else",
                "if",
            ),
            (
                "proposer.py",
                "if each.mask == quorums.everyone if each.is_collecting else",
                "if",
            ),
            (
                "proposer.py",
                "            if round_.mask == quorums.everyone:\n                self._collect(round_)",
                "            if quorums.is_quorum(round_.mask):\n                self._collect(round_)",
            ),
        ],
        theme="removals",
        seeds=300,
    ),
    Planted(
        "a removal without raising the floor",
        [
            (
                "acceptor.py",
                "self.raise_floor(after_all_of(item.ballot[0]), tail_of(register.content)[0])",
                "self.raise_floor((0, 0), tail_of(register.content)[0])",
            ),
        ],
    ),
    Planted(
        "a removal that forgets the version",
        [
            (
                "acceptor.py",
                "self.raise_floor(after_all_of(item.ballot[0]), tail_of(register.content)[0])",
                "self.raise_floor(after_all_of(item.ballot[0]), 0)",
            ),
        ],
    ),
    Planted(
        "a removal without looking at what is there",
        [
            (
                "acceptor.py",
                "        if register is None or register.content is None or not register.is_tombstone:\n            return\n        if register.accepted != item.ballot or register.promised != item.ballot:\n            return",
                "        if register is None or register.content is None:\n            return\n        if False:\n            return",
            ),
        ],
    ),
    Planted(
        "a removal of any tombstone",
        [
            (
                "acceptor.py",
                "        if register.accepted != item.ballot or register.promised != item.ballot:\n            return",
                "        if False:\n            return",
            ),
        ],
    ),
    Planted(
        "a removal below a promise",
        [
            (
                "acceptor.py",
                "        if register.accepted != item.ballot or register.promised != item.ballot:\n            return",
                "        if register.accepted != item.ballot:\n            return",
            ),
        ],
    ),
    Planted(
        "bare registers are dropped without raising the floor",
        [
            (
                "acceptor.py",
                "        self.raise_floor(floor, 0)\n",
                "        self.raise_floor(self.floor, 0)\n",
            ),
        ],
    ),
    Planted(
        "a lost disk answers at once",
        [
            (
                "acceptor.py",
                "            self.doubtful = True\n            self.marks_changed()",
                "            self.marks_changed()",
            ),
        ],
        theme="losses",
    ),
    Planted(
        "a lost disk is content with one other member",
        [
            (
                "revival.py",
                "if not self._quorums.meets_all_of(self._node, mask):",
                "if not mask:",
            ),
        ],
        theme="losses",
    ),
    Planted(
        "answers of a former life count",
        [
            (
                "proposer.py",
                "        if news:\n            self._restart_all()",
                "        if False:\n            self._restart_all()",
            ),
        ],
        script="revival/former_life",
    ),
    Planted(
        "a lost disk does not ask for bare registers",
        [
            (
                "acceptor.py",
                "if register.is_bare and not message.life:",
                "if register.is_bare:",
            ),
        ],
        script="revival/bare",
    ),
    Planted(
        "a lost disk does not ask for the floor",
        [
            (
                "acceptor.py",
                "        self.raise_floor(reply.standing.floor, reply.standing.floor_version)\n        self.learn_lives",
                "        self.learn_lives",
            ),
        ],
        script="revival/floor",
    ),
    Planted(
        "what one member has as a register hides another's floor",
        [
            (
                "acceptor.py",
                "            if register.promised < self.floor:\n",
                "            if False:\n",
            ),
        ],
        theme="losses",
    ),
    Planted(
        "a config in which it is new, or no member, ends the doubt of a lost disk",
        [
            (
                "acceptor.py",
                "            self.joined = joined\n",
                "            self.joined = joined\n        if self.joined != 1:\n            self.doubtful = False\n",
            ),
        ],
        theme="changes",
        seeds=60,
    ),
    Planted(
        "what is known from others counts as accepted",
        [
            (
                "rounds.py",
                "(0 if hearsay else bit)",
                "bit",
            ),
        ],
        script="revival/hearsay",
    ),
    Planted(
        "what is known from others is called accepted",
        [
            (
                "acceptor.py",
                "register.accepted == ballot and not register.hearsay:",
                "register.accepted == ballot:",
            ),
        ],
        theme="losses",
    ),
    Planted(
        "only the former set decides",
        [
            (
                "config.py",
                "        return (mask & self._incoming).bit_count() >= self._incoming_needed",
                "        return True",
            ),
        ],
        theme="changes",
    ),
    Planted(
        "only the incoming set decides",
        [
            (
                "config.py",
                "        if (mask & self._voters).bit_count() < self._voters_needed:\n            return False",
                "        if not self._incoming_needed and (mask & self._voters).bit_count() < self._voters_needed:\n            return False",
            ),
        ],
        theme="changes",
    ),
    Planted(
        "nothing is carried over to new members",
        [
            (
                "rescan.py",
                "        self._keys = result.keys + result.unsure\n",
                "        self._keys = []\n",
            ),
        ],
        theme="changes",
    ),
    Planted(
        "keys to carry over are asked of one member",
        [
            (
                "scans.py",
                "        if quorums.is_quorum(scan.mask):\n            del",
                "        if scan.mask:\n            del",
            ),
        ],
        theme="changes",
    ),
    Planted(
        "new members get no floors",
        [
            (
                "rescan.py",
                "message = Raise(\n            proposer.settings.proposer, self.epoch, self._round_id, proposer.floor, proposer.floor_version\n        )",
                "message = Raise(proposer.settings.proposer, self.epoch, self._round_id, (0, 0), 0)",
            ),
        ],
        script="members/floors",
    ),
    Planted(
        "a member that comes back keeps what it had",
        [
            (
                "acceptor.py",
                "            if self.joined:\n                # It left",
                "            if False:\n                # It left",
            ),
        ],
        theme="members",
    ),
    Planted(
        "messages of other epochs count",
        [
            (
                "acceptor.py",
                "if message.epoch != self.epoch or not self.joined or self.doubtful:",
                "if not self.joined or self.doubtful:",
            ),
            (
                "proposer.py",
                "if epoch != self.config.epoch or sender not in quorums.bits:",
                "if sender not in quorums.bits:",
            ),
        ],
        theme="changes",
        seeds=300,
    ),
    Planted(
        "rounds go on in a new epoch",
        [
            (
                "proposer.py",
                "config.version)\n        self._restart_all()",
                "config.version)\n        self.kept.clear()",
            ),
            (
                "proposer.py",
                "if epoch != self.config.epoch or sender not in quorums.bits:",
                "if sender not in quorums.bits:",
            ),
        ],
        script="members/old_answers",
    ),
    *planted_slots.BUGS,
]

IN_RUNS = (
    "answers of a former life count",
    "a lost disk does not ask for bare registers",
    "a lost disk does not ask for the floor",
)
"""What scripts notice at once, random runs notice as well, in time."""
BUGS += [Planted(f"{bug.name}, in runs", bug.changes, "losses", 600) for bug in BUGS if bug.name in IN_RUNS]
