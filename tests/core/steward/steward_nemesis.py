"""What strikes nodes and links of a world by chance: all of them, and those who carry a move on."""

from typing import TYPE_CHECKING

from trivet.core.raft.state import Role

if TYPE_CHECKING:
    from tests.core.steward.steward_world import World


class Nemesis:
    """Acts once in each step of the world, by its faults and its chance."""

    def __init__(self, world: "World") -> None:
        self.world = world
        self.stalk = 0.0
        """How likely a node with a part in a move is struck, in each step, while the move is in a new place."""
        self._places: dict[int, str] = {}

    def act(self) -> None:
        self._break()
        if self.stalk:
            self._strike()

    def _break(self) -> None:
        world = self.world
        prng, faults = world.prng, world.faults
        some = 1 + prng.below(len(world.hosts))
        if prng.chance(faults["crash"]) and world.hosts[some].up:
            self._note_place(some)
            world.crash(some, prng.between(20, 1500))
        if prng.chance(faults["cut"]):
            if prng.chance(0.3):
                world.isolate(some, prng.between(100, 2500))
            else:
                other = 1 + prng.below(len(world.hosts))
                if other != some:
                    world.cut(some, other, prng.between(20, 2000))
        if prng.chance(faults["depose"]):
            world.depose(some)

    def _strike(self) -> None:
        """Crash, cut off or depose one of those who carry a move on, when it has just come to a new place."""
        world, prng = self.world, self.world.prng
        if all(world.map_of(number) is None for number in world.hosts):
            return
        for move in list(world.newest().moves.values()):
            place = world.place(move)
            if self._places.get(move.id) == place or not prng.chance(self.stalk):
                continue
            self._places[move.id] = place
            if prng.chance(0.4):
                continue
            side = prng.below(3)
            leader = world.leader_of((move.source, move.target_group, 0)[side])
            if leader is None:
                continue
            how = prng.below(3)
            world.came_across(
                f"{place}: the leader of the {('source', 'target', 'map')[side]} was "
                f"{('killed', 'cut off', 'deposed')[how]}"
            )
            number = leader.settings.node
            if how == 0:
                world.crash(number, prng.between(20, 2500))
            elif how == 1:
                world.isolate(number, prng.between(100, 3000))
            else:
                world.depose(number)

    def _note_place(self, number: int) -> None:
        """Where a move stands while a node with a part in it crashes."""
        world = self.world
        cluster = world.map_of(number)
        for move in cluster.moves.values() if cluster is not None else ():
            for side, group in (("source", move.source), ("target", move.target_group)):
                replica = world.hosts[number].booted.groups.get(group)
                if replica is not None and replica.raft.role is Role.LEADER:
                    world.came_across(f"{side} leader: {world.place(move)}")
