"""Messages as arrows, with what became of them.

Delivered ones reach their lane; a dropped one ends in a cross on its way; a blocked one at the wall;
a lost one reaches a receiver that is not there. Delayed ones are dashed, copies are double lines.
A label lies under the arrow's end, where no other part of its own arrow is.
"""

from trivet.lab.pictures.axis import Claim
from trivet.lab.pictures.columns import CHAR_PX, pill_half, shorten_label
from trivet.lab.pictures.svg_sheet import Plan, Sheet, safe
from trivet.lab.recording import Fate, Message

LABEL_PX = 13.0
TIP_PX = 6.0
"""An arrow's tip needs so much above its label."""
BAND_PX = 5.0
"""Half a lane's width."""
DROP_SHARE = 0.5
DROP_PX = 15.0


class Arrows:
    """All messages of a drawing."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        known = plan.columns.x
        self._pills = {(s.lane, s.at_us): pill_half(s) for s in plan.recording.states if s.lane in known}
        self._messages = [m for m in plan.recording.messages if m.source in known and m.target in known]
        self._claims = {message.number: self._claim(message) for message in self._messages}

    def claims(self) -> list[Claim]:
        """Room for the labels."""
        return [claim for claim in self._claims.values() if claim is not None]

    def moments(self) -> list[int]:
        """When messages leave and end."""
        return [time for m in self._messages for time in (m.sent_us, self._end_us(m))]

    def draw(self, sheet: Sheet) -> None:
        """Arrows, then their labels."""
        for message in self._messages:
            self._draw(sheet, message)

    # -- geometry

    def _end_us(self, message: Message) -> int:
        if message.fate is Fate.UNDER_WAY:
            return self._plan.end_us + 1
        if message.fate is Fate.DROPPED:
            return message.sent_us
        return max(message.sent_us, message.arrived_us)

    def _ends(self, message: Message) -> tuple[float, float]:
        """The x where the arrow begins, and where it ends."""
        columns = self._plan.columns
        source, target = columns.x[message.source], columns.x[message.target]
        side = 1 if target > source else -1
        if message.source == message.target:
            return source + BAND_PX, source + BAND_PX + 24
        begin, end = source + side * BAND_PX, target - side * BAND_PX
        if message.fate is Fate.DROPPED:
            return begin, source + side * columns.gap * DROP_SHARE
        if message.fate is Fate.BLOCKED:
            return begin, self._wall_x(message) - side * 3
        return begin, end

    def _wall_x(self, message: Message) -> float:
        """Between the first two neighbours on the way that a wall parts, else right before the target."""
        columns, at_us = self._plan.columns, self._end_us(message)
        first, last = columns.order[message.source], columns.order[message.target]
        step = 1 if last > first else -1
        numbers = [lane.number for lane in columns.lanes]
        walls = [w for w in self._plan.recording.walls if w.begun_us <= at_us <= w.ended_us]
        for place in range(first, last, step):
            pair = (numbers[place], numbers[place + step])
            if any(pair in wall.pairs for wall in walls):
                return (columns.x[pair[0]] + columns.x[pair[1]]) / 2
        return columns.x[message.target] - step * columns.gap / 2

    def _claim(self, message: Message) -> Claim | None:
        end_us = self._end_us(message)
        if not self._plan.begin_us <= end_us <= self._plan.end_us or not message.label:
            return None
        left, right = self._label_span(message)
        top = 2.0 - TIP_PX + (DROP_PX if message.fate is Fate.DROPPED else 0.0)
        return Claim(end_us, self._plan.columns.gaps(left, right), top, TIP_PX + LABEL_PX)

    def _label_span(self, message: Message) -> tuple[float, float]:
        """From where to where the label reaches."""
        begin, end = self._ends(message)
        length = len(self._text(message)) * CHAR_PX
        if message.source == message.target:
            return end + 4, end + 4 + length
        if message.fate in (Fate.DROPPED, Fate.BLOCKED):
            return end - length / 2, end + length / 2
        aside = 6 + self._pills.get(
            (message.target, self._end_us(message)), 0.0
        )  # what it causes is beside it
        return (end - aside - length, end - aside) if end > begin else (end + aside, end + aside + length)

    def _text(self, message: Message) -> str:
        columns = self._plan.columns
        room = columns.gap * (1.0 if len(columns.lanes) <= 3 else 1.5) - 2 * BAND_PX - 14
        return shorten_label(message.label, max(room, 60))

    # -- drawing

    def _draw(self, sheet: Sheet, message: Message) -> None:
        plan = self._plan
        x1, x2 = self._ends(message)
        end_us = self._end_us(message)
        y1, y2 = plan.axis.y(message.sent_us), plan.axis.y(end_us)
        if message.fate is Fate.DROPPED:
            y2 = y1 + DROP_PX
        if message.sent_us < plan.begin_us and end_us > message.sent_us:
            share = (plan.begin_us - message.sent_us) / (end_us - message.sent_us)
            x1 = x1 + (x2 - x1) * min(0.85, share)
        open_end = end_us > plan.end_us
        if open_end:
            x2 = x1 + (x2 - x1) * 0.6
            y2 = plan.axis.bottom() + 6
        data = f"M{x1:.1f} {y1:.1f}L{x2:.1f} {y2:.1f}"
        if message.source == message.target:
            data = f"M{x1:.1f} {y1:.1f}C{x2 + 8:.1f} {y1:.1f} {x2 + 8:.1f} {y2:.1f} {x1:.1f} {y2:.1f}"
            x2 = x1
        fainter = " routine" if message.routine else ""
        hint = f"<title>{safe(self._hint(message))}</title>"
        kind = (
            "arrow" + (" late" if message.delayed else "") + (" twin" if message.duplicate else "") + fainter
        )
        sheet.put("arrows", f'<g>{hint}<path class="{kind}" d="{data}"/></g>')
        if message.duplicate:
            sheet.path("arrows", "twin2", data)
        if not open_end:
            self._tip(sheet, message, (x1, y1), (x2, y2))
        self._label(sheet, message)

    def _tip(
        self, sheet: Sheet, message: Message, start: tuple[float, float], end: tuple[float, float]
    ) -> None:
        (x1, y1), (x, y) = start, end
        if message.fate is Fate.DELIVERED:
            if message.source == message.target:
                x1, y1 = x + 10, y - 1
            length = max(1.0, ((x - x1) ** 2 + (y - y1) ** 2) ** 0.5)
            dx, dy = (x - x1) / length, (y - y1) / length
            left = f"{x - 8 * dx + 3.4 * dy:.1f} {y - 8 * dy - 3.4 * dx:.1f}"
            right = f"{x - 8 * dx - 3.4 * dy:.1f} {y - 8 * dy + 3.4 * dx:.1f}"
            sheet.path(
                "arrows",
                "head" + (" routine" if message.routine else ""),
                f"M{x:.1f} {y:.1f}L{left}L{right}Z",
            )
            return
        size = 4.2
        cross = f"M{x - size:.1f} {y - size:.1f}l{2 * size} {2 * size}m0 {-2 * size}l{-2 * size} {2 * size}"
        sheet.path("marks", "dead" if message.fate is Fate.LOST else "miss", cross)

    def _label(self, sheet: Sheet, message: Message) -> None:
        claim = self._claims[message.number]
        if claim is None:
            return
        left, right = self._label_span(message)
        begin, end = self._ends(message)
        kind = "halo" if message.fate is Fate.DELIVERED else "lost" if message.fate is Fate.LOST else "cut"
        y = claim.y + TIP_PX + 10
        if message.fate in (Fate.DROPPED, Fate.BLOCKED):
            sheet.words("labels", kind, (left + right) / 2, y, self._text(message), "middle")
        elif end > begin and message.source != message.target:
            sheet.words("labels", kind, right, y, self._text(message), "end")
        else:
            sheet.words("labels", kind, left, y, self._text(message))

    def _hint(self, message: Message) -> str:
        names = {lane.number: lane.name for lane in self._plan.columns.lanes}
        fate = "a copy, " if message.duplicate else ""
        head = (
            f"{names[message.source]} → {names[message.target]}: {message.label} ({fate}{message.fate.value})"
        )
        return "; ".join([head, *(f"{name}: {value}" for name, value in message.fields.items())])
