"""Section 7 of the fault matrix: registers without a leader (P1 to P11)."""

from mutants.focuses import (
    BLACKOUTS_ON_REGISTERS,
    COPIES_ON_REGISTERS,
    DEADLINES_ON_REGISTERS,
    MEMBERS_OF_REGISTERS,
    MOVES_OF_REGISTERS,
    ON_REGISTERS,
    ROT_ON_REGISTERS,
)
from mutants.model import Edit, Mutant, edit

REGISTERS = [
    Mutant(
        "P1", "answers leave before what they tell of is durable",
        edit(
            "core/paxos/saves.py",
            "        if save_id <= self.saved_id:\n            out.append((to, message))\n",
            "        if save_id <= self.next_id:\n            out.append((to, message))\n",
        ),
        1, "registers", BLACKOUTS_ON_REGISTERS,
    ),
    Mutant(
        "P2", "the second copy of an operation has another number than the first",
        [
            Edit(
                "core/group/register_errands.py",
                "            number, errand.place, execution.change, False, self.runner.origin, errand.seq,\n",
                "            number, errand.place, execution.change, False, self.runner.origin,\n"
                "            errand.seq + (errand.submissions - 1) * 1_000_000,\n",
            ),
            Edit(
                "core/group/register_errands.py",
                "        if errand.is_over or (not errand.reads_only and operation.seq != errand.seq):\n",
                "        if errand.is_over:\n",
            ),
        ],
        1, "linearizability", COPIES_ON_REGISTERS,
    ),
    Mutant(
        "P3", "whatever run was accepted, the last one is answered",
        edit(
            "core/group/register_execution.py",
            "        return self._results if self._reads_only or reply[:MARK_BYTES] == self._mark else None\n",
            "        return self._results or None\n",
        ),
        1, "linearizability", COPIES_ON_REGISTERS,
    ),
    Mutant(
        "P4", "what was forgotten is taken for not done: the second copy knows of later versions than the first",
        [
            Edit(
                "core/group/register_errands.py",
                "            errand.since, errand.submissions == 1, self.settled,\n",
                "            max(errand.since, self.since), errand.submissions == 1, self.settled,\n",
            ),
            Edit("core/node/register_replicas.py", "ORIGINS_MAX = 16\n", "ORIGINS_MAX = 1\n"),
        ],
        1, "exactly-once", COPIES_ON_REGISTERS,
    ),
    Mutant(
        "P5", "a read that finds a value late says so, and leaves it there",
        edit(
            "core/group/register_errands.py",
            "        elif errand.reads_only and (follows or errand.execution.was_late):\n",
            "        elif errand.reads_only and follows:\n",
        ),
        2, "linearizability", DEADLINES_ON_REGISTERS,
    ),
    Mutant(
        "P6", "members change without anybody looking after the registers",
        edit(
            "core/steward/register_keeper.py",
            "            self._look_after(row, group, kept)\n",
            "            kept.done = group.paxos.epoch == kept.epoch\n",
        ),
        1, "linearizability", MEMBERS_OF_REGISTERS,
    ),
    Mutant(
        "P7", "who has left keeps its registers, and has them still when it comes back",
        edit("core/paxos/acceptor.py", "            if self.joined:\n", "            if self.joined < 0:\n"),
        1, "crash", MEMBERS_OF_REGISTERS,
    ),
    Mutant(
        "P8", "a member of whose log something is lost takes part as if nothing were",
        edit(
            "core/node/register_replicas.py",
            "prng.fork(), kept.records, kept.doubtful,\n",
            "prng.fork(), kept.records, False,\n",
        ),
        1, "registers", ROT_ON_REGISTERS,
    ),
    Mutant(
        "P9", "the next life of a node numbers its ballots as the one before",
        edit(
            "core/node/register_replicas.py",
            "        proposer=proposer_of(config.node, incarnation),\n",
            "        proposer=proposer_of(config.node, 1),\n",
        ),
        1, "linearizability", ON_REGISTERS,
    ),
    Mutant(
        "P10", "WATCH sees a key come and go, but not change",
        edit(
            "core/machine/register.py",
            "task.watched != (version, result.there):\n",
            "task.watched[1] != result.there:\n",
        ),
        1, "linearizability", ON_REGISTERS | {"workloads": "register", "weight_watch": 8, "readers": 0},
    ),
    Mutant(
        "P11", "the number that comes with a lock is not above what was told before",
        edit(
            "core/machine/register.py",
            "        has_changed = self._place > 1 or self._changes.happened\n",
            "        has_changed = False\n",
        ),
        1, "lock", ON_REGISTERS | {"workloads": "lock", "readers": 0},
    ),
    Mutant(
        "P12", "of a group whose slots are sealed one member is asked what it has, not a majority",
        edit(
            "core/paxos/scans.py",
            "        if quorums.is_quorum(scan.mask):\n            del",
            "        if scan.scan_id == LISTING or quorums.is_quorum(scan.mask):\n            del",
        ),
        7, "linearizability", MOVES_OF_REGISTERS,
    ),
    Mutant(
        "P13", "slots are handed over with what was copied before they were sealed",
        edit(
            "core/paxos/transfer.py",
            "        self._sealed_epoch = self._source.epoch\n        self._begin()\n",
            "        self._sealed_epoch = self._source.epoch\n",
        ),
        1, "linearizability", MOVES_OF_REGISTERS,
    ),
    Mutant(
        "P14", "of what the source's members have accepted the lowest ballot is carried",
        edit(
            "core/paxos/scans.py",
            "            if item.accepted > (NOTHING if known is None else known[0]):\n",
            "            if known is None or item.accepted < known[0]:\n",
        ),
        1, "linearizability", MOVES_OF_REGISTERS,
    ),
    Mutant(
        "P15", "that a key was removed is not carried",
        [
            Edit(
                "core/paxos/scans.py",
                "            known = best.get(item.key)\n",
                "            if not item.is_there:\n                continue\n            known = best.get(item.key)\n",
            ),
            Edit(
                "core/paxos/transfer.py",
                "if key not in self._seen and not taken.is_tombstone]",
                "if False]",
            ),
        ],
        25, "linearizability", MOVES_OF_REGISTERS,
    ),
    Mutant(
        "P16", "slots are handed over before a majority of the target has what was carried",
        edit(
            "core/paxos/transfer.py",
            "not (self._wanted or self._fetching or self._adopting)",
            "not (self._wanted or self._fetching or (self._adopting and self.state is State.COPYING))",
        ),
        20, "linearizability", MOVES_OF_REGISTERS | {
            "nodes": 5, "slow_link_every_ms": 200, "slow_link_ms_max": 500, "partition_every_ms": 1_000, "kill_every_ms": 0,
            "fault_ms_max": 1_500,
        },
    ),
    Mutant(
        "P17", "each group of a node numbers its operations for itself",
        edit(
            "core/node/register_replicas.py",
            "            self._numbers,\n",
            "            None,\n",
        ),
        3, "linearizability", MOVES_OF_REGISTERS,
    ),
    Mutant(
        "P18", "sealed slots are served on",
        [
            Edit(
                "core/paxos/slots.py",
                "        return self.whole or self._states[self._slot_of(key)] == SERVED\n",
                "        return self.whole or self._states[self._slot_of(key)] in (SERVED, SEALED)\n",
            ),
            Edit(
                "core/paxos/acceptor.py",
                "        return self.holding.seals and self.holding.state(key) == SEALED\n",
                "        return False\n",
            ),
        ],
        1, "linearizability", MOVES_OF_REGISTERS,
    ),
]  # fmt: skip
