"""The troubles of the card: what befalls the nodes, and on which side of it each client stands.

Each strikes where it hurts: at the *chief*, the node that leads the keyspace's group or has its only copy.
"""

from collections.abc import Callable
from typing import Final

import msgspec

from trivet.core.base.ids import NodeId
from trivet.lab.cap.modes import Serves
from trivet.lab.stage.stage import Stage

NODES: Final = 5
SLOW_US: Final = 50_000
"""So much longer, at most, messages take over the slow link."""
FLAP_OFF_MS: Final = 400
FLAP_ON_MS: Final = 600

ALL: Final[dict[Serves, tuple[int, ...]]] = dict.fromkeys(Serves, (0, 1))

Sides = list[tuple[str, list[NodeId]]]
Heal = Callable[[], None]


class Trouble(msgspec.Struct, frozen=True, kw_only=True):
    """One kind; ``strike`` begins it and gives what ends it."""

    name: str
    title: str
    sentence: str
    copies: int = NODES
    served: dict[Serves, tuple[int, ...]]
    """Which sides, by their place, a mode serves that promises to serve this."""
    sides: Callable[[list[NodeId]], Sides]
    """From all nodes: the chief, the others that have copies, the rest."""
    strike: Callable[[Stage, list[NodeId], int], Heal]
    """The stage, all nodes in that order, and how long it lasts in ms."""


def _nothing(stage: Stage, order: list[NodeId], for_ms: int) -> Heal:
    return lambda: None


def _cut(stage: Stage, order: list[NodeId], for_ms: int) -> Heal:
    wall = stage.partition(order[:2])
    return lambda: stage.heal(wall)


def _split(stage: Stage, order: list[NodeId], for_ms: int) -> Heal:
    wall = stage.partition(order[:2], order[2:4])
    return lambda: stage.heal(wall)


def _crash(stage: Stage, order: list[NodeId], for_ms: int) -> Heal:
    stage.crash(order[0])
    return lambda: stage.start(order[0])


def _slow(stage: Stage, order: list[NodeId], for_ms: int) -> Heal:
    slow_us = stage.cluster.network.slow_us
    pairs = [(order[0], order[1]), (order[1], order[0])]
    slow_us.update(dict.fromkeys(pairs, SLOW_US))

    def end() -> None:
        for pair in pairs:
            slow_us.pop(pair, None)

    return end


def _flap(stage: Stage, order: list[NodeId], for_ms: int) -> Heal:
    walls: list[int] = []

    def fall() -> None:
        while walls:
            stage.heal(walls.pop())

    def rise(left: int) -> None:
        walls.append(stage.partition(order[:1]))
        stage.simulation.after(FLAP_OFF_MS * 1000, fall)
        if left > 1:
            stage.simulation.after((FLAP_OFF_MS + FLAP_ON_MS) * 1000, lambda: rise(left - 1))

    rise(for_ms // (FLAP_OFF_MS + FLAP_ON_MS))
    return fall


TROUBLES: Final[tuple[Trouble, ...]] = (
    Trouble(
        name="healthy",
        title="healthy",
        sentence="Nothing happens: what an ordinary day costs.",
        served=ALL,
        sides=lambda order: [("everyone", order)],
        strike=_nothing,
    ),
    Trouble(
        name="cut",
        title="minority cut off",
        sentence="Two of five nodes, the chief among them, cannot reach the other three.",
        served={
            Serves.MAJORITY: (1,),
            Serves.EVERYONE: (0, 1),
            Serves.HOLDER: (0,),
            Serves.PRIMARY: (1,),
        },
        sides=lambda order: [("the 2 cut off", order[:2]), ("the other 3", order[2:])],
        strike=_cut,
    ),
    Trouble(
        name="split",
        title="even split",
        sentence="Of four copies two are on each side; the fifth node has none, and is with neither side.",
        copies=4,
        served={
            Serves.MAJORITY: (),
            Serves.EVERYONE: (0, 1),
            Serves.HOLDER: (0,),
            Serves.PRIMARY: (0,),
        },
        sides=lambda order: [("the chief's half", order[:2]), ("the other half", order[2:4])],
        strike=_split,
    ),
    Trouble(
        name="crash",
        title="node crash",
        sentence="The chief's process is killed, and starts again when the trouble ends.",
        served={
            Serves.MAJORITY: (0, 1),
            Serves.EVERYONE: (0, 1),
            Serves.HOLDER: (),
            Serves.PRIMARY: (0, 1),
        },
        sides=lambda order: [("its clients", order[:1]), ("the others", order[1:])],
        strike=_crash,
    ),
    Trouble(
        name="slow",
        title="slow link",
        sentence="Between the chief and one other node each message takes up to 50 ms longer.",
        served=ALL,
        sides=lambda order: [("the slow pair", order[:2]), ("the others", order[2:])],
        strike=_slow,
    ),
    Trouble(
        name="flapping",
        title="flapping",
        sentence="The chief is cut off from all others for 400 ms in every second.",
        served={
            Serves.MAJORITY: (1,),
            Serves.EVERYONE: (0, 1),
            Serves.HOLDER: (0,),
            Serves.PRIMARY: (1,),
        },
        sides=lambda order: [("the flapping node", order[:1]), ("the others", order[1:])],
        strike=_flap,
    ),
)
