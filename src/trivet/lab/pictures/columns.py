"""Where the columns of a drawing are: the time, one lane per node, one column per client.

Strategy: nodes share what the clients leave. Clients beyond the third share columns, and say their number.
"""

import re

import msgspec

from trivet.lab.history import FOREVER_US
from trivet.lab.pictures.palette import state_text
from trivet.lab.recording import ClientOperation, Lane, Recording, State

TIME_PX = 64
CLIENT_COLUMNS_MAX = 3
CLIENT_PX = 110
CELL_PX = 10.0
"""The width of a slot for texts."""
INSET_PX = 3.0
"""A text that reaches into a slot by less does not claim it."""
SUBLANE_PX = 8.0
MARGIN_PX = 10
CHAR_PX = 5.9
"""The width of a character of a label, on the average."""
LINES_MAX = 4
SHORTER = [
    (r" commit \d+$", ""),
    (r", try #\d+$", ""),
    (r"^(g\d+ )?AppendEntries", r"\1Append"),
    (r" \(\+\d+\)$", ""),
]
"""What is left away of a label first."""


class Block(msgspec.Struct):
    """What a client had under way at once: operations sent and answered together."""

    client: int
    column: int
    begin_us: int
    end_us: int
    answered: bool
    operations: list[ClientOperation]
    sublane: int = 0


class Columns(msgspec.Struct):
    """The geometry across the page, in pixels."""

    lanes: list[Lane]
    x: dict[int, float]
    """The middle of every lane."""
    order: dict[int, int]
    """The place of every lane, from the left."""
    gap: float
    clients: list[list[int]]
    """The clients of every client column."""
    client_x: list[float]
    client_text_px: float
    """The width of a client column, its sign included."""
    width: float

    def gaps(self, left: float, right: float) -> list[str]:
        """The slots that a text between these two x would touch."""
        first, last = int((left + INSET_PX) // CELL_PX), int((right - INSET_PX) // CELL_PX)
        return [f"cell {number}" for number in range(first, max(first, last) + 1)]

    def lanes_right(self) -> float:
        """Where the lanes' part of the page ends."""
        return self.client_x[0] - 14 if self.client_x else self.width - MARGIN_PX


def lay_columns(recording: Recording, width: float) -> Columns:
    """The columns of a recording on a page that wide."""
    clients = sorted({operation.client for operation in recording.operations})
    count = min(len(clients), CLIENT_COLUMNS_MAX)
    grouped: list[list[int]] = [clients[number::count] for number in range(count)]
    client_px = CLIENT_PX if len(recording.lanes) <= 3 else CLIENT_PX - 14
    right = width - MARGIN_PX - count * client_px - (10 if count else 0)
    gap = (right - TIME_PX) / max(1, len(recording.lanes))
    left = TIME_PX + gap * (0.42 if len(recording.lanes) > 1 else 0.5)
    return Columns(
        lanes=recording.lanes,
        x={lane.number: left + gap * place for place, lane in enumerate(recording.lanes)},
        order={lane.number: place for place, lane in enumerate(recording.lanes)},
        gap=gap,
        clients=grouped,
        client_x=[right + 14 + number * client_px for number in range(count)],
        client_text_px=client_px,
        width=width,
    )


def blocks(recording: Recording, columns: Columns, end_us: int) -> list[Block]:
    """The operations, those that began and ended together as one block; overlapping ones side by side.

    What was never answered is drawn until its client goes on: from then on nobody waits for it.
    """
    column_of = {client: place for place, group in enumerate(columns.clients) for client in group}
    together: dict[tuple[int, int, int], Block] = {}
    open_blocks: dict[int, list[Block]] = {}
    for operation in sorted(recording.operations, key=lambda o: (o.invoke_us, o.return_us, o.number)):
        client, begin_us = operation.client, operation.invoke_us
        for block in open_blocks.pop(client, []):
            if block.begin_us < begin_us:
                block.end_us = min(block.end_us, begin_us)
            else:
                open_blocks.setdefault(client, []).append(block)
        key = (client, begin_us, operation.return_us)
        if key not in together:
            answered = operation.return_us < FOREVER_US
            ends_us = operation.return_us if answered else end_us + 1
            together[key] = Block(client, column_of[client], begin_us, ends_us, answered, [])
            if not answered:
                open_blocks.setdefault(client, []).append(together[key])
        together[key].operations.append(operation)
    found = list(together.values())
    free: dict[tuple[int, int], int] = {}
    for block in found:
        while free.get((block.column, block.sublane), -1) > block.begin_us:
            block.sublane += 1
        free[(block.column, block.sublane)] = block.end_us
    return found


def pill_half(state: State) -> float:
    """Half the width of the pill that names a state."""
    return len(state_text(state)) * CHAR_PX / 2 + 5


def shorten_label(text: str, width_px: float) -> str:
    """A message's label, without its least important words if it is too long."""
    most = int(width_px / CHAR_PX)
    for long, short in SHORTER:
        if len(text) <= most:
            break
        text = re.sub(long, short, text)
    return shorten(text, width_px)


def shorten(text: str, width_px: float) -> str:
    """The text, cut to what fits."""
    most = max(4, int(width_px / CHAR_PX))
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"
