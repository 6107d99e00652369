"""Each workload's own check notices a bug that is planted for it into a copy of the sources.

The bugs are gentle: they strike now and then, all replicas agree on them, and no reply looks wrong by itself.
What notices must be the workload's check, not a judge of replicas.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest
from mutants.planting import copy_sources, replace

from trivet.lab.world.options import RunOptions

LAB = Path(__file__).parents[1]

SEEDS_MAX = 40

LOOK = """
import json, sys, msgspec, trivet
from trivet.lab.world.options import draw_options
from trivet.lab.runner import run
from mutants import directed
root, workload, judge, focus, first, seeds = json.loads(sys.argv[1])
assert trivet.__file__.startswith(root), trivet.__file__
ops = focus.pop("ops", 100)
for seed in range(first, first + seeds):
    if workload.startswith(directed.PREFIX):
        complaints = directed.play(workload, seed)
    else:
        options = draw_options(seed, 3, ops)
        complaints = run(msgspec.structs.replace(options, workloads=workload, **focus)).complaints
    found = [c for c in complaints if c.judge == judge]
    if found:
        print(json.dumps([seed, found[0].sentence]))
        break
"""


CLOCKS_AGREE = {"clock_jump_every_ms": 0, "wall_offset_ms_max": 0, "drift_ppm_max": 0}
CLOCKS_DIFFER = {"clock_jump_every_ms": 0, "wall_offset_ms_max": 1_000}


class Planted(NamedTuple):
    what: str
    file: str
    old: str
    """Stands in ``file`` exactly once."""
    new: str
    workload: str
    """Or a script of ``mutants/directed.py``."""
    judge: str
    focus: dict[str, float] = CLOCKS_AGREE
    """Options that replace drawn ones."""
    first_seed: int = 1
    """Here the search begins: under it the bug was noticed."""


EXEC = "        return run_calls(context, calls)\n"
HALF = """\
        replies = run_calls(context, calls[:-1] if context.prng.below(4) == 0 else calls)
        return replies + [0] * (len(calls) - len(replies))
"""
POP = "    item = value.take(left)\n"
NO_POP = "    item = value.take(left)\n    if context.prng.below(8) == 0:\n        value.push(item, left)\n"
MOVE = "        taker.push(item, put_left)\n"
FOUND = "    found = old is not None\n"
DUE = "if due_ms <= wall_ms or due_ms <= self.machine.now_ms:"
ADD = '    """SADD key member [member ...]."""\n'
NO_ADD = "    if context.prng.below(9) == 0:\n        return 1\n"
READ = "        context.now_ms = max(now_ms, self.now_ms)\n"
DIRTY = "            if not clean:\n"
DEADLINE = "        context.db.expire_at(key, deadline_ms)\n"

TAKE = "    taken = value.take_many(count, left)\n"
STAYS = "    if context.only_key is not None and context.prng.below(4) == 0:\n        value.push_all(taken[::-1], left)\n"
FORGET = "        self._forget(client)\n        if waiting.served and not isinstance(waiting.reply, Error | NotHere):\n"
FOR_GOOD = "if client[0] == node and _can_be_made_anew(waiting)\n"
CLAIMED = "        del self.by_client[client]\n        return [SERVED"
TO_ALL = "            for receiver in receivers.values():\n"
TO_FEW = "            for receiver in list(receivers.values())[: len(message) % 3]:\n"
KNOWN = "session.held is not None or not front.pubsub.are_known(kind, args[1:])"
QUIET = {name: 0 for name in RunOptions.__struct_fields__ if name.endswith("_every_ms")} | dict.fromkeys(
    ["net_slow_rate", "drop_rate", "duplicate_rate", "reorder_rate", "fate_rate", "commit_fate_rate",
     "buggify_rate", "hold_rate"], 0
)  # fmt: skip
"""Nothing happens to the links between nodes."""
THOUGHT_DEAD = CLOCKS_AGREE | QUIET | {
    "pause_every_ms": 400, "fault_ms_max": 900, "election_ms": 300, "keys_per_kind": 1, "second_rate": 0,
    "rest_rate": 0, "think_ms_max": 100, "clients": 6, "readers": 0,
}  # fmt: skip
"""Nodes stand still for a while, and nothing else ends what their clients wait for or leaves it open."""
FAR = QUIET | {"net_slow_rate": 1, "net_slow_us_max": 10_000, "think_ms_max": 2, "keys_per_kind": 1}
"""They are long."""
ONE_KIND = "                session.writes_under_way is writes\n                and "
PIPELINES = CLOCKS_AGREE | {
    "pipeline_max": 6,
    "think_ms_max": 10,
    "spread_rate": 1,
    "second_rate": 1,
    "second_shards": 3,
}
"""Long ones, upon keys that lie apart."""
TAKEN = "            interest.take(message)\n"
INBOX = "            self.inbox.extend(message.messages)\n"

READ_ON = "        stream.count_read(group, entry[0])\n"
NOTE = "        if not call.no_ack:\n"
ACK = "    return sum(1 for number in ids if group.acknowledge(number))\n"

CHANCE = "        context.prng = Prng(body.seed)\n"
OWN_CHANCE = """\
        calls = Machine.apply.__dict__.setdefault("calls", [])
        calls.append(0)  # of all replicas, one after the other
        context.prng = Prng(len(calls))
