"""What a copy of slots carries from group to group: keys of one database, new or gone."""

import msgspec

from trivet.core.values.codec import Item, decode_items, encode_item, join_items
from trivet.core.values.database import Database

_PACKETS_MAX = 10_000


class Packet(msgspec.Struct, array_like=True, frozen=True):
    """Keys of one database: ``gone`` are no more, ``items`` are as ``encode_items`` writes them."""

    database: int
    gone: list[bytes]
    items: bytes


class Parcel:
    """Packets being filled: one per database."""

    def __init__(self) -> None:
        self.bytes = 0
        self._gone: dict[int, list[bytes]] = {}
        self._items: dict[int, list[msgspec.Raw]] = {}

    def add(self, database: Database, key: bytes) -> bool:
        """``key`` as it stands now, past its deadline or not; whether it is held."""
        index = database.index
        gone = self._gone.setdefault(index, [])
        value = database.values.get(key)
        if value is None:
            gone.append(key)
            self.bytes += len(key)
            return False
        item = encode_item(key, value, database.deadline_ms(key))
        self._items.setdefault(index, []).append(item)
        self.bytes += len(memoryview(item))
        return True

    def add_blind(self, index: int, key: bytes) -> None:
        """``key`` is there; its value is nobody's concern."""
        self._gone.setdefault(index, [])
        self._items.setdefault(index, []).append(encode_item(key, b"", -1))
        self.bytes += len(key)

    def packed(self) -> bytes:
        """All of them as bytes; nothing when there is none."""
        packets = [
            Packet(index, gone, join_items(self._items.get(index, []))) for index, gone in self._gone.items()
        ]
        return _encoder.encode(packets) if packets else b""


def unpack(data: bytes) -> list[tuple[int, list[bytes], list[Item]]]:
    """(database, keys that are gone, items); raises ``ValueError`` for other bytes."""
    try:
        packets = _decoder.decode(data)
    except msgspec.DecodeError as error:
        raise ValueError(f"no packets: {error}") from error
    if len(packets) > _PACKETS_MAX:
        raise ValueError("too many packets")
    return [(packet.database, packet.gone, decode_items(packet.items)) for packet in packets]


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(list[Packet])
