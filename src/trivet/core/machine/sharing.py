"""What the system group decides for all: users, settings, functions; and the copy that a group of data has.

A group acts by its own copy, so that what it does is a function of its own log alone. The copy comes
as an entry (``SHARED``) that the group's leader, or whoever is first, proposes when the system group has
gone on.

- Rule C1: a copy is taken only if it is newer than the one before; so it does not matter who brings it, how
  often.
- Rule C3: functions and scripts come along only before the group is founded. From then on it is taught each
  change of them by itself (``node/teaching``), and no copy, which may be older, takes one back.
- Rule C2: what the group has decided itself (that memory is short) is not overwritten.
"""

from typing import Final

import msgspec

from trivet.core.access.users import UsersState
from trivet.core.machine.settings import OVER
from trivet.core.machine.state import State
from trivet.core.script.scripts import ScriptsState
from trivet.core.wire.reply import OK, Reply

SHARED: Final = b"SHARED"


class Shared(msgspec.Struct, array_like=True, frozen=True):
    """A copy; ``index``: the system group's entry that changed it last.

    ``scripts``: for a group that is not founded yet.
    """

    index: int
    users: UsersState
    settings: list[tuple[bytes, bytes]]
    scripts: ScriptsState | None = None


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Shared)


def copy_call(system: State, with_scripts: bool) -> list[bytes]:
    """The call that brings a group the present state of the system group."""
    settings = [(name, value) for name, value in system.settings.values.items() if name != OVER]
    scripts = system.scripts.state() if with_scripts else None
    shared = Shared(max(system.shared_index, 1), system.users.state(), settings, scripts)
    return [SHARED, _encoder.encode(shared)]


def take_copy(machine: State, args: list[bytes]) -> Reply:
    """Rules C1, C2."""
    try:
        shared = _decoder.decode(args[1])
    except (msgspec.DecodeError, RecursionError) as error:
        raise ValueError(str(error)) from error
    if shared.index <= machine.shared_index:
        return OK
    machine.shared_index = shared.index
    machine.users.restore(shared.users)
    machine.settings.replace(shared.settings)
    if shared.scripts is not None and machine.ownership.is_awaited:
        machine.scripts.restore(shared.scripts)
    machine.keep_account()
    return OK
