"""The numbers of the forms in which a value can stand: the first byte of its serialization."""

from enum import IntEnum


class Form(IntEnum):
    """Named as Redis' ``rdb.h`` names them.

    What is missing are modules' values (6, 7) and forms of release candidates (22, 23), which are refused.
    """

    STRING = 0
    LIST = 1
    SET = 2
    ZSET = 3
    HASH = 4
    ZSET_2 = 5
    HASH_ZIPMAP = 9
    LIST_ZIPLIST = 10
    SET_INTSET = 11
    ZSET_ZIPLIST = 12
    HASH_ZIPLIST = 13
    LIST_QUICKLIST = 14
    STREAM_LISTPACKS = 15
    HASH_LISTPACK = 16
    ZSET_LISTPACK = 17
    LIST_QUICKLIST_2 = 18
    STREAM_LISTPACKS_2 = 19
    SET_LISTPACK = 20
    STREAM_LISTPACKS_3 = 21
    HASH_METADATA = 24
    """Redis 7.4: fields with deadlines, relative to the earliest of them."""
    HASH_LISTPACK_EX = 25
    """The same packed: field, value, deadline, and again."""
