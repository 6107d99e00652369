"""The colours of pictures: one table for the drawing and the page.

Strategy: hues that people with any kind of colour vision tell apart (after Okabe and Ito), each with a
lighter sister for dark pages; and never colour alone: every band, arrow and interval also has a
word or a shape. Roles that the table does not know get the spare colours, in the order of their
first appearance.
"""

from trivet.lab.recording import Recording, State

Shade = tuple[str, str]
"""A colour on a light page, and on a dark one."""

BLUE: Shade = ("#0b6fb8", "#5ab0ee")
ORANGE: Shade = ("#e39a0c", "#f0b13c")
SAND: Shade = ("#f0cf8e", "#a98a4c")
GREY: Shade = ("#b9c2cc", "#57626e")
GREEN: Shade = ("#0a8f6a", "#2fc39a")
PURPLE: Shade = ("#b0629a", "#dd93c8")
RED: Shade = ("#c8460a", "#ff8a55")
SKY: Shade = ("#7cc2ea", "#3b86ad")
NONE: Shade = ("none", "none")

ROLES: dict[str, Shade] = {
    "leader": BLUE,
    "candidate": ORANGE,
    "pre_candidate": SAND,
    "follower": GREY,
    "learner": GREY,
    "coordinator": BLUE,
    "proposer": BLUE,
    "locking": BLUE,
    "deciding": BLUE,
    "finishing": BLUE,
    "backing_off": SAND,
    "leads_group_1": SKY,
    "leads_group_2": PURPLE,
    "leads_groups_1_and_2": SKY,
    "participant": GREY,
    "acceptor": GREY,
    "replica": GREY,
    "nothing": GREY,
    "deleted": RED,
    "no_member": NONE,
    "prepared": ORANGE,
    "promised": SAND,
    "accepted": ORANGE,
    "waiting": ORANGE,
    "blocked": RED,
    "committed": GREEN,
    "decided": GREEN,
    "chosen": GREEN,
    "aborted": PURPLE,
    "paused": NONE,
    "down": NONE,
    "crashed": NONE,
}

SPARE: list[Shade] = [SKY, PURPLE, GREEN, SAND, ORANGE, BLUE]

GONE = ("down", "crashed")
STILL = ("paused",)
WITH_TERMS = ("leader", "candidate", "pre_candidate", "follower", "learner")
"""Raft's roles: the number beside them is a term. Beside others it is what their protocol counts by."""

PAGE: dict[str, Shade] = {
    "bg": ("#ffffff", "#14181d"),
    "ink": ("#1d2329", "#e8ecf0"),
    "soft": ("#5b6672", "#a3afbb"),
    "line": ("#d5dbe1", "#333c45"),
    "wall": ("#c8460a", "#ff8a55"),
    "msg": ("#3a444e", "#c3ccd5"),
    "red": RED,
    "blue": BLUE,
    "ok": GREEN,
    "fail": GREY,
    "info": PURPLE,
    "note": ("#eef5fb", "#1c2a36"),
    "cry": ("#fdeee6", "#3a2118"),
}
"""Everything that is not a role's."""


def role_shades(recording: Recording) -> dict[str, Shade]:
    """The colour of every role in the recording, in the order of their first appearance."""
    shades: dict[str, Shade] = {}
    spare = 0
    for state in recording.states:
        if state.role in shades:
            continue
        known = ROLES.get(state.role.lower().replace("-", "_").replace(" ", "_"))
        if known is None:
            known = SPARE[spare % len(SPARE)]
            spare += 1
        shades[state.role] = known
    return shades


def text_on(shade: str) -> str:
    """Black or white: what reads better on a colour such as ``#0b6fb8``."""
    if not shade.startswith("#"):
        return "inherit"
    red, green, blue = (int(shade[at : at + 2], 16) for at in (1, 3, 5))
    return "#111" if 0.299 * red + 0.587 * green + 0.114 * blue > 128 else "#fff"


def role_text(role: str) -> str:
    """A role for people."""
    return role.replace("_", "-")


def state_text(state: State) -> str:
    """A state for people, such as ``leader t3``, or ``promised 3`` for a ballot."""
    if not state.term or state.role in (*GONE, *STILL):
        return role_text(state.role)
    return f"{role_text(state.role)} {'t' if state.role in WITH_TERMS else ''}{state.term}"
