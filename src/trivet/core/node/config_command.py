"""``CONFIG``: settings of the whole cluster, changed through the log and the same on every node.

``CONFIG SET`` is checked here and takes effect where it is applied, on every node; several
settings of one call take effect together. What has been answered is durable, so ``CONFIG
REWRITE`` has nothing left to do. A password is kept as a hash and never shown. ``CONFIG
RESETSTAT`` is about this node alone.
"""

from typing import Final

from trivet.core.access.user import hash_of
from trivet.core.command.arguments import PATTERN_TOO_LONG, exact, unknown_subcommand, wrong_arity
from trivet.core.command.settings_kinds import IMMUTABLE, buffer_limits
from trivet.core.command.settings_rows import ALIASES, BUFFER_LIMITS, SETTINGS
from trivet.core.machine.rights import REQUIREPASS
from trivet.core.node.front import Front
from trivet.core.node.session import Session
from trivet.core.values.glob import PATTERN_BYTES_MAX, Glob
from trivet.core.wire.reply import OK, Error, Reply, Simple

_ARITY: Final[dict[bytes, int]] = {b"GET": -3, b"SET": -4, b"RESETSTAT": 2, b"REWRITE": 2, b"HELP": 2}
_HELP: Final = (
    "CONFIG <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
    "GET <pattern> [<pattern> ...]",
    "    The settings whose names match, with their values.",
    "SET <directive> <value> [<directive> <value> ...]",
    "    Change settings, all of them or none, on every node of the cluster.",
    "RESETSTAT",
    "    Set this node's statistics of INFO to zero.",
    "REWRITE",
    "    Nothing to do: a setting is durable when SET has answered.",
    "HELP",
    "    This text.",
)


def config(front: Front, session: Session, args: list[bytes]) -> bool:
    """Answer any ``CONFIG`` command; False: when the session is idle."""
    action = args[1].upper()
    arity = _ARITY.get(action)
    if arity is None:
        session.answer_reply(unknown_subcommand(args[0], args[1]))
        return True
    if len(args) != arity and (arity > 0 or len(args) < -arity):
        session.answer_reply(wrong_arity(f"config|{action.decode().lower()}"))
        return True
    if action == b"SET":
        return _set(front, session, args)
    if action == b"GET" and not session.idle:
        return False
    session.answer_reply(_plain(front, action, args))
    return True


def _plain(front: Front, action: bytes, args: list[bytes]) -> Reply:
    if action == b"GET":
        return _get(front, args[2:])
    if action == b"HELP":
        return [Simple(line) for line in _HELP]
    if action == b"RESETSTAT":
        front.reset_statistics()
    return OK


def value_of(front: Front, name: bytes) -> bytes:
    """The value in force of a setting."""
    settings = front.system.machine.settings
    if name not in settings.values:
        if name == b"maxclients":
            return b"%d" % front.limits.connections_max
        if name == b"proto-max-bulk-len":
            return b"%d" % front.limits.bulk_bytes_max
        if name == b"port":
            return b"%d" % front.config.address().client_port
    return settings.get(name)


def _get(front: Front, patterns: list[bytes]) -> Reply:
    found: dict[bytes, Reply] = {}
    for pattern in patterns:
        wanted = pattern.lower()
        known = SETTINGS.get(ALIASES.get(wanted, wanted))
        if known is not None:
            found[pattern] = value_of(front, known.name)
            continue
        if len(pattern) > PATTERN_BYTES_MAX:
            return PATTERN_TOO_LONG
        matches = Glob(wanted).matches
        found.update({name: value_of(front, name) for name in SETTINGS if matches(name)})
        for alias, name in ALIASES.items():
            if matches(alias):
                found[alias] = value_of(front, name)
    return found


def _set(front: Front, session: Session, args: list[bytes]) -> bool:
    checked = _checked(front, args)
    if isinstance(checked, Error):
        session.answer_reply(checked)
        return True
    if not checked:
        session.answer_reply(OK)
        return True
    refusal = front.refuse_write()
    if refusal is not None:
        session.answer_reply(refusal)
        return True
    return front.change_shared(session, [b"SETTING", *checked])


def _checked(front: Front, args: list[bytes]) -> list[bytes] | Error:
    """Names and values to propose, those that are facts left out; or what is wrong with them."""
    if len(args) % 2:
        return Error("ERR syntax error")
    pairs = list(zip(args[2::2], args[3::2], strict=True))
    for given, _ in pairs:
        if ALIASES.get(given.lower(), given.lower()) not in SETTINGS:
            return Error(f"ERR Unknown option or number of arguments for CONFIG SET - '{exact(given)}'")
    wanted: dict[bytes, bytes] = {}
    for given, text in pairs:
        setting = SETTINGS[ALIASES.get(given.lower(), given.lower())]
        if setting.name in wanted:
            return _failed(given, "duplicate parameter")
        value = setting.kind(text)
        if setting.name == BUFFER_LIMITS:
            value = buffer_limits(value_of(front, BUFFER_LIMITS), text)
        if isinstance(value, str):
            return _failed(given, value)
        if setting.fixed and value != value_of(front, setting.name):
            return _failed(given, IMMUTABLE)
        wanted[setting.name] = value
    changed: list[bytes] = []
    for name, value in wanted.items():
        if name == REQUIREPASS and value:
            value = hash_of(value)
        if not SETTINGS[name].fixed:
            changed += (name, value)
    return changed


def _failed(given: bytes, reason: str) -> Error:
    return Error(f"ERR CONFIG SET failed (possibly related to argument '{exact(given.lower())}') - {reason}")
