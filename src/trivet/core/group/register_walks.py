"""Calls about whole databases (stand-in: none is served)."""

from trivet.core.base.ids import Instant
from trivet.core.base.limits import Limits
from trivet.core.base.prng import Prng
from trivet.core.group.register_errands import Errands
from trivet.core.group.register_runs import WalkCall
from trivet.core.group.register_sweeper import Sweeper
from trivet.core.machine.register import Registers
from trivet.core.machine.register_place import WHOLE_DATABASE
from trivet.core.paxos.ready import ScanResult
from trivet.core.wire.reply import Error


class Walks:
    """Walks over the keys of databases."""

    def __init__(self, errands: Errands, registers: Registers, prng: Prng, limits: Limits) -> None:
        self.sweeper: Sweeper | None = None
        self.pages: list[tuple[int, bytes | None, int]] = []
        """(number, cursor, limit) of pages that the group is to ask for."""

    @property
    def busy(self) -> bool:
        """Some walk is under way."""
        return False

    def begin(self, call: WalkCall, now_ms: Instant) -> None:
        """Serve ``call``."""
        call.done(WHOLE_DATABASE)

    def on_scan(self, result: ScanResult, now_ms: Instant) -> None:
        """A page has come."""

    def expire(self, oldest_ms: Instant) -> None:
        """Give up what began before that."""

    def fail_all(self, error: Error) -> None:
        """The group is no more."""
