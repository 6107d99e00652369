"""The frame of a drawing: title, names, times, breaks, sayings and the legend.

A saying lies across the whole page between what came before and what came after, so
that a drawing can be read from top to bottom like a text.
"""

import bisect

from trivet.lab.pictures.axis import Break, Claim
from trivet.lab.pictures.columns import MARGIN_PX
from trivet.lab.pictures.cutting import is_complaint
from trivet.lab.pictures.palette import GONE, STILL, role_text
from trivet.lab.pictures.svg_sheet import Plan, Sheet, role_class
from trivet.lab.pictures.words import duration_text, time_head, time_text, wrap
from trivet.lab.recording import Fate, Saying

LINE_PX = 15.0
BODY_CHAR_PX = 6.6
TIME_GAP_PX = 24.0
"""Between two times on the axis at least so much."""


class Frame:
    """Everything around lanes, arrows and operations."""

    def __init__(self, plan: Plan, title: str, top: float) -> None:
        self._plan = plan
        self._title = title
        self._top = top
        self._sayings = [(saying, lines, self._claim(saying, lines)) for saying, lines in self._said()]

    def _said(self) -> list[tuple[Saying, list[str]]]:
        most = int((self._plan.columns.width - 4 * MARGIN_PX - 8) / BODY_CHAR_PX)
        return [
            (saying, wrap((f"{saying.who}: " if is_complaint(saying) else "") + saying.text, most))
            for saying in self._plan.recording.sayings
        ]

    def _claim(self, saying: Saying, lines: list[str]) -> Claim:
        return Claim(saying.at_us, [], 6, 16 + LINE_PX * len(lines), wide=True)

    def claims(self) -> list[Claim]:
        """Room for the sayings."""
        return [claim for _, _, claim in self._sayings]

    def moments(self) -> list[int]:
        """The window's ends."""
        return [self._plan.begin_us]

    def draw(self, sheet: Sheet) -> None:
        """All of the frame; the legend ends the sheet."""
        plan, columns = self._plan, self._plan.columns
        if self._title:
            sheet.words("frame", "title", MARGIN_PX, 21, self._title)
        for lane in columns.lanes:
            sheet.words("frame", "name", columns.x[lane.number], self._top - 10, lane.name, "middle")
        for place, group in enumerate(columns.clients):
            name = "clients " + ", ".join(map(str, group)) if len(group) > 1 else f"client {group[0]}"
            sheet.words("frame", "name", columns.client_x[place], self._top - 10, name)
        sheet.words("frame", "tiny", MARGIN_PX, self._top - 10, time_head(plan.end_us))
        sheet.line("frame", "rule", MARGIN_PX, self._top - 1, columns.width - MARGIN_PX, self._top - 1)
        self._times(sheet)
        for one in plan.axis.breaks:
            self._break(sheet, one)
        for saying, lines, claim in self._sayings:
            self._say(sheet, saying, lines, claim)
        sheet.height = self._legend(sheet, plan.axis.bottom() + 30)

    # -- time

    def _times(self, sheet: Sheet) -> None:
        axis, last = self._plan.axis, -TIME_GAP_PX
        busy = [(claim.y, claim.y + claim.height) for _, _, claim in self._sayings]
        busy += [(one.y - 16, one.y + 8) for one in axis.breaks]
        for at_us, y in axis.places():
            if y - last < TIME_GAP_PX or any(top - 4 < y < bottom + 8 for top, bottom in busy):
                continue
            last = y
            sheet.words("frame", "tiny", MARGIN_PX + 46, y + 3.5, time_text(at_us, self._plan.end_us), "end")
            sheet.line("ground", "guide", MARGIN_PX + 50, y, self._plan.columns.lanes_right(), y)

    def _break(self, sheet: Sheet, one: Break) -> None:
        folded = self._plan.folded_us
        count = bisect.bisect_left(folded, one.end_us) - bisect.bisect_right(folded, one.begin_us)
        text = f"{duration_text(one.end_us - one.begin_us)} pass"
        if count > 0:
            text += f", with {count} routine message{'' if count == 1 else 's'}"
        left, right = MARGIN_PX + 50, self._plan.columns.lanes_right()
        half, steps = 2.5, int((right - left) / 12)
        sheet.box("marks", "break", left, one.y - 9, right - left, 18)
        for offset in (-9.0, 9.0):
            data = f"M{left:.1f} {one.y + offset:.1f}" + "".join(
                f"l6 {half if place % 2 else -half}l6 {-half if place % 2 else half}"
                for place in range(steps)
            )
            sheet.path("marks", "zig", data)
        sheet.words("labels", "halo soft", (left + right) / 2, one.y + 3.5, text, "middle")

    # -- sayings

    def _say(self, sheet: Sheet, saying: Saying, lines: list[str], claim: Claim) -> None:
        kind = "cry" if is_complaint(saying) else "note"
        width = self._plan.columns.width - 2 * MARGIN_PX
        sheet.box("callouts", kind, MARGIN_PX, claim.y, width, claim.height - 6, 5)
        for place, line in enumerate(lines):
            y = claim.y + 15.5 + LINE_PX * place
            style = "body crytext" if kind == "cry" else "body"
            sheet.words("callouts", style, MARGIN_PX + 10, y, line)

    # -- legend

    def _legend(self, sheet: Sheet, y: float) -> float:
        """What the signs that occur mean; gives the height of the sheet."""
        x, right = float(MARGIN_PX), self._plan.columns.width - MARGIN_PX
        sheet.line("frame", "rule", x, y - 14, right, y - 14)
        for sign, text in self._signs():
            width = 30 + len(text) * 5.6 + 14
            if x + width > right:
                x, y = float(MARGIN_PX), y + 17
            sheet.put("frame", sign.replace("X0", f"{x:.1f}").replace("Y0", f"{y:.1f}"))
            sheet.words("frame", "tiny", x + 29, y + 3.5, text)
            x += width
        return y + 14

    def _signs(self) -> list[tuple[str, str]]:
        plan = self._plan
        roles = dict.fromkeys(s.role for s in plan.recording.states)
        signs = [
            (_box(role_class(plan.shades, role)), role_text(role))
            for role in roles
            if role not in (*GONE, *STILL)
        ]
        signs += [(_box("still"), "paused")] if any(role in STILL for role in roles) else []
        signs += [(_line("gone"), "down")] if any(role in GONE for role in roles) else []
        messages = plan.recording.messages
        fates = [m.fate for m in messages]
        signs += [(_line("arrow"), "message")] if messages else []
        signs += [(_line("arrow late"), "delayed")] if any(m.delayed for m in messages) else []
        twin = _line("arrow twin") + _line("twin2")
        signs += [(twin, "duplicated")] if any(m.duplicate for m in messages) else []
        signs += (
            [(_cross("miss"), "dropped, or stopped by a wall")]
            if {Fate.DROPPED, Fate.BLOCKED} & {*fates}
            else []
        )
        signs += [(_cross("dead"), "lost with its link")] if Fate.LOST in fates else []
        signs += [(_box("wall"), "partition")] if plan.recording.walls else []
        outcomes = {operation.outcome for operation in plan.recording.operations}
        names = {"ok": "answered", "fail": "refused, without effect", "info": "outcome unknown"}
        signs += [(_box("open" if o == "info" else o), text) for o, text in names.items() if o in outcomes]
        return signs


def _box(kind: str) -> str:
    return f'<rect class="{kind}" x="X0" y="Y0" width="24" height="9" rx="2" transform="translate(0 -4.5)"/>'


def _line(kind: str) -> str:
    return f'<path class="{kind}" d="MX0 Y0h24"/>'


def _cross(kind: str) -> str:
    return f'{_line("arrow").replace("h24", "h18")}<path class="{kind}" d="MX0 Y0m14 -4l8 8m0 -8l-8 8"/>'
