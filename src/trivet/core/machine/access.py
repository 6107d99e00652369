"""When keys were last used, or how often: what the policies LRU and LFU choose by.

It is kept by each replica for itself, from the writes that it applies and the reads that run
on it, and only while a policy asks for it. It is no part of the state: it decides nothing
but what a leader proposes to evict.

- LRU: the Unix time of the last use, in ms.
- LFU: a counter of 8 bits that grows the slower the higher it is and loses one per
  ``decay`` minutes without use (Redis' approximation after Morris), beside the minute of the
  last change.
"""

from typing import Final

from trivet.core.base.prng import Prng
from trivet.core.values.table import Table

_LFU_FIRST: Final = 5
"""A new key starts here, so that it is not the first to go."""
_LFU_MAX: Final = 255
_MINUTE_MS: Final = 60_000
_SCALE: Final = 1 << 30


class Access:
    """The uses of one database's keys."""

    def __init__(self, often: bool, log_factor: int, decay_minutes: int, since_ms: int) -> None:
        """``often``: how often, else when. ``since_ms``: since when uses are noted."""
        self.often = often
        self._log_factor = log_factor
        self._decay_minutes = decay_minutes
        self._since_ms = since_ms
        self._uses: Table[int] = Table()
        self._prng = Prng(1)

    def __len__(self) -> int:
        return len(self._uses)

    def use(self, key: bytes, now_ms: int) -> None:
        """``key``, which exists, is used."""
        if not self.often:
            self._uses.put(key, now_ms + 1)
            return
        kept = self._uses.get(key)
        count = _LFU_FIRST if kept is None else self._decayed(kept, now_ms)
        if kept is not None and count < _LFU_MAX:
            base = max(count - _LFU_FIRST, 0)
            if self._prng.below(_SCALE) * (base * self._log_factor + 1) < _SCALE:
                count += 1
        self._uses.put(key, ((now_ms // _MINUTE_MS) << 8 | count) + 1)

    def drop(self, key: bytes) -> None:
        """``key`` is gone."""
        self._uses.pop(key)

    def idle_ms(self, key: bytes, now_ms: int) -> int:
        """How long ago the last use was; since the beginning when none was noted."""
        kept = self._uses.get(key)
        return max(0, now_ms - (self._since_ms if kept is None else kept - 1))

    def count(self, key: bytes, now_ms: int) -> int:
        """How often it is used, on the logarithmic scale of 0 to 255."""
        kept = self._uses.get(key)
        return _LFU_FIRST if kept is None else self._decayed(kept, now_ms)

    def _decayed(self, kept: int, now_ms: int) -> int:
        minute, count = divmod(kept - 1, 256)
        if not self._decay_minutes:
            return count
        return max(0, count - (now_ms // _MINUTE_MS - minute) // self._decay_minutes)
