"""How a node leaves: drained, then empty, then gone; and saying meanwhile what it waits for."""

import time
from collections.abc import Callable

from trivet.cli.asking import Asker
from trivet.cli.probe import ProbeError, Refused
from trivet.cli.view import SYSTEM_GROUP, GroupFacts, MoveFacts, View

POLL_S = 0.5
STUCK_S = 5.0
"""After so long without progress the cluster is asked why."""
LISTED_MAX = 8
Say = Callable[[str], None]


class GivenUp(ProbeError):
    """The wait was ended before the node was empty."""


class Wait:
    """Looking again and again at a cluster that changes; silence for a while is borne with."""

    def __init__(self, asker: Asker, say: Say, go_on: Callable[[], bool], max_s: float = 0.0) -> None:
        """``go_on`` is asked before each look; ``max_s``: how long in all, 0: for ever."""
        self._asker = asker
        self._say = say
        self._go_on = go_on
        self._end_s = time.monotonic() + max_s if max_s else 0.0
        self._told = ""
        self._changed_s = time.monotonic()
        self._silent_s = 0.0
        self._reasons: list[str] = []

    def look(self) -> View | None:
        """The cluster now; None: nobody answered this time. Raises ``GivenUp``, ``Refused``."""
        if not self._go_on():
            raise GivenUp("stopped")
        if self._end_s and time.monotonic() > self._end_s:
            raise GivenUp(f"not within the time given; it waits for: {self._told or 'an answer'}")
        try:
            view = self._asker.full_view()
        except Refused:
            raise
        except ProbeError as error:
            self.tell(str(error))
            return None
        return view

    def tell(self, text: str) -> None:
        """What is waited for; said when it has changed. Long the same: what the cluster says about it."""
        now_s = time.monotonic()
        if text != self._told:
            self._told, self._changed_s = text, now_s
            self._say(text)
        elif now_s - self._changed_s > STUCK_S:
            self._changed_s = now_s
            self._explain()

    def pause(self) -> None:
        """Until the next look."""
        time.sleep(POLL_S)

    def _explain(self) -> None:
        try:
            reasons = self._asker.plan() or [
                "nothing is planned: are there other nodes that could take over?"
            ]
        except ProbeError:
            return
        if reasons != self._reasons:
            self._reasons = reasons
            for line in reasons[:LISTED_MAX]:
                self._say(f"  the cluster's plan: {line}")


def empty_and_leave(
    asker: Asker,
    node: int,
    say: Say,
    go_on: Callable[[], bool] = lambda: True,
    max_s: float = 0.0,
) -> None:
    """Wait until nothing counts on ``node``, which is being drained, and let it leave.

    Raises ``ProbeError``: ``GivenUp`` when it was told to stop or time is up; the node goes on draining.
    """
    wait = Wait(asker, say, go_on, max_s)
    while True:
        view = wait.look()
        if view is not None:
            row = view.node(node)
            if row is None or row.state == "gone":
                say(f"node {node} has left")
                return
            asker.avoid(row.host, row.client_port)
            held = view.held_by(node)
            if held:
                wait.tell(waiting_for(view, node, held))
            elif left(asker, node, wait):
                say(f"node {node} has left")
                return
        wait.pause()


def left(asker: Asker, node: int, wait: Wait) -> bool:
    """Whether the cluster agrees that it is empty."""
    try:
        asker.call("CLUSTER", "LEAVE", str(node))
    except Refused as error:
        if "still a member" not in error.text:
            raise
        wait.tell(f"node {node}: {error.text.removeprefix('ERR ')}")
        return False
    return True


def waiting_for(view: View, node: int, held: list[GroupFacts]) -> str:
    """One sentence: what is still on the node, and what is under way."""
    parts = []
    leads = view.led_by(node)
    data = [group.id for group in held if group.id != SYSTEM_GROUP]
    if data:
        parts.append(f"{len(data)} replica{'s' * (len(data) != 1)} (group {listed(data)})")
    if len(data) != len(held):
        parts.append("its vote in the system group")
    if leads:
        parts.append(f"leads group {listed(leads)}")
    text = f"node {node} still has {', '.join(parts)}"
    moves = [move for move in view.moves if move.source in data or move.target in data]
    if moves:
        text += "; under way: " + ", ".join(progress(move) for move in moves[:LISTED_MAX])
    changing = [group for group in held if group.incoming or sorted(group.target) != sorted(group.members)]
    waits = [
        f"group {group.id} shall have the members {listed(group.target)}" for group in changing[:LISTED_MAX]
    ]
    return "; ".join([text, *waits])


def progress(move: MoveFacts) -> str:
    """One move in words."""
    text = f"move {move.id}, slots {move.slots} from group {move.source} to {move.target}"
    done = percent(move)
    return f"{text} ({done})" if done else text


def percent(move: MoveFacts) -> str:
    """How far a move is; empty when the node that was asked cannot say."""
    if move.phase != "copy":
        return move.phase
    if move.sent is None or move.left is None:
        return ""
    return f"{100 * move.sent // max(1, move.sent + move.left)}%"


def listed(numbers: list[int]) -> str:
    """Some numbers, and how many more."""
    shown = ", ".join(str(number) for number in numbers[:LISTED_MAX])
    return shown if len(numbers) <= LISTED_MAX else f"{shown} and {len(numbers) - LISTED_MAX} more"
