"""How many sockets this process may have: whoever connects must not take the files that the disk needs.

A log that cannot open its next segment ends the node. So the driver takes fewer connections than
the system allows files, with room for those that arrive between two looks.
"""

import resource
from typing import NamedTuple

from trivet.core.base.errors import StartError

SPARE_FILES = 64
"""For the disk, the interpreter, and the links that we dial."""
BACKLOG_MAX = 1024
"""Connections that may wait to be accepted; so many may come at once."""
CONNECTIONS_MIN = 8


class Room(NamedTuple):
    """Limits of the driver; one connection more is closed at once, without a word."""

    clients_max: int
    links_max: int
    backlog: int


def make_room(connections_max: int, links_max: int) -> tuple[Room, int]:
    """Ask the system for as many open files as the limits promise; the room, and how many files it allows.

    Clients beyond ``connections_max`` are told so by the node and linger a while: there is room for some.
    Raises ``StartError`` when there is hardly room for anything.
    """
    wanted = 2 * connections_max + links_max + 2 * BACKLOG_MAX + SPARE_FILES
    allowed = _allow_open_files(wanted)
    backlog = max(min(BACKLOG_MAX, allowed // 16), 1)
    left = allowed - SPARE_FILES - 2 * backlog
    links = min(links_max, left // 4)
    if left - links < CONNECTIONS_MIN:
        raise StartError(f"only {allowed} open files are allowed here (ulimit -n): too few")
    return Room(left - links, links, backlog), allowed


def _allow_open_files(wanted: int) -> int:
    """Raise the limit to ``wanted``, within what the system allows; the limit as it is then."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY:
        wanted = min(wanted, hard)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return wanted if soft == resource.RLIM_INFINITY else soft
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return wanted
