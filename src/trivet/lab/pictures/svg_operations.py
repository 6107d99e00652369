"""Client operations as intervals, with what was asked, answered and judged.

What a client had under way at once is one interval with several lines. An operation without an
answer has an open interval to the end. The answer stands at the interval's end.
"""

from trivet.lab.history import FOREVER_US
from trivet.lab.pictures.axis import Claim
from trivet.lab.pictures.columns import LINES_MAX, SUBLANE_PX, Block, shorten
from trivet.lab.pictures.svg_sheet import Plan, Sheet
from trivet.lab.recording import ClientOperation

BAR_PX = 6.0
LINE_PX = 12.0
MONO_CHAR_SHARE = 1.05
"""Characters of fixed width are that much wider than a label's."""


class Operations:
    """All operations of a drawing."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._blocks = [(block, *self._claims(block)) for block in plan.blocks]
        self._sublanes = {block.column: 0 for block in plan.blocks}
        for block in plan.blocks:
            self._sublanes[block.column] = max(self._sublanes[block.column], block.sublane)

    def claims(self) -> list[Claim]:
        """Room for questions and answers."""
        return [claim for _, asked, told in self._blocks for claim in (asked, told) if claim is not None]

    def moments(self) -> list[int]:
        """When operations begin and end."""
        return [time for block in self._plan.blocks for time in (block.begin_us, block.end_us)]

    def draw(self, sheet: Sheet) -> None:
        """Intervals and texts."""
        for block, asked, told in self._blocks:
            self._draw(sheet, block, asked, told)

    def _claims(self, block: Block) -> tuple[Claim, Claim | None]:
        slot = [f"client {block.column}"]
        lines = self._lines(block)
        begin_us = max(block.begin_us, self._plan.begin_us)
        asked = Claim(begin_us, slot, -1, LINE_PX * len(lines) + 2)
        ends = block.answered and block.end_us <= self._plan.end_us
        if len(block.operations) > 1 or not (ends and self._answer(block.operations[0])):
            return asked, None
        return asked, Claim(block.end_us, slot, -LINE_PX + 3, LINE_PX + 2)

    def _lines(self, block: Block) -> list[tuple[str, str]]:
        """(class, text) of the lines at an interval's begin."""
        first = f"c{block.client} " if len(self._plan.columns.clients[block.column]) > 1 else ""
        if len(block.operations) == 1:
            operation = block.operations[0]
            lines = [("mono", first + operation.text)]
            if not block.answered:
                lines.append(("mono soft", "no answer"))
            return lines + ([("mono verdict", operation.verdict)] if operation.verdict else [])
        shown = block.operations[: LINES_MAX if len(block.operations) > LINES_MAX + 1 else LINES_MAX + 1]
        lines = [("mono", f"{first}{o.text} {self._answer(o)}".strip()) for o in shown]
        lines += [("mono verdict", o.verdict) for o in shown if o.verdict]
        more = len(block.operations) - len(shown)
        return [*lines, ("mono soft", f"and {more} more")] if more else lines

    def _answer(self, operation: ClientOperation) -> str:
        if operation.outcome == "ok":
            return f"→ {operation.reply or 'ok'}"
        if operation.return_us >= FOREVER_US:
            return ""
        return (
            f"✗ {operation.reply or 'failed'}"
            if operation.outcome == "fail"
            else f"? {operation.reply or 'unknown'}"
        )

    def _draw(self, sheet: Sheet, block: Block, asked: Claim, told: Claim | None) -> None:
        plan = self._plan
        x = plan.columns.client_x[block.column] + block.sublane * SUBLANE_PX
        y1 = plan.axis.y(max(block.begin_us, plan.begin_us))
        open_end = block.end_us > plan.end_us
        y2 = plan.axis.bottom() + 8 if open_end else plan.axis.y(block.end_us)
        y2 = max(y2, y1 + 3)
        outcome = block.operations[0].outcome
        if outcome == "info":
            sheet.box("operations", "open", x + 0.6, y1, BAR_PX - 1.2, y2 - y1, 3)
        else:
            sheet.box(
                "operations", outcome if outcome in ("ok", "fail") else "info", x, y1, BAR_PX, y2 - y1, 3
            )
        beside = self._sublanes[block.column] * SUBLANE_PX + BAR_PX + 4
        left = plan.columns.client_x[block.column] + beside
        width = plan.columns.client_text_px - beside - 4
        for place, (kind, text) in enumerate(self._lines(block)):
            text = shorten(text, width / MONO_CHAR_SHARE)
            sheet.words("labels", kind, left, asked.y + 9 + LINE_PX * place, text)
        if told is not None:
            text = shorten(self._answer(block.operations[0]), width / MONO_CHAR_SHARE)
            sheet.words("labels", "mono soft", left, told.y + 10, text)
