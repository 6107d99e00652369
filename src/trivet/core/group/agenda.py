"""The agenda of a node: which of its groups are to have a turn, and which get ticks.

On the path: nowhere. A node may hold hundreds of groups, and in most of them nothing happens: it looks only
at those that are on the agenda, and what an idle group costs is its memory.

- Rule A1: what happens to a group puts it on the agenda at once (``stir`` of the group): it is in ``stirred``
  exactly while it says so itself. Whoever takes it off gives it a turn.
- Rule A2: whoever is on the agenda for a turn is awake: it gets ticks until, at one of them, it says that it
  is ``asleep``, since nothing that passes with time is under way.
- Rule A3: who falls asleep before something that its clock will bring sets an alarm for it. An alarm may ring
  in vain, but none is forgotten. When the clock has gone back all ring: who sleeps may go by another.
"""

from trivet.core.base.ids import Instant, WallMs
from trivet.core.group.face import Replica
from trivet.core.values.deadlines import NEVER


class Agenda:
    """See the module. All in the order in which it came, so that equal runs are equal."""

    def __init__(self) -> None:
        self.stirred: list[Replica] = []
        """Groups that are to have a turn: ``stir`` adds them; the node takes them."""
        self.awake: list[Replica] = []
        """Groups that get ticks."""
        self.now_ms: Instant = 0
        """The last tick."""
        self._wall_ms: WallMs = 0
        self._alarms: dict[Replica, WallMs] = {}
        self.next_alarm_ms: WallMs = NEVER
        """No alarm is due before."""

    def stir(self, group: Replica) -> None:
        """A group that is not on the agenda is to have a turn (Rules A1, A2): ``stir`` of the group asks."""
        group.stirred = True
        self.stirred.append(group)
        if group.asleep:
            self.rouse(group)

    def rouse(self, group: Replica) -> None:
        """A group that is asleep gets a tick: it sees whether there is something to do."""
        group.asleep = False
        self.awake.append(group)

    def set_alarm(self, group: Replica, at_ms: WallMs) -> None:
        """Rule A3; a group has one alarm at most, the last that it has set."""
        if at_ms == NEVER:
            self._alarms.pop(group, None)
            return
        self._alarms[group] = at_ms
        self.next_alarm_ms = min(self.next_alarm_ms, at_ms)

    def remove(self, group: Replica) -> None:
        """The group is no longer here: whatever is still said to it, it has no turn and no tick."""
        if group in self.stirred:
            self.stirred.remove(group)
        if group in self.awake:
            self.awake.remove(group)
        self._alarms.pop(group, None)
        group.stirred = True  # so it is never put here again
        group.asleep = False

    def tick(self, now_ms: Instant, wall_ms: WallMs) -> None:
        """One tick for all who are awake."""
        self.now_ms = now_ms
        if wall_ms < self._wall_ms:
            self._ring(NEVER)
        elif wall_ms >= self.next_alarm_ms:
            self._ring(wall_ms)
        self._wall_ms = wall_ms
        awake, self.awake = self.awake, []
        for group in awake:
            group.on_tick(now_ms)
            if not group.asleep:
                self.awake.append(group)

    def _ring(self, wall_ms: WallMs) -> None:
        """The groups whose alarm is due have a turn."""
        for group in [group for group, at_ms in self._alarms.items() if at_ms <= wall_ms]:
            del self._alarms[group]
            group.stir()
        self.next_alarm_ms = min(self._alarms.values(), default=NEVER)

    def check_invariants(self, groups: list[Replica]) -> None:
        """Nobody who has something to do is forgotten; ``groups``: all that are here."""
        assert len(self.stirred) == sum([group.stirred for group in groups]), "stirred, but not on the agenda"
        assert len(self.awake) == sum([not group.asleep for group in groups]), "awake, but without ticks"
        assert all(group.stirred for group in self.stirred), "on the agenda, and not stirred"
        assert not any(group.asleep for group in self.awake), "asleep, with ticks"
        for group in groups:
            group.check_rest()
