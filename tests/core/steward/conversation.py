"""Text tests: what happens to a small cluster, and after ``----`` what its stewards say in which logs.

| line | does |
|---|---|
| ``world N [plans]`` | N nodes, no faults; with ``plans`` the planner's plans are carried out |
| ``MAP verb …`` | a word for the map, from outside; its reply |
| ``fill N``, ``push NODE KEY`` | lists in database 20; a push is waited for |
| ``join`` | one more node, with an empty directory |
| ``rest`` | time passes until everything is as the map wants it |
| ``until PLACE`` | time passes until the first move is there |
| ``wait MS`` | time passes |
| ``crash NODE MS``, ``isolate NODE MS``, ``depose NODE``, ``leader GROUP NODE`` | what may happen |
| ``groups``, ``nodes``, ``plan`` | what the map says; what the planner says |
| ``verdict`` | what is wrong at the end |

Shown is each word once it is answered, by whom it was said, in which group's log; of many alike the number.
Changes of members show as ``members of G: voters / learners``.
"""

from tests.core.cluster.conversation import line_of, said
from tests.core.steward.steward_judge import verdict
from tests.core.steward.steward_world import DB, MANUAL, World
from trivet.core.cluster.facts import Policy
from trivet.core.steward.settings import StewardSettings

PLANS = StewardSettings(
    split_after_ms=0,
    merge_after_ms=0,
    policy=Policy(grace_ms=3_000),
    warm_ms=2_500,
    plan_ms=500,
    report_ms=200,
    silent_ms=1_000,
)


class Talk:
    def __init__(self) -> None:
        self.world: World | None = None
        self.members: dict[int, str] = {}

    def do(self, line: str) -> list[str]:
        words = line.split()
        if words[0] == "world":
            self.members = {}
            self.world = World(1, int(words[1]), PLANS if len(words) > 2 else MANUAL)
            self.world.on_step = self._look
            self.world.until(self.world.is_at_rest)
            self.world.said.clear()
            self._look(self.world)
            self.world.said.clear()
            return []
        assert self.world is not None
        found = getattr(self, "_" + words[0].lower())(*words[1:])
        return [*self._heard(), *([] if found is None else [found] if isinstance(found, str) else found)]

    def _look(self, world: World) -> None:
        """Note what the members of each group are by now."""
        for number in world.newest().groups:
            leader = world.leader_of(number)
            if leader is None:
                continue
            one = leader.raft.membership
            text = f"members of {number}: {' '.join(map(str, one.voters))}"
            text += f" (before: {' '.join(map(str, one.outgoing))})" if one.outgoing else ""
            text += f" / {' '.join(map(str, one.learners))}" if one.learners else ""
            if self.members.get(number) != text:
                self.members[number] = text
                world.said.append(text)

    def _heard(self) -> list[str]:
        lines: list[str] = []
        kept = []
        for entry in self.world.said:
            if isinstance(entry, str):
                lines.append("  " + entry)
                continue
            number, group, words, errand = entry
            if not errand.done:
                kept.append(entry)
                continue
            shown = [w.decode() if isinstance(w, bytes) else str(w) for w in words if not _is_data(w)]
            if shown[0] == "PURGE":
                shown = shown[:1]
            answer = errand.answer
            if isinstance(answer, list):
                answer = " ".join(x.decode() if isinstance(x, bytes) else str(x) for x in answer)
            if shown[0] == "PURGE":
                answer = "…"
            line = f"  {number} in {group}: {' '.join(shown)} -> {said(answer)}"
            if not lines or lines[-1].split(" (x")[0] != line:
                lines.append(line)
            elif " (x" in lines[-1]:
                head, count = lines[-1].split(" (x")
                lines[-1] = f"{head} (x{int(count[:-1]) + 1})"
            else:
                lines[-1] += " (x2)"
        self.world.said[:] = kept
        return lines

    def _map(self, *words: str) -> str:
        return said(self.world.say(" ".join(words)))

    def _fill(self, keys: str) -> None:
        self.world.fill(int(keys))

    def _push(self, number: str, key: str) -> str:
        push = self.world.push(int(number), key)
        took_ms = self.world.until(lambda: bool(push.outcome))
        return f"{push.outcome} {push.reply}, after {took_ms} ms"

    def _join(self) -> str:
        return f"node {self.world.join()}"

    def _rest(self) -> str:
        return f"at rest after {self.world.until(self.world.is_at_rest, 120_000)} ms"

    def _wait(self, ms: str) -> None:
        self.world.run(int(ms))

    def _until(self, *place: str) -> None:
        self.world.until(lambda: self._place() == " ".join(place))

    def _place(self) -> str:
        moves = list(self.world.newest().moves.values())
        return self.world.place(moves[0]) if moves else "over"

    def _crash(self, number: str, ms: str) -> None:
        self.world.crash(int(number), int(ms))

    def _isolate(self, number: str, ms: str) -> None:
        self.world.isolate(int(number), int(ms))

    def _depose(self, number: str) -> None:
        self.world.depose(int(number))

    def _leader(self, group: str, number: str) -> None:
        self.world.lead(int(group), int(number))

    def _groups(self) -> list[str]:
        return [line_of(row).split(", led by")[0] for row in self.world.newest().groups.values()]

    def _nodes(self) -> list[str]:
        return [line_of(row) for row in self.world.newest().nodes.values()]

    def _plan(self) -> list[str]:
        self.world.run(1_000)
        leader = self.world.leader_of(0).settings.node
        return self.world.hosts[1 + leader % 3].steward.sentences

    def _notes(self) -> list[str]:
        notes, self.world.notes = self.world.notes, []
        return notes

    def _verdict(self) -> str:
        self.world.heal()
        return "; ".join(verdict(self.world)) or "all is well"


def _is_data(word) -> bool:
    return isinstance(word, bytes) and not word.isascii()


assert DB == 20
