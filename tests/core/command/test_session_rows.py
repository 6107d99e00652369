import trivet.core.command.all_rows  # noqa: F401
from trivet.core.command.introspection import categories
from trivet.core.command.table import ROWS, SUBROWS, Flag, Place

NEEDED = """
    PING ECHO QUIT SELECT RESET HELLO AUTH CLIENT
    COMMAND INFO CONFIG ROLE WAIT CLUSTER MULTI EXEC DISCARD WATCH UNWATCH
    READONLY READWRITE ASKING LOLWUT ACL
    SLOWLOG LATENCY MONITOR DEBUG SAVE BGSAVE BGREWRITEAOF LASTSAVE REPLICAOF SLAVEOF PSYNC SYNC REPLCONF
    FAILOVER SHUTDOWN MODULE WAITAOF KEYSPACE TXN
"""


def test_the_node_answers_these():
    assert {
        row.name.upper() for row in ROWS.values() if row.place is Place.SESSION and row.group != "pubsub"
    } == set(NEEDED.split())


def test_what_clients_send_on_connect_has_rows():
    assert {b"SETINFO", b"SETNAME", b"GETNAME", b"ID", b"LIST", b"INFO", b"KILL"} <= SUBROWS[b"CLIENT"].keys()
    assert {b"INFO", b"NODES", b"SLOTS", b"SHARDS", b"MYID", b"KEYSLOT"} <= SUBROWS[b"CLUSTER"].keys()
    assert {b"CREATE", b"ALTER", b"DROP", b"LIST", b"INFO", b"HELP"} == SUBROWS[b"KEYSPACE"].keys()
    assert {b"LIST", b"HELP"} == SUBROWS[b"TXN"].keys()
    assert {b"COUNT", b"INFO", b"DOCS", b"LIST", b"GETKEYS"} <= SUBROWS[b"COMMAND"].keys()


def test_watch_names_keys():
    row = ROWS[b"WATCH"]
    assert (row.first_key, row.last_key, row.key_step) == (1, -1, 1)


def test_what_changes_the_cluster_is_for_administrators():
    for container in (b"CLUSTER", b"KEYSPACE", b"TXN"):
        for name, row in SUBROWS[container].items():
            asks = name in (
                b"INFO", b"NODES", b"SLOTS", b"SHARDS", b"LINKS", b"MYID", b"KEYSLOT", b"COUNTKEYSINSLOT",
                b"GETKEYSINSLOT", b"LIST", b"HELP",
            )  # fmt: skip
            assert bool(row.flags & Flag.ADMIN) is not asks, row.name
            words = categories(row)
            assert ("dangerous" in words) is ("admin" in words) is not asks, row.name
