"""The CAP report card on real processes: all modes at once on five nodes of this machine, and real troubles.

The wishes, figures, promises and words are the lab's (``trivet.lab.cap``); only time, network and processes
are real. Every trouble has keyspaces of its own, so that what one leaves behind is nobody else's.
"""

import asyncio
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import msgspec

from trivet.cli.cap_clients import Client, now_us, read_everything
from trivet.cli.cap_world import World
from trivet.cli.probe import ProbeError, Refused
from trivet.cli.view import GroupFacts, View, read_view
from trivet.lab.cap.card import Card, Verdict
from trivet.lab.cap.figures import Book, is_good, is_write, percentile_ms, recovery_ms, side_of
from trivet.lab.cap.modes import Mode, Serves
from trivet.lab.cap.play import Square
from trivet.lab.cap.promises import broken
from trivet.lab.cap.troubles import NODES, TROUBLES, Trouble
from trivet.lab.history import Operation
from trivet.lab.judges import linearizability
from trivet.lab.resp import Value

SETTINGS: Final = {"healthy": 3.0, "cut": 7.0, "crash": 5.0}
"""The troubles that are played, and how many seconds they last."""
CALM_S: Final = 1.0
AFTER_S: Final = 2.5
AGREE_S: Final = 15.0
KNOWN_S: Final = 15.0
SLACK_MS: Final = 1_500
"""So much later than promised may things happen on a machine that has other things to do."""
BUDGET: Final = 200_000

Tell = Callable[[int, str], None]


class Run:
    """One mode under one trouble: its keyspace, its clients, its history."""

    def __init__(self, world: World, mode: Mode, database: int) -> None:
        self.mode = mode
        self.database = str(database).encode()
        self.history: list[Operation] = []
        self.chief = 0
        self.clients = [
            Client(world.client_ports, node, kind, self.database, self.history, mode.greeting)
            for node in world.nodes for kind in (False, True)
        ]  # fmt: skip

    @property
    def name(self) -> str:
        """Its keyspace's."""
        return f"cap-{self.database.decode()}"


def real_card(modes: Sequence[Mode], tell: Tell) -> Card:
    """Play all troubles; the card. Raises ``WorldError``, ``ProbeError``."""
    return asyncio.run(_card(modes, tell))


async def _card(modes: Sequence[Mode], tell: Tell) -> Card:
    card = Card(
        seed=0, calm_ms=int(CALM_S * 1000), trouble_ms=int(max(SETTINGS.values()) * 1000),
        after_ms=int(AFTER_S * 1000),
    )  # fmt: skip
    with tempfile.TemporaryDirectory(prefix="trivet-cap-") as place:
        world = World(Path(place), NODES)
        try:
            await world.start()
            for number, name in enumerate(SETTINGS):
                trouble = next(trouble for trouble in TROUBLES if trouble.name == name)
                tell(number, trouble.title)
                runs = [Run(world, mode, 1 + number * len(modes) + n) for n, mode in enumerate(modes)]
                await _found(world, runs)
                await _play(world, trouble, runs, card)
        finally:
            await asyncio.to_thread(world.stop)
    card.squares.sort(key=lambda square: [mode.name for mode in modes].index(square.mode))
    return card


async def _found(world: World, runs: list[Run]) -> None:
    """The keyspaces are there, and every node knows who leads them."""
    for run in runs:
        replicas = "1" if run.mode.alone else str(NODES)
        shape = ("MODE", run.mode.name, "NAME", run.name, "REPLICAS", replicas, "SHARDS", "1")
        await _told(world, "KEYSPACE", "CREATE", run.database.decode(), *shape)
    end_us = now_us() + int(KNOWN_S * 1_000_000)
    while True:
        views = [read_view(await world.call(node, "CLUSTER", "STATE")) for node in world.nodes]
        if all(_is_known(view, run) for view in views for run in runs):
            break
        if now_us() > end_us:
            raise ProbeError(f"the keyspaces are not served within {KNOWN_S:.0f} s of being made")
        await asyncio.sleep(0.1)


async def _told(world: World, *words: str) -> None:
    """Say it until it is done; while the cluster says that nothing was done, it is said again."""
    end_us = now_us() + int(KNOWN_S * 1_000_000)
    while True:
        try:
            await world.call(1, *words)
            return
        except Refused as error:
            if not error.text.startswith("CLUSTERDOWN ") or now_us() > end_us:
                raise
        await asyncio.sleep(0.2)


def _group(view: View, run: Run) -> GroupFacts | None:
    numbers = [row.number for row in view.keyspaces if row.name == run.name]
    return next((group for group in view.groups if group.keyspace in numbers), None)


def _is_known(view: View, run: Run) -> bool:
    group = _group(view, run)
    leads = run.mode.serves in (Serves.MAJORITY, Serves.PRIMARY) and run.mode.name != "paxos"
    return group is not None and (group.leader != 0 or not leads)


