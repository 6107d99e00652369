"""``CLIENT TRACKING``, ``CACHING``, ``TRACKINGINFO`` and ``GETREDIR``: what a client asks of ``tracking``."""

from itertools import pairwise
from typing import Final

from trivet.core.command.arguments import exact
from trivet.core.node.front import Front
from trivet.core.node.session import Session, Tracked
from trivet.core.values.numbers import parse_int
from trivet.core.wire.reply import OK, Error, Members, Reply

_SYNTAX: Final = Error("ERR syntax error")
_NOT_AN_INTEGER: Final = Error("ERR value is not an integer or out of range")
_SWITCH_EVERYTHING: Final = Error(
    "ERR You can't switch BCAST mode on/off before disabling tracking for this client, and then "
    "re-enabling it with a different mode."
)
_SWITCH_CHOICE: Final = Error(
    "ERR You can't switch OPTIN/OPTOUT mode before disabling tracking for this client, and then "
    "re-enabling it with a different mode."
)
_NO_CHOICE: Final = Error(
    "ERR CLIENT CACHING can be called only when the client is in tracking mode with OPTIN or OPTOUT mode "
    "enabled"
)

PREFIXES_MAX: Final = 1_000
"""Of one client (Redis has no limit): each is compared with each, and every change is compared with them."""


def set_tracking(front: Front, session: Session, options: list[bytes]) -> Reply:
    """``CLIENT TRACKING ON|OFF [REDIRECT id] [PREFIX prefix …] [BCAST] [OPTIN] [OPTOUT] [NOLOOP]``."""
    wanted = _read_options(front, options[1:])
    if isinstance(wanted, Error):
        return wanted
    switch = options[0].lower()
    if switch == b"off":
        front.tracking.stop(session)
        return OK
    if switch != b"on":
        return _SYNTAX
    before = session.tracked
    problem = _conflict(wanted, before)
    if problem is not None:
        return problem
    if before is not None:
        wanted.prefixes = before.prefixes + wanted.prefixes
    front.tracking.stop(session)
    front.tracking.start(session, wanted)
    return OK


def _read_options(front: Front, options: list[bytes]) -> Tracked | Error:
    wanted = Tracked()
    at = 0
    while at < len(options):
        word = options[at].upper()
        follows = at + 1 < len(options)
        if word == b"REDIRECT" and follows:
            at += 1
            number = parse_int(options[at])
            if number is None:
                return _NOT_AN_INTEGER
            if wanted.redirect:
                return Error("ERR A client can only redirect to a single other client")
            if number not in front.sessions:
                return Error("ERR The client ID you want redirect to does not exist")
            wanted.redirect = number
        elif word == b"PREFIX" and follows:
            at += 1
            wanted.prefixes.append(options[at])
        elif word == b"BCAST":
            wanted.everything = True
        elif word == b"OPTIN":
            wanted.opt_in = True
        elif word == b"OPTOUT":
            wanted.opt_out = True
        elif word == b"NOLOOP":
            wanted.no_loop = True
        else:
            return _SYNTAX
        at += 1
    return wanted


def _conflict(wanted: Tracked, before: Tracked | None) -> Error | None:
    """What does not go together, in Redis' order."""
    if wanted.prefixes and not wanted.everything:
        return Error("ERR PREFIX option requires BCAST mode to be enabled")
    if before is not None and before.everything is not wanted.everything:
        return _SWITCH_EVERYTHING
    if wanted.everything and (wanted.opt_in or wanted.opt_out):
        return Error("ERR OPTIN and OPTOUT are not compatible with BCAST")
    if wanted.opt_in and wanted.opt_out:
        return Error("ERR You can't specify both OPTIN mode and OPTOUT mode")
    if before is not None and ((wanted.opt_in and before.opt_out) or (wanted.opt_out and before.opt_in)):
        return _SWITCH_CHOICE
    held = 0 if before is None else len(before.prefixes)
    if held + len(wanted.prefixes) > PREFIXES_MAX:
        return Error(f"ERR a client can track at most {PREFIXES_MAX} prefixes")
    existing = [] if before is None or not before.everything else before.prefixes or [b""]
    return _overlap(wanted.prefixes, existing)


def _overlap(prefixes: list[bytes], existing: list[bytes]) -> Error | None:
    in_order = sorted(existing + prefixes)
    if not any(after.startswith(before) for before, after in pairwise(in_order)):
        return None
    for at, prefix in enumerate(prefixes):
        for other in existing:
            if prefix.startswith(other) or other.startswith(prefix):
                return _overlaps(prefix, "an existing", other)
        for other in prefixes[at + 1 :]:
            if prefix.startswith(other) or other.startswith(prefix):
                return _overlaps(prefix, "another provided", other)
    return None


def _overlaps(prefix: bytes, which: str, other: bytes) -> Error:
    return Error(
        f"ERR Prefix '{exact(prefix)}' overlaps with {which} prefix '{exact(other)}'. Prefixes for a single "
        "client must not overlap."
    )


def set_caching(session: Session, word: bytes) -> Reply:
    """``CLIENT CACHING YES|NO``."""
    tracked = session.tracked
    if tracked is None:
        return _NO_CHOICE
    choice = word.lower()
    if choice == b"yes":
        if not tracked.opt_in:
            return Error("ERR CLIENT CACHING YES is only valid when tracking is enabled in OPTIN mode.")
    elif choice == b"no":
        if not tracked.opt_out:
            return Error("ERR CLIENT CACHING NO is only valid when tracking is enabled in OPTOUT mode.")
    else:
        return _SYNTAX
    tracked.caching = True
    return OK


def redirect_of(session: Session) -> Reply:
    """``CLIENT GETREDIR``."""
    return -1 if session.tracked is None else session.tracked.redirect


def tracking_info(session: Session) -> Reply:
    """``CLIENT TRACKINGINFO``."""
    tracked = session.tracked
    flags: list[Reply] = []
    prefixes: list[Reply] = []
    if tracked is None:
        flags.append(b"off")
    else:
        prefixes.extend(tracked.prefixes or ([b""] if tracked.everything else []))
        words = (
            (b"on", True),
            (b"bcast", tracked.everything),
            (b"optin", tracked.opt_in),
            (b"caching-yes", tracked.opt_in and tracked.caching),
            (b"optout", tracked.opt_out),
            (b"caching-no", tracked.opt_out and tracked.caching),
            (b"noloop", tracked.no_loop),
            (b"broken_redirect", tracked.broken),
        )
        flags.extend([word for word, holds in words if holds])
    return {b"flags": Members(flags), b"redirect": redirect_of(session), b"prefixes": prefixes}
