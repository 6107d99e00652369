"""Planted bugs of slots on their way from one group to another (see ``planted``)."""

from tests.core.paxos.planting import Planted

BUGS = [
    Planted(
        "one sealed member is enough",
        [
            (
                "scans.py",
                "if quorums.is_quorum(scan.mask):\n            del",
                "if scan.scan_id == LISTING or quorums.is_quorum(scan.mask):\n            del",
            ),
        ],
        runs="moves",
    ),
    Planted(
        "what was listed before the seal counts",
        [("transfer.py", "self._sealed_epoch = self._source.epoch\n        self._begin()", "pass")],
        runs="moves",
    ),
    Planted(
        "the lowest ballot of the source wins",
        [
            (
                "scans.py",
                "if item.accepted > (NOTHING if known is None else known[0]):",
                "if known is None or item.accepted < known[0]:",
            ),
        ],
        runs="moves",
    ),
    Planted(
        "tombstones are not carried",
        [
            (
                "scans.py",
                "            known = best.get(item.key)",
                "            if not item.is_there:\n                continue\n            known = best.get(item.key)",
            )
        ],
        theme="removals",
        runs="moves",
    ),
    Planted(
        "what is gone from the source stays in the target",
        [("transfer.py", "if key not in self._seen and not taken.is_tombstone]", "if False]")],
        theme="removals",
        runs="moves",
        seeds=300,
    ),
    Planted(
        "nobody waits for a quorum of the target",
        [
            (
                "transfer.py",
                "not (self._wanted or self._fetching or self._adopting)",
                "not (self._wanted or self._fetching or (self._adopting and self.state is State.COPYING))",
            )
        ],
        runs="moves",
        seeds=600,
    ),
    Planted(
        "a carrier that was replaced goes on",
        [
            (
                "slots.py",
                "return span.state == ARRIVING and span.since == since",
                "return span.state == ARRIVING",
            )
        ],
        script="slots/anew",
    ),
    Planted(
        "registers of slots that went and came again stay",
        [("acceptor.py", "drops = outdated(self.spans, spans)", "drops: list[Range] = []")],
        runs="moves",
    ),
    Planted(
        "that registers went with their slots is not saved",
        [("acceptor.py", "            self._records.append(SavedDrop(drops))", "            pass")],
        runs="moves",
    ),
    Planted(
        "sealed slots are served",
        [
            (
                "slots.py",
                "self._states[self._slot_of(key)] == SERVED",
                "self._states[self._slot_of(key)] in (SERVED, SEALED)",
            ),
            (
                "acceptor.py",
                "return self.holding.seals and self.holding.state(key) == SEALED",
                "return False",
            ),
        ],
        runs="moves",
    ),
    Planted(
        "done entries are not carried",
        [
            (
                "content.py",
                "self.value, (self.version, self.forgotten, self.done) = parts_of(content)",
                "self.value, (self.version, self.forgotten, _) = parts_of(content)\n        self.done = []",
            )
        ],
        runs="moves",
        seeds=300,
    ),
    Planted(
        "versions begin anew in the target",
        [
            ("acceptor.py", "self.raise_floor(self.floor, config.version)", "pass"),
            ("proposer.py", "max(self.floor_version, config.version)", "self.floor_version"),
        ],
        theme="removals",
        runs="moves",
        seeds=300,
    ),
]
