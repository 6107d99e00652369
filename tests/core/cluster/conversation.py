"""Text tests: verbs of the map, and after ``----`` what it answered and what has changed.

| line | does |
|---|---|
| ``genesis N [REPLICAS]`` | a new map with N founding nodes |
| ``VERB …`` | ``MAP VERB …``; words in quotes are one argument |
| ``nodes``, ``keyspaces``, ``groups``, ``moves``, ``claims`` | all rows |
| ``settled TOKEN`` | how a claim ended |
| ``held`` | every group that is asked to holds its databases back |
| ``owner DB SLOT`` | who owns it |

After each verb the rows that changed are shown, the invariants are checked, and a copy that
was made from the map's bytes before the verb must have come to the same bytes by it.
"""

import shlex

from trivet.core.cluster.map import ClusterMap, Member, decode, genesis
from trivet.core.cluster.ranges import show
from trivet.core.cluster.rows import SEAL, ClaimRow, GroupRow, KeyspaceRow, MoveRow, NodeRow
from trivet.core.wire.reply import OK, Error, Reply, Simple

NOW_MS = 1_000


def founders(count: int) -> list[Member]:
    return [Member(n, f"10.0.0.{n}", 7000 + n, 17000 + n) for n in range(1, count + 1)]


def hold_back(cluster: ClusterMap, reply: Reply, now_ms: int = 0) -> Reply:
    """``reply`` answered a claim on a database: the groups that have it hold it back at once, and it is made."""
    if not isinstance(reply, list):
        return reply
    assert reply[0] == b"CLAIM" and isinstance(reply[1], int)
    for group in cluster.groups_in(cluster.claims[reply[1]].keyspace):
        answer = cluster.change([b"MAP", b"CLAIM", b"HELD", b"%d" % reply[1], b"%d" % group.id], now_ms)
        assert answer == OK
    text = cluster.settled[reply[1]]
    return Error(text) if text else OK


def said(reply: object) -> str:
    if isinstance(reply, list):
        return " ".join(word.decode() if isinstance(word, bytes) else str(word) for word in reply)
    if isinstance(reply, Error | Simple):
        return reply.text
    return str(reply)


def ids(nodes: list[int]) -> str:
    return " ".join(map(str, nodes)) or "-"


def line_of(row: NodeRow | KeyspaceRow | GroupRow | MoveRow | ClaimRow) -> str:
    if isinstance(row, ClaimRow):
        what = " ".join(word.decode() for word in row.words)
        return f"claim {row.token} on {row.database} of {row.keyspace}, held by {ids(row.held)}: {what}"
    if isinstance(row, NodeRow):
        parts = [f"node {row.id} {row.host}:{row.client_port}:{row.peer_port} {row.state}"]
        parts += [f"zone={row.zone}"] * bool(row.zone) + [f"birth={row.birth}"] * bool(row.birth)
        parts += [f"replaces={row.replaces}"] * bool(row.replaces) + [f"{row.labels}"] * bool(row.labels)
        return " ".join(parts)
    if isinstance(row, KeyspaceRow):
        text = f"keyspace {row.number} {row.name} {row.mode} replicas={row.replicas} shards={row.shards}"
        text += f" write={row.write_quorum}" if row.write_quorum > 1 else ""
        text += f" read={row.read_quorum}" if row.read_quorum > 1 else ""
        return text + " together" * row.together
    if isinstance(row, GroupRow):
        text = f"group {row.id} of {row.keyspace}: {show(row.ranges) or 'nothing'} @{row.epoch}"
        text += f", members {ids(row.members)}"
        text += f" / {ids(row.learners)}" if row.learners else ""
        text += f" @{row.membership}" if row.membership else ""
        text += f", incoming {ids(row.incoming)}" if row.incoming else ""
        text += f", before {ids(row.before)}" if row.before else ""
        text += f", since {' '.join(f'{node}@{epoch}' for node, epoch in row.since)}" if row.since else ""
        text += f", target {ids(row.target)}" if row.target != row.members else ""
        for first, last, since, state in row.spans:
            text += f", {('', 'serves', 'seals', 'awaits')[state]} {show([(first, last)])} since {since}"
        text += f", versions above {row.floor_version}" if row.floor_version else ""
        text += f", led by {row.leader_hint} in {row.leader_term}" if row.leader_hint else ""
        return text
    assert isinstance(row, MoveRow)
    text = f"move {row.id} {row.source}->{row.target_group} {show(row.ranges)} {row.phase}"
    text += f" @{row.epoch}" if row.epoch else ""
    text += f" generation {row.generation}" if row.phase == SEAL else ""
    return text + " taken" * row.taken + f" ({row.reason})"


def lines_of(cluster: ClusterMap) -> list[str]:
    tables = (cluster.nodes, cluster.keyspaces, cluster.groups, cluster.moves, cluster.claims)
    return [line_of(row) for table in tables for row in table.values()]


def difference(before: list[str], after: list[str]) -> list[str]:
    shown = [f"  {line}" for line in after if line not in before]
    known = {" ".join(line.split()[:2]) for line in after}
    return shown + [f"  no {name}" for line in before if (name := " ".join(line.split()[:2])) not in known]


class Conversation:
    def __init__(self) -> None:
        self.map = genesis("ab12", founders(3))

    def run(self, command: str) -> list[str]:
        words = shlex.split(command)
        name = words[0]
        if name == "genesis":
            self.map = genesis("ab12", founders(int(words[1])), int(words[2]) if len(words) > 2 else 0)
            return lines_of(self.map)
        if name in ("nodes", "keyspaces", "groups", "moves", "claims"):
            return [line_of(row) for row in getattr(self.map, name).values()] or ["none"]
        if name == "settled":
            return [self.map.settled[int(words[1])] or "made"]
        if name == "held":
            wanted = [
                (row.token, group.id)
                for row in self.map.claims.values()
                for group in self.map.groups_in(row.keyspace)
                if group.id not in row.held
            ]
            return [
                line for token, group in wanted
                for line in self.verb(["CLAIM", "HELD", str(token), str(group)])
            ]  # fmt: skip
        if name == "owner":
            return [str(self.map.group_of(int(words[1]), int(words[2])))]
        return self.verb(words)

    def verb(self, words: list[str]) -> list[str]:
        before, epoch = lines_of(self.map), self.map.epoch
        copy = decode(self.map.encode())
        args = [b"MAP", *(word.encode() for word in words)]
        reply = self.map.change(args, NOW_MS)
        self.map.check_invariants()
        assert copy.change(args, NOW_MS) == reply
        assert copy.encode() == self.map.encode()
        assert copy.digest() == self.map.digest()
        changed = difference(before, lines_of(self.map))
        assert bool(changed) <= (self.map.epoch == epoch + 1)
        return [f"{said(reply)}" + (f"  @{self.map.epoch}" if self.map.epoch != epoch else ""), *changed]