async def _order(world: World, runs: list[Run]) -> list[int]:
    """All nodes: first who leads or holds something now (leaders move), in the order of the modes."""
    view = read_view(await world.call(1, "CLUSTER", "STATE"))
    found: dict[int, None] = {}
    for run in runs:
        group = _group(view, run)
        assert group is not None
        run.chief = group.leader or group.members[0]
        if group.leader or run.mode.alone:
            found[run.chief] = None
    return [*found, *(node for node in world.nodes if node not in found)]


async def _play(world: World, trouble: Trouble, runs: list[Run], card: Card) -> None:
    tasks = [asyncio.create_task(client.run()) for run in runs for client in run.clients]
    await asyncio.sleep(CALM_S)
    order = await _order(world, runs)
    struck_us = now_us()
    if trouble.name == "cut":
        world.cut(order[:2])
    elif trouble.name == "crash":
        await asyncio.to_thread(world.kill, order[0])
    await asyncio.sleep(SETTINGS[trouble.name])
    healed_us = now_us()
    if trouble.name == "cut":
        world.heal()
    elif trouble.name == "crash":
        world.launch(order[0])
    await asyncio.sleep(AFTER_S)
    for run in runs:
        for client in run.clients:
            client.stopping = True
    await asyncio.gather(*tasks)
    for run in runs:
        square = await _measure(world, trouble, run, order, struck_us, healed_us)
        card.squares.append(square)
        mode = msgspec.structs.replace(
            run.mode, pause_ms_max=run.mode.pause_ms_max + SLACK_MS,
            converge_ms_max=run.mode.converge_ms_max and run.mode.converge_ms_max + SLACK_MS,
        )  # fmt: skip
        found = broken(mode, served_here(trouble, run.mode, run.chief, order), square)
        card.verdicts.append(
            Verdict(mode=mode.name, trouble=trouble.name, promise=mode.promise, broken=found)
        )
        card.is_kept = card.is_kept and not found


def served_here(trouble: Trouble, mode: Mode, chief: int, order: list[int]) -> Trouble:
    """The trouble as it is for a mode whose chief is not the one that it was made for."""
    sides = trouble.sides(order)
    if mode.serves is not Serves.HOLDER or trouble.name == "healthy":
        return trouble
    if trouble.name == "crash":
        places: tuple[int, ...] = () if chief == order[0] else (0, 1)
    else:
        places = tuple(place for place, (_, nodes) in enumerate(sides) if chief in nodes)
    return msgspec.structs.replace(trouble, served={**trouble.served, mode.serves: places})


async def _measure(
    world: World, trouble: Trouble, run: Run, order: list[int], struck_us: int, healed_us: int
) -> Square:
    asks = [ask for client in run.clients for ask in client.asks]
    during = [o for o in run.history if struck_us <= o.invoke_us < healed_us]
    timely = [o for o in during if o.return_us <= healed_us]
    book = Book(run.history)
    finals, agree = await _agree(world, run, book.keys)
    lost = book.lost(finals)
    stale = book.stale(healed_us)
    complaints, unknown = await asyncio.to_thread(linearizability.judge, run.history, budget=BUDGET)
    is_calm = trouble.name == "healthy"
    return Square(
        mode=run.mode.name, trouble=trouble.name,
        sides=[side_of(name, nodes, asks, struck_us, healed_us) for name, nodes in trouble.sides(order)],
        asked=len(during), answered=sum(is_good(o) for o in timely), writes_acknowledged=book.acknowledged,
        writes_lost=lost, reads=stale.reads, stale_reads=stale.stale, stale_ms_max=stale.ms_max,
        stale_versions_max=stale.versions_max,
        linearizable="no" if complaints else "undecided" if unknown else "yes",
        counterexample=[complaints[0].sentence, *complaints[0].evidence] if complaints else [],
        recover_ms=0 if is_calm else recovery_ms(asks, healed_us),
        converge_ms=0 if is_calm or not stale.last_us else (stale.last_us - healed_us) // 1000,
        agree=agree, read_p50=percentile_ms([o for o in timely if not is_write(o)], 0.5),
        write_p50=percentile_ms([o for o in timely if is_write(o)], 0.5), p99=percentile_ms(timely, 0.99),
        messages_per_op=None, bytes_per_op=None, syncs_per_op=None,
    )  # fmt: skip


async def _agree(world: World, run: Run, keys: list[bytes]) -> tuple[list[Operation], bool]:
    """The final reads through one node, and whether all nodes come to say the same."""
    end_us = now_us() + int(AGREE_S * 1_000_000)
    while True:
        told = [
            await read_everything(world.client_ports[node], node, run.database, keys, run.history)
            for node in world.nodes
        ]
        values = [[_same(read.replies[0]) for read in reads] for reads in told]
        if told[0] and all(row == values[0] for row in values):
            return told[0], True
        if now_us() > end_us:
            return next((reads for reads in told if reads), []), False
        await asyncio.sleep(0.2)


def _same(value: Value) -> object:
    return tuple(sorted(str(item) for item in value)) if isinstance(value, tuple) else value
