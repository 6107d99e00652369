"""A recording as an SVG: a space-time diagram for documents, readable at the width of a page.

Time runs down the page, one lane per node, client operations beside them. Strategy: everything
that will be drawn first claims its room on an elastic axis (``axis``), then is drawn in layers, texts
last. Colours are CSS variables that follow the reader's light or dark setting; text stays text.
"""

from trivet.lab.pictures.axis import Axis
from trivet.lab.pictures.columns import blocks, lay_columns
from trivet.lab.pictures.cutting import choose_window, cut
from trivet.lab.pictures.describe import describe
from trivet.lab.pictures.palette import role_shades
from trivet.lab.pictures.svg_arrows import Arrows
from trivet.lab.pictures.svg_frame import Frame
from trivet.lab.pictures.svg_lanes import Lanes
from trivet.lab.pictures.svg_operations import Operations
from trivet.lab.pictures.svg_sheet import Part, Plan, Sheet
from trivet.lab.recording import Recording

HEAD_PX = 34
"""The height of the lanes' names."""
TITLE_PX = 26
SILENCE_FLIGHTS = 8
SILENCE_US_MIN = 8_000


def draw_svg(
    recording: Recording,
    window_us: tuple[int, int] | None = None,
    fold_routine: bool = True,
    title: str = "",
    width: int = 900,
) -> str:
    """The picture of a recording, or of a window of it (µs, both ends included).

    Without a window a long run is drawn around its first complaint. ``fold_routine`` leaves heartbeats,
    handshakes and empty acknowledgements away and counts them. ``width`` is in pixels; the height follows.
    """
    describe(recording)
    window_us = window_us or choose_window(recording, fold_routine)
    title = title or recording.title
    top = (TITLE_PX if title else 4) + HEAD_PX
    plan = _plan(recording, window_us, fold_routine, width, top)
    parts: list[Part] = [Frame(plan, title, top), Arrows(plan), Lanes(plan), Operations(plan)]
    claims = [claim for part in parts for claim in part.claims()]
    moments = [moment for part in parts for moment in part.moments()]
    plan.axis.lay([m for m in moments if plan.begin_us <= m <= plan.end_us], claims)
    sheet = Sheet()
    for part in parts:
        part.draw(sheet)
    return sheet.text(plan, title)


def _plan(recording: Recording, window_us: tuple[int, int], fold_routine: bool, width: int, top: int) -> Plan:
    kept = cut(recording, window_us, fold_routine)
    flights = sorted(m.arrived_us - m.sent_us for m in kept.part.messages if m.arrived_us > m.sent_us)
    flight_us = flights[len(flights) // 2] if flights else 1000
    columns = lay_columns(kept.part, width)
    return Plan(
        recording=kept.part,
        begin_us=kept.begin_us,
        end_us=kept.end_us,
        folded_us=kept.folded_us,
        columns=columns,
        blocks=blocks(kept.part, columns, kept.end_us),
        axis=Axis(flight_us, max(SILENCE_US_MIN, SILENCE_FLIGHTS * flight_us), top + 8),
        shades=role_shades(recording),
        fold_routine=fold_routine,
    )
