"""Lanes: a band per node in its role's colour, what happened there, and the walls between them.

A node that is down has no band, only a thin dotted line; a paused one is hatched. A partition shades the
lanes that it cuts off, with a line where nothing passes (dashed: only some pairs, or one way).
"""

from itertools import pairwise

from trivet.lab.pictures.axis import Claim
from trivet.lab.pictures.columns import CHAR_PX, pill_half, shorten
from trivet.lab.pictures.palette import GONE, STILL, state_text
from trivet.lab.pictures.svg_sheet import Plan, Sheet, role_class
from trivet.lab.recording import Point, State, Wall

BAND_PX = 10.0
PILL_PX = 15.0
TEXT_PX = 13.0
SILENT_POINTS = ("start", "pause", "resume")
"""The band itself shows these."""


class Lanes:
    """Bands, points and walls of a drawing."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        x = plan.columns.x
        self._states = [s for s in plan.recording.states if s.lane in x]
        self._points = [p for p in plan.recording.points if p.lane in x and not self._silent(p)]
        self._wide = [p for p in plan.recording.points if p.lane not in x]
        self._pills = [(s, Claim(s.at_us, self._pill_slots(s), 3, PILL_PX + 2)) for s in self._states]
        self._halves = {(s.lane, s.at_us): pill_half(s) for s in self._states}
        self._texts = [(p, self._text_claim(p)) for p in self._points]
        self._rules = [(p, Claim(p.at_us, [], 4, 20, wide=True)) for p in self._wide]
        self._walls = [(w, self._wall_claim(w)) for w in plan.recording.walls]

    def _silent(self, point: Point) -> bool:
        return point.kind in SILENT_POINTS

    def claims(self) -> list[Claim]:
        """Room for the texts."""
        pairs = [*self._pills, *self._texts, *self._rules, *self._walls]
        return [claim for _, claim in pairs]

    def moments(self) -> list[int]:
        """When walls fall."""
        return [wall.ended_us for wall in self._plan.recording.walls]

    def draw(self, sheet: Sheet) -> None:
        """Walls, bands, pills, points."""
        for wall, claim in self._walls:
            self._draw_wall(sheet, wall, claim)
        for lane in self._plan.columns.lanes:
            self._bands(sheet, lane.number)
        for state, claim in self._pills:
            self._pill(sheet, state, claim)
        for point, claim in self._texts:
            self._point(sheet, point, claim)
        for point, claim in self._rules:
            y = claim.y + 9
            sheet.line("marks", "rule", 62, y, self._plan.columns.lanes_right(), y)
            sheet.words("labels", "halo soft", self._middle(), y + 3.5, point.text, "middle")

    def _middle(self) -> float:
        xs = list(self._plan.columns.x.values())
        return (xs[0] + xs[-1]) / 2

    # -- bands

    def _pill_slots(self, state: State) -> list[str]:
        x = self._plan.columns.x[state.lane]
        half = pill_half(state)
        return [f"lane {state.lane}", *self._plan.columns.gaps(x - half, x + half)]

    def _bands(self, sheet: Sheet, lane: int) -> None:
        axis, x = self._plan.axis, self._plan.columns.x[lane]
        states = [s for s in self._states if s.lane == lane]
        bottom = axis.bottom() + 8
        if not states:
            sheet.line("lanes", "rule", x, axis.y(self._plan.begin_us), x, bottom)
            return
        for state, following in zip(states, [*states[1:], None], strict=True):
            y1 = axis.y(state.at_us)
            y2 = axis.y(following.at_us) if following is not None else bottom
            if state.role in GONE:
                sheet.line("lanes", "gone", x, y1, x, y2)
            elif state.role in STILL:
                sheet.box("lanes", "still", x - BAND_PX / 2, y1, BAND_PX, y2 - y1)
            else:
                kind = role_class(self._plan.shades, state.role)
                sheet.box("lanes", kind, x - BAND_PX / 2, y1, BAND_PX, y2 - y1)

    def _pill(self, sheet: Sheet, state: State, claim: Claim) -> None:
        text, x = state_text(state), self._plan.columns.x[state.lane]
        width = 2 * pill_half(state)
        gone = state.role in GONE or state.role in STILL
        kind = "pillgone" if gone else role_class(self._plan.shades, state.role)
        sheet.box("labels", f"pill {kind}", x - width / 2, claim.y, width, PILL_PX, 7.5)
        sheet.words("labels", f"pilltext on-{kind}", x, claim.y + 11, text, "middle")

    # -- points

    def _point_text(self, point: Point) -> str:
        columns = self._plan.columns
        room = columns.gap if point.lane != columns.lanes[-1].number else columns.gap * 0.55 - 8
        return shorten(point.text, max(50.0, room - 24))

    def _text_x(self, point: Point) -> float:
        """Where a point's text begins: beside the state that begins with it."""
        return self._plan.columns.x[point.lane] + 6 + self._halves.get((point.lane, point.at_us), 4)

    def _text_claim(self, point: Point) -> Claim:
        top = 3 if (point.lane, point.at_us) in self._halves else -5
        return Claim(point.at_us, self._text_slots(point), top, TEXT_PX)

    def _text_slots(self, point: Point) -> list[str]:
        x = self._text_x(point)
        return [
            *self._plan.columns.gaps(x, x + len(self._point_text(point)) * CHAR_PX),
            f"point {point.lane}",
        ]

    def _point(self, sheet: Sheet, point: Point, claim: Claim) -> None:
        x, y = self._plan.columns.x[point.lane], self._plan.axis.y(point.at_us)
        if point.kind in ("crash", "fatal"):
            sheet.path("marks", "miss", f"M{x - 6:.1f} {y - 6:.1f}l12 12m0 -12l-12 12")
        elif point.kind == "commit":
            sheet.path("marks", "commit", f"M{x:.1f} {y - 5:.1f}l5 5l-5 5l-5 -5Z")
        else:
            sheet.put("marks", f'<circle class="dot" cx="{x:.1f}" cy="{y:.1f}" r="3.6"/>')
        kind = (
            "halo ok"
            if point.kind == "commit"
            else "cut"
            if point.kind in ("crash", "fatal")
            else "halo soft"
        )
        sheet.words("labels", kind, self._text_x(point), claim.y + 10, self._point_text(point))

    # -- walls

    def _wall_claim(self, wall: Wall) -> Claim:
        at_us = max(wall.begun_us, self._plan.begin_us)
        left, right = self._wall_span(wall)
        return Claim(at_us, self._plan.columns.gaps(left, right), 2, TEXT_PX + 2)

    def _cut_off(self, wall: Wall) -> list[int]:
        """The lanes to shade: the smaller side if the wall parts the nodes, else all that it touches."""
        numbers = [lane.number for lane in self._plan.columns.lanes if lane.kind == "node"]
        side = [numbers[0]] if numbers else []
        for number in side:
            side += [n for n in numbers if n not in side and not _parted(wall, number, n)]
        if 0 < len(side) < len(numbers):
            other = [n for n in numbers if n not in side]
            return min(side, other, key=len)
        return [n for n in numbers if any(n in pair for pair in wall.pairs)]

    def _wall_span(self, wall: Wall) -> tuple[float, float]:
        columns = self._plan.columns
        xs = [columns.x[number] for number in self._cut_off(wall)] or [self._middle()]
        return min(xs) - columns.gap / 2 + 2, max(xs) + columns.gap / 2 - 2

    def _draw_wall(self, sheet: Sheet, wall: Wall, claim: Claim) -> None:
        plan = self._plan
        y1 = plan.axis.y(max(wall.begun_us, plan.begin_us))
        y2 = plan.axis.y(wall.ended_us) if wall.ended_us < plan.end_us else plan.axis.bottom() + 8
        for number in self._cut_off(wall):
            x = plan.columns.x[number] - plan.columns.gap / 2
            sheet.box("walls", "wall", max(62.0, x), y1, plan.columns.gap - max(0.0, 62.0 - x), y2 - y1)
        lanes = plan.columns.lanes
        for one, other in pairwise(lanes):
            crossing = [
                pair
                for pair in wall.pairs
                if pair in ((one.number, other.number), (other.number, one.number))
            ]
            if crossing:
                x = (plan.columns.x[one.number] + plan.columns.x[other.number]) / 2
                sheet.line("walls", "edge" if len(crossing) == 2 else "edge part", x, y1, x, y2)
        left, right = self._wall_span(wall)
        text = shorten(wall.text or "partition", right - left)
        sheet.words("labels", "walltext halo", max(64.0, left) + 4, claim.y + 11, text)


def _parted(wall: Wall, one: int, other: int) -> bool:
    """Whether nothing passes between two lanes, either way."""
    return (one, other) in wall.pairs and (other, one) in wall.pairs