"""

CALLED = "        return row.run(self._context, args)\n"

ELSEWHERE = "    if name not in EVERYWHERE and not ownership.holds(db):\n"
EMPTY = "        if keys:\n"
SPREAD = {"spread_rate": 1.0, "second_rate": 1.0, "second_shards": 3, "think_ms_max": 60, "rest_rate": 0.0}
WAITS_LONG = CLOCKS_AGREE | SPREAD | QUIET | {
    "ops": 200, "net_slow_rate": 1, "net_slow_us_max": 40_000, "keys_per_kind": 3, "clients": 7, "readers": 0,
    "think_ms_max": 100,
}  # fmt: skip
"""Queues in three groups, and trials of them that take as long as clients wait."""
UNDER_WAY = "        if call.trial is not None:\n            return\n        if call.is_ending:"
TRY = "        assert self.transactor is not None\n        again = ["
WAIT_FIRST = """\
        assert self.transactor is not None
        if not call.has_tried:
            call.has_tried = True
            return
        again = ["""
CONFIRMED = "        if any(run.replies != [1] for run in one.asked):\n            return None\n"
HANDS = FAR | {"net_slow_us_max": 60_000, "join_every_ms": 0, "second_rate": 0, "second_shards": 1}

MISSED = "            if now_ms - lack.since_ms >= MISSED_MS:\n"
TEACHERS_FALL = {
    "teach_every_ms": 400, "kill_every_ms": 500, "leader_preference": 0, "net_us_min": 1_000, "net_us_max": 8_000,
    "second_rate": 1, "second_shards": 3, "second_replicas": 3,
}  # fmt: skip

PLANTED = [
    Planted(
        "what one who waited was served stays where it was",
        "core/command/lists_moves.py", TAKE, TAKE + STAYS, "waiting", "waiting", first_seed=2,
    ),
    Planted(
        "what was given back is kept for a claim as well",
        "core/machine/waiting.py", FORGET, FORGET.partition("\n")[2], "waiting", "waiting",
    ),
    Planted(
        "what was moved for a node that was thought dead is forgotten, and it asks again",
        "core/machine/waiting.py", FOR_GOOD, "if client[0] == node\n", "waiting", "waiting", THOUGHT_DEAD,
    ),
    Planted(
        "what a client has claimed may be given back as well",
        "core/machine/waiting.py", CLAIMED, "        return [SERVED", "waiting", "waiting",
    ),
    Planted(
        "the last command of a transaction is answered and not done",
        "core/machine/specials.py", EXEC, HALF, "bank", "bank",
    ),
    Planted(
        "a watched key changes unnoticed",
        "core/machine/specials.py", DIRTY, "            if not clean and not args:\n", "bank", "bank",
    ),
    Planted(
        "the last command of a transaction is answered and not done",
        "core/machine/specials.py", EXEC, HALF, "append", "serializability",
    ),
    Planted(
        "a pop leaves the item where it was",
        "core/command/lists.py", POP, NO_POP, "queue", "queue",
    ),
    Planted(
        "a move puts nothing where it should",
        "core/command/lists_moves.py", MOVE, MOVE.replace("taker", "context.prng.below(4) and taker"),
        "queue", "queue",
    ),
    Planted(
        "SET NX overwrites",
        "core/command/strings.py", FOUND, "    found = old is not None and context.prng.below(8) > 0\n",
        "lock", "lock",
    ),
    Planted(
        "a deadline is nearer than it should be",
        "core/command/expiry.py", DEADLINE,
        "        context.db.expire_at(key, context.now_ms + (deadline_ms - context.now_ms + 7) // 8)\n",
        "lock", "lock",
    ),
    Planted(
        "reads do not wait for the log to know the time",
        "core/group/raft_group.py", DUE, "if due_ms < 0:", "expiry", "expiry",
    ),
    Planted(
        "a reader's own clock decides whether a key is there",
        "core/machine/machine.py", READ, READ + "        self.databases.set_now(context.now_ms)\n",
        "expiry", "expiry", CLOCKS_DIFFER,
    ),
    Planted(
        "a group forgets that it has handed out an entry",
        "core/command/streams_read.py", READ_ON, "        if context.prng.below(4):\n    " + READ_ON,
        "stream", "stream",
    ),
    Planted(
        "an entry is handed out and not noted as pending",
        "core/command/streams_read.py", NOTE, NOTE.replace(":", " and context.prng.below(4):"), "stream", "stream",
    ),
    Planted(
        "an acknowledgement is answered and not done",
        "core/command/streams_pending.py", ACK, "    if context.prng.below(4) == 0:\n        return len(ids)\n" + ACK,
        "stream", "stream",
    ),
    Planted(
        "a write of a script is answered and not done",
        "core/script/bridge.py", CALLED,
        "        if row.name == \"hset\" and self._context.prng.below(6) == 0:\n            return 1\n" + CALLED,
        "script", "script",
    ),
    Planted(
        "a write of a script is done twice",
        "core/script/bridge.py", CALLED,
        "        if row.name == \"incr\" and self._context.prng.below(6) == 0:\n"
        "            row.run(self._context, args)\n" + CALLED,
        "script", "script",
    ),
    Planted(
        "a command raises",
        "core/command/sets.py", ADD, ADD + "    if context.prng.below(3) == 0:\n        raise KeyError(1)\n",
        "families", "defect", first_seed=7,
    ),
    Planted(
        "chance is each replica's own",
        "core/machine/machine.py", CHANCE, OWN_CHANCE,
        "families", "invariants",
    ),
    Planted(
        "a message is delivered to all but the last listener",
        "core/pubsub/subscriptions.py", TO_ALL, TO_FEW,
        "pubsub", "pubsub", first_seed=4,
    ),
    Planted(
        "peers tell each other of messages twice",
        "core/pubsub/hub.py", INBOX, INBOX * 2, "pubsub", "pubsub",
    ),
    Planted(
        "a subscription is answered before peers have heard of it",
        "core/node/pubsub_commands.py", KNOWN, "session.held is not None", "pubsub", "pubsub", FAR,
    ),
    Planted(
        "a peer says that it has heard, and forgets",
        "core/pubsub/hub.py", TAKEN, TAKEN.replace("interest", "message.number % 3 and interest"),
        "pubsub", "pubsub", QUIET,
    ),
    Planted(
        "reads and writes of one pipeline are under way side by side",
        "core/node/front.py", ONE_KIND, "                ", "mixed", "linearizability", PIPELINES,
    ),
    Planted(
        "an add is answered and not done",
        "core/command/sets.py", ADD, ADD + NO_ADD, "set", "set",
    ),
    Planted(
        "what goes by an old map into a database that has changed hands runs",
        "core/machine/checking.py", ELSEWHERE, "    if False:\n", "keyspaces", "linearizability", HANDS, 2,
    ),
    Planted(
        "a database with keys changes hands",
        "core/machine/withholding.py", EMPTY, "        if False:\n", "keyspaces", "linearizability", HANDS,
    ),
    Planted(
        "nobody sees to what some groups have missed of functions",
        "core/node/lessons.py", MISSED, "            if False:\n", "bank", "functions", TEACHERS_FALL,
    ),
    Planted(
        "who found nothing before it waited in all groups does not look again (Rule Q1)",
        "core/node/awaiting.py", TRY, WAIT_FIRST, "directed:wait-late", "directed",
    ),
    Planted(
        "a client whose time is over is told so while it is served (Rule Q3)",
        "core/node/awaiting.py", UNDER_WAY, UNDER_WAY.replace(":\n", " and not call.is_ending:\n", 1),
        "waiting", "waiting", WAITS_LONG,
    ),
    Planted(
        "a read over groups counts although a group does not confirm it (Rule V4)",
        "core/node/collecting.py", CONFIRMED, "", "bank", "bank", CLOCKS_AGREE | SPREAD,
    ),
]  # fmt: skip


def plant(bug: Planted, root: Path) -> None:
    """A copy of the sources with the bug in it."""
    copy_sources(root)
    replace(root, bug.file, bug.old, bug.new)


def _cases() -> list[object]:
    """The first of each workload in every run of the tests; all of them in the soak."""
    seen: set[str] = set()
    cases: list[object] = []
    for i, bug in enumerate(PLANTED):
        marks = [pytest.mark.soak] if bug.workload in seen else []
        cases.append(pytest.param(bug, id=f"{bug.workload}-{i}", marks=marks))
        seen.add(bug.workload)
    return cases


@pytest.mark.parametrize("bug", _cases())
def test_planted(bug: Planted, tmp_path: Path) -> None:
    plant(bug, tmp_path)
    task = json.dumps([str(tmp_path), bug.workload, bug.judge, bug.focus, bug.first_seed, SEEDS_MAX])
    path = os.pathsep.join([str(tmp_path), str(LAB)])
    environment = {**os.environ, "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [sys.executable, "-c", LOOK, task],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=250,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout, f"nobody noticed that {bug.what}"
    print(bug.what, *json.loads(done.stdout))
