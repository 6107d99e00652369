"""Section 6 of the fault matrix: transactions over groups (T1 to T9)."""

from mutants.focuses import OVER_GROUPS, PARTS_LATE
from mutants.model import Mutant, edit

CROSSING = [
    Mutant(
        "T1", "who is asked about a transaction that it does not know aborts it, and keeps no mark of that",
        edit(
            "core/transaction/intents.py",
            "        if intent is None:\n            self.lives.end(transaction, commits)\n            return []\n",
            "        if intent is None:\n            return []\n",
        ),
        1, "schedules", {}, scene="schedules",
    ),
    Mutant(
        "T2", "of each node only the newest mark is kept, that some transaction is over",
        edit(
            "core/transaction/lives.py",
            "            life.over.setdefault(transaction.number, committed)\n",
            "            life.over = {transaction.number: life.over.get(transaction.number, committed)}\n",
        ),
        1, "schedules", {}, scene="schedules",
    ),
    Mutant(
        "T3", "nobody asks for what stands undecided at a participant whose coordinator is gone",
        edit(
            "core/node/resolver.py",
            "            for transaction in [*intents.by_id, *intents.records]:\n",
            "            mine = [one.id for one in intents.by_id.values() if one.home == number]\n"
            "            for transaction in [*mine, *intents.records]:\n",
        ),
        1, "transactions", OVER_GROUPS,
    ),
    Mutant(
        "T4", "a late request for locks is granted, although the transaction is over there",
        edit(
            "core/transaction/intents.py",
            "        if self.lives.is_over(request.id) or (intent is not None and intent.home != request.home):\n",
            "        if intent is not None and intent.home != request.home:\n",
        ),
        1, "schedules", {}, scene="schedules",
    ),
    Mutant(
        "T5", "who finds an intent asks another group than the one that decides",
        edit(
            "core/node/resolver.py",
            "            self._say(errand, intent.home, RESOLVE,",
            "            self._say(errand, place[0], RESOLVE,",
        ),
        1, "bank", OVER_GROUPS,
    ),
    Mutant(
        "T6", "what a transaction only reads may change before it writes",
        edit(
            "core/transaction/locks.py",
            "        return key in self.held\n",
            "        return self.met_by_read(key)\n",
        ),
        30, "serializability", OVER_GROUPS, soak=True,
    ),
    Mutant(
        "T7", "who only reads sees what was there before a decision that others know",
        edit(
            "core/transaction/locks.py",
            "        return holders is not None and next(iter(holders.values())).keys[key] != SHARED\n",
            "        return False\n",
        ),
        3, "serializability", OVER_GROUPS,
    ),
    Mutant(
        "T7", "who only reads in several groups does not ask whether all locks were still held",
        edit(
            "core/transaction/coordinator.py",
            "        packed = [(group, one.effects) for group, one in self.participants.items() if one.effects]\n",
            "        if not any(one.packets for one in effects.values()):\n"
            "            self._finish(End.COMMITTED)\n            return\n"
            "        packed = [(group, one.effects) for group, one in self.participants.items() if one.effects]\n",
        ),
        1, "directed", {}, scene="directed:lock-late",
    ),
    Mutant(
        "T7", "who reads without locks does not mind locks that came since it was told",
        edit(
            "core/machine/locked.py",
            "            return any(locks.met_by_read((db, key)) for key in args[4:])\n",
            "            return name == COLLECT and any(locks.met_by_read((db, key)) for key in args[4:])\n",
        ),
        1, "bank", PARTS_LATE,
    ),
    Mutant(
        "T7", "who reads without locks is not told what has changed since it was told",
        edit(
            "core/machine/collecting.py",
            "known[0] <= int(args[3]) and self.watches.is_clean(reader, databases)",
            "known[0] <= int(args[3])",
        ),
        1, "bank", PARTS_LATE,
    ),
    Mutant(
        "T8", "while the decision is on its way a client is told that nothing was done",
        edit(
            "core/node/transacting.py",
            "        else:\n            self._answer(wide, TIMEOUT_ERROR)\n\n    def _answer",
            "        else:\n            self._answer(wide, NO_LOCKS)\n\n    def _answer",
        ),
        1, "directed", {}, scene="directed:decision-unheard",
    ),
    Mutant(
        "T8", "a call that waits is tried again, although nobody knows whether it took something",
        edit(
            "core/node/awaiting.py",
            '("TXNRETRY", "CLUSTERDOWN", "TRYAGAIN")', '("TXNRETRY", "CLUSTERDOWN", "TRYAGAIN", "TIMEOUT")',
        ),
        1, "directed", {}, scene="directed:wait-unheard",
    ),
    Mutant(
        "T9", "a home says that a transaction is aborted, and lets its coordinator commit it afterwards",
        edit(
            "core/transaction/intents.py",
            "        return None, self.finish(transaction, False)\n",
            "        return None, []\n",
        ),
        1, "schedules", {}, scene="schedules",
    ),
    Mutant(
        "T9", "a home forgets what it decided when it is asked for it",
        edit(
            "core/transaction/intents.py",
            "        if record is not None:\n            return record.effects.get(group, b\"\"), []\n",
            "        if record is not None:\n            del self.records[transaction]\n"
            "            return record.effects.get(group, b\"\"), []\n",
        ),
        1, "schedules", {}, scene="schedules",
    ),
    Mutant(
        "T9", "a snapshot does not hold what was decided and not finished",
        edit(
            "core/transaction/intents.py",
            "                for transaction, record in self.records.items()\n            ],\n            [\n                LifeState",
            "                for transaction, record in [*self.records.items()][:0]\n            ],\n            [\n                LifeState",
        ),
        1, "bank", OVER_GROUPS,
    ),
]  # fmt: skip
