"""The names of transactions and of their branches in foreign databases.

A branch's name says whose it is: ``trivet:<cluster>:<database>:<transaction>:<branch>``. PostgreSQL takes
it as one identifier (at most 200 bytes), MariaDB in two parts: all up to the transaction is the ``gtrid``,
the branch's name the ``bqual`` (at most 64 bytes each). The transaction's id begins with four letters that
are the hash tag of its record: where a record lies can be read from the name of any branch.
"""

import binascii
import hashlib
import re
import secrets
from functools import lru_cache
from typing import Final

import msgspec

TAG_LETTERS: Final = 4
_ALPHABET: Final = "0123456789abcdefghijklmnopqrstuvwxyz"
_ID_LETTERS: Final = 19
"""With the tag: 15 letters of chance are 77 bits."""
_SLOTS: Final = 16_384
_GTRID: Final = re.compile(r"trivet:([0-9A-Za-z._-]{1,32}):([0-9]{1,4}):([0-9a-z]{19})")
_BRANCH: Final = re.compile(r"[a-z][a-z0-9_]{0,31}")
_PLAIN_CLUSTER: Final = re.compile(r"[0-9A-Za-z._-]{1,32}")

RECORD_PREFIX: Final = b"trivet:txn:"
INDEX: Final = b"trivet:txns"
"""A sorted set in each database: the transactions that have a record, by the time of their beginning (ms)."""


class Name(msgspec.Struct, frozen=True, order=True):
    """One transaction: its cluster (as names carry it), its database in Trivet, its id."""

    cluster: str
    db: int
    id: str

    @property
    def gtrid(self) -> str:
        """What all its branches' names begin with; at most 64 bytes."""
        return f"trivet:{self.cluster}:{self.db}:{self.id}"

    def branch(self, name: str) -> str:
        """The full name of a branch."""
        return f"{self.gtrid}:{name}"

    @property
    def record(self) -> bytes:
        """The key of its record."""
        return record_key(self.id)


def record_key(transaction_id: str) -> bytes:
    """The key of a transaction's record."""
    tag, rest = transaction_id[:TAG_LETTERS].encode(), transaction_id[TAG_LETTERS:].encode()
    return b"%s{%s}%s" % (RECORD_PREFIX, tag, rest)


def is_transaction_id(text: str) -> bool:
    """Whether it looks like one."""
    return len(text) == _ID_LETTERS and all(letter in _ALPHABET for letter in text)


def is_branch_name(text: str) -> bool:
    """Whether a branch may be called so."""
    return _BRANCH.fullmatch(text) is not None


def cluster_mark(cluster: str) -> str:
    """A cluster's id as names carry it: as it is, or a digest of it when it is long or has odd letters."""
    if _PLAIN_CLUSTER.fullmatch(cluster):
        return cluster
    return hashlib.blake2b(cluster.encode(), digest_size=16).hexdigest()


def new_id(near: bytes | None) -> str:
    """A new transaction's id; its record lies in the slot of the key ``near``."""
    tag = _letters(TAG_LETTERS) if near is None else _tag_for(slot_of(near))
    return tag + _letters(_ID_LETTERS - TAG_LETTERS)


def parse(text: str) -> tuple[Name, str] | None:
    """The transaction and the branch of a full name; None when it is not one of ours."""
    gtrid, _, branch = text.rpartition(":")
    found = _GTRID.fullmatch(gtrid)
    if found is None or not is_branch_name(branch):
        return None
    return Name(found[1], int(found[2]), found[3]), branch


def slot_of(key: bytes) -> int:
    """The hash slot of a key, as Redis Cluster has it."""
    begin = key.find(b"{")
    if begin >= 0:
        end = key.find(b"}", begin + 1)
        if end > begin + 1:
            key = key[begin + 1 : end]
    return binascii.crc_hqx(key, 0) % _SLOTS


@lru_cache(maxsize=4096)
def _tag_for(slot: int) -> str:
    """Four letters whose slot is this one: the first, in the order of the alphabet."""
    for number in range(len(_ALPHABET) ** TAG_LETTERS):
        tag = ""
        for _ in range(TAG_LETTERS):
            number, digit = divmod(number, len(_ALPHABET))
            tag += _ALPHABET[digit]
        if binascii.crc_hqx(tag.encode(), 0) % _SLOTS == slot:
            return tag
    raise AssertionError("every slot has a tag of four letters")


def _letters(count: int) -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(count))
