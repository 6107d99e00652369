"""Following moves of slots to their end."""

from collections.abc import Callable

from trivet.cli.asking import Asker
from trivet.cli.leaving import LISTED_MAX, Wait, listed, progress
from trivet.cli.probe import ProbeError, Reply
from trivet.cli.view import PAXOS, GroupFacts, View

CALM_LOOKS = 3
"""So many looks in a row without anything to do: one change may make another necessary a moment later."""


def under_way(view: View) -> list[str]:
    """What the cluster is doing to itself now, in words."""
    found = [progress(move) for move in view.moves[:LISTED_MAX]]
    found += [
        f"group {group.id}: members {listed(group.members)}, shall be {listed(group.target)}"
        + _meanwhile(view, group)
        for group in view.groups
        if group.incoming or sorted(group.members) != sorted(group.target)
    ]
    found += [
        f"group {group.id}: node {listed(group.doubtful)} is told all "
        + ("registers anew" if view.mode_of(group) == PAXOS else "keys anew")
        for group in view.groups
        if group.doubtful
    ]
    found += [
        f"group {group.id}: node {listed(group.behind)} gets what the others have"
        for group in view.groups
        if group.behind
    ]
    found += [f"node {node.id} is joining" for node in view.nodes if node.state == "joining"]
    found += [f"node {node.id} is being drained" for node in view.nodes if node.state == "draining"]
    return found


def _meanwhile(view: View, group: GroupFacts) -> str:
    """What holds while the members of a group that nobody leads change."""
    if not group.incoming:
        return ""
    if view.mode_of(group) == PAXOS:
        return "; majorities of both decide"
    return "; all serve until those that go have handed over what they have"


def balanced(asker: Asker, wait: Wait) -> None:
    """Wait until nothing is under way and nothing is planned. Raises ``ProbeError``."""
    calm = 0
    while calm < CALM_LOOKS:
        view = wait.look()
        if view is not None:
            doing = under_way(view) or planned(asker)
            calm = 0 if doing else calm + 1
            if doing:
                wait.tell("\n".join(doing))
        if calm < CALM_LOOKS:
            wait.pause()


def planned(asker: Asker) -> list[str]:
    """The plan, or that nobody can be asked for it."""
    try:
        return asker.plan()
    except ProbeError as error:
        return [str(error)]


def follow(asker: Asker, reply: Reply, say: Callable[[str], None], wait: bool) -> None:
    """Say that a move has begun and, if it is wanted, how it goes on until it is over."""
    if not isinstance(reply, int):
        say(reply.decode("utf-8", "replace") if isinstance(reply, bytes) else "done")
        return
    say(f"move {reply} has begun" + ("" if wait else "; `trivet status` shows its progress"))
    if not wait:
        return
    waiting = Wait(asker, say, lambda: True)
    seen = False
    missing = 0
    while missing < 2:
        view = waiting.look()
        if view is not None:
            move = next((move for move in view.moves if move.id == reply), None)
            seen = seen or move is not None
            missing = missing + 1 if move is None else 0
            if move is not None:
                waiting.tell(progress(move))
        if missing < 2:
            waiting.pause()
    say(f"move {reply} is over" if seen else f"move {reply} is over already")
