"""Section 7 of the fault matrix: registers without a leader (P1 to P10)."""

from mutants.focuses import (
    BLACKOUTS_ON_REGISTERS,
    COPIES_ON_REGISTERS,
    DEADLINES_ON_REGISTERS,
    MEMBERS_OF_REGISTERS,
    ON_REGISTERS,
    ROT_ON_REGISTERS,
)
from mutants.model import Edit, Mutant, edit

REGISTERS = [
    Mutant(
        "P1",
        "answers leave before what they tell of is durable",
        edit(
            "core/paxos/saves.py",
            "        if save_id <= self.saved_id:\n            out.append((to, message))\n",
            "        if save_id <= self.next_id:\n            out.append((to, message))\n",
        ),
        1,
        "exactly-once",
        BLACKOUTS_ON_REGISTERS,
    ),
    Mutant(
        "P2",
        "the second copy of an operation has another number than the first",
        [
            Edit(
                "core/group/register_errands.py",
                "            number, errand.place, errand.execution.change, False, self.runner.origin, errand.seq,\n",
                "            number, errand.place, errand.execution.change, False, self.runner.origin,\n"
                "            errand.seq + (errand.submissions - 1) * 1_000_000,\n",
            ),
            Edit(
                "core/group/register_errands.py",
                "        if errand.is_over or (not errand.reads_only and operation.seq != errand.seq):\n",
                "        if errand.is_over:\n",
            ),
        ],
        1,
        "exactly-once",
        COPIES_ON_REGISTERS,
    ),
    Mutant(
        "P3",
        "whatever run was accepted, the last one is answered",
        edit(
            "core/group/register_errands.py",
            "        return self._results if self._reads_only or reply[:MARK_BYTES] == self._mark else None\n",
            "        return self._results or None\n",
        ),
        1,
        "linearizability",
        COPIES_ON_REGISTERS,
    ),
    Mutant(
        "P4",
        "what was forgotten is taken for not done: the second copy knows of later versions than the first",
        [
            Edit(
                "core/group/register_errands.py",
                "            errand.since, errand.submissions == 1, self.settled,\n",
                "            max(errand.since, self.since), errand.submissions == 1, self.settled,\n",
            ),
            Edit("core/node/register_replicas.py", "ORIGINS_MAX = 8\n", "ORIGINS_MAX = 1\n"),
        ],
        1,
        "exactly-once",
        COPIES_ON_REGISTERS,
    ),
    Mutant(
        "P5",
        "a read that finds a value late says so, and leaves it there",
        edit(
            "core/group/register_errands.py",
            "        elif errand.reads_only and errand.execution.was_late:\n",
            "        elif errand.reads_only and errand.execution.was_late and errand.retries:\n",
        ),
        1,
        "linearizability",
        DEADLINES_ON_REGISTERS,
    ),
    Mutant(
        "P6",
        "members change without anybody looking after the registers",
        edit(
            "core/steward/register_keeper.py",
            "            self._look_after(row, group, kept)\n",
            "            kept.done = group.paxos.epoch == kept.epoch\n",
        ),
        1,
        "linearizability",
        MEMBERS_OF_REGISTERS,
    ),
    Mutant(
        "P7",
        "who has left keeps its registers, and has them still when it comes back",
        edit("core/paxos/acceptor.py", "            if self.joined:\n", "            if self.joined < 0:\n"),
        1,
        "registers",
        MEMBERS_OF_REGISTERS,
    ),
    Mutant(
        "P8",
        "a member of whose log something is lost takes part as if nothing were",
        edit(
            "core/node/register_replicas.py",
            "prng.fork(), kept.records, kept.doubtful\n",
            "prng.fork(), kept.records, False\n",
        ),
        1,
        "registers",
        ROT_ON_REGISTERS,
    ),
    Mutant(
        "P9",
        "the next life of a node numbers its ballots as the one before",
        edit(
            "core/node/register_replicas.py",
            "        proposer=proposer_of(config.node, incarnation),\n",
            "        proposer=proposer_of(config.node, 1),\n",
        ),
        1,
        "registers",
        ON_REGISTERS,
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
]
