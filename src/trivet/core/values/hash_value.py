"""A hash: fields with values. See ``keyed`` for its representation and its order."""

from typing import final

from trivet.core.values.keyed import Keyed


@final
class Hash(Keyed[bytes]):
    """Fields to values, both bytes."""

    __slots__ = ()

    def copy(self) -> "Hash":
        """A hash of its own that behaves identically."""
        twin = Hash(self.shape)
        twin.fill_from(self)
        return twin

    def dump(self) -> tuple[int, list[bytes]]:
        """``(shape, [field, value, field, value, ...])``: all that ``load`` needs."""
        flat: list[bytes] = []
        for field, value in self.items():
            flat.append(field)
            flat.append(value)
        return self.shape, flat

    @staticmethod
    def load(shape: int, flat: list[bytes]) -> "Hash":
        """The hash that ``dump`` described."""
        loaded = Hash(shape)
        loaded.fill(zip(flat[::2], flat[1::2], strict=True))
        return loaded
