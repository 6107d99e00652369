from tests.core.command.dialogue import Replica, check


def test_a_stream():
    check("""
        > XGROUP CREATE s g 0 MKSTREAM
        +OK
        > XINFO STREAM s
        {"length": 0, "radix-tree-keys": 0, "radix-tree-nodes": 1, "last-generated-id": "0-0", "max-deleted-entry-id": "0-0", "entries-added": 0, "recorded-first-entry-id": "0-0", "groups": 1, "first-entry": nil, "last-entry": nil}
        > XADD s 1-1 f 1
        "1-1"
        > XADD s 2-2 f 2
        "2-2"
        > XDEL s 1-1
        1
        > XINFO STREAM s
        {"length": 1, "radix-tree-keys": 1, "radix-tree-nodes": 2, "last-generated-id": "2-2", "max-deleted-entry-id": "1-1", "entries-added": 2, "recorded-first-entry-id": "2-2", "groups": 1, "first-entry": ["2-2" ["f" "2"]], "last-entry": ["2-2" ["f" "2"]]}
    """)


def test_a_stream_in_full():
    check("""
        > XADD s 1-1 f 1
        "1-1"
        > XADD s 2-2 f 2
        "2-2"
        > XGROUP CREATE s g 0
        +OK
        > XGROUP CREATECONSUMER s g b
        1
        > XREADGROUP GROUP g a STREAMS s >
        {("s" [["1-1" ["f" "1"]] ["2-2" ["f" "2"]]])}
        > XINFO STREAM s FULL
        {"length": 2, "radix-tree-keys": 1, "radix-tree-nodes": 2, "last-generated-id": "2-2", "max-deleted-entry-id": "0-0", "entries-added": 2, "recorded-first-entry-id": "1-1", "entries": [["1-1" ["f" "1"]] ["2-2" ["f" "2"]]], "groups": [{"name": "g", "last-delivered-id": "2-2", "entries-read": 2, "lag": 0, "pel-count": 2, "pending": [["1-1" "a" 1000000 1] ["2-2" "a" 1000000 1]], "consumers": [{"name": "a", "seen-time": 1000000, "pel-count": 2, "pending": [["1-1" 1000000 1] ["2-2" 1000000 1]]} {"name": "b", "seen-time": 1000000, "pel-count": 0, "pending": []}]}]}
        > XINFO STREAM s full COUNT 1
        {"length": 2, "radix-tree-keys": 1, "radix-tree-nodes": 2, "last-generated-id": "2-2", "max-deleted-entry-id": "0-0", "entries-added": 2, "recorded-first-entry-id": "1-1", "entries": [["1-1" ["f" "1"]]], "groups": [{"name": "g", "last-delivered-id": "2-2", "entries-read": 2, "lag": 0, "pel-count": 2, "pending": [["1-1" "a" 1000000 1]], "consumers": [{"name": "a", "seen-time": 1000000, "pel-count": 2, "pending": [["1-1" 1000000 1]]} {"name": "b", "seen-time": 1000000, "pel-count": 0, "pending": []}]}]}
        > XINFO STREAM s FULL COUNT -1
        {"length": 2, "radix-tree-keys": 1, "radix-tree-nodes": 2, "last-generated-id": "2-2", "max-deleted-entry-id": "0-0", "entries-added": 2, "recorded-first-entry-id": "1-1", "entries": [["1-1" ["f" "1"]] ["2-2" ["f" "2"]]], "groups": [{"name": "g", "last-delivered-id": "2-2", "entries-read": 2, "lag": 0, "pel-count": 2, "pending": [["1-1" "a" 1000000 1] ["2-2" "a" 1000000 1]], "consumers": [{"name": "a", "seen-time": 1000000, "pel-count": 2, "pending": [["1-1" 1000000 1] ["2-2" 1000000 1]]} {"name": "b", "seen-time": 1000000, "pel-count": 0, "pending": []}]}]}
        > XINFO STREAM s FULL COUNT 0
        {"length": 2, "radix-tree-keys": 1, "radix-tree-nodes": 2, "last-generated-id": "2-2", "max-deleted-entry-id": "0-0", "entries-added": 2, "recorded-first-entry-id": "1-1", "entries": [["1-1" ["f" "1"]] ["2-2" ["f" "2"]]], "groups": [{"name": "g", "last-delivered-id": "2-2", "entries-read": 2, "lag": 0, "pel-count": 2, "pending": [["1-1" "a" 1000000 1] ["2-2" "a" 1000000 1]], "consumers": [{"name": "a", "seen-time": 1000000, "pel-count": 2, "pending": [["1-1" 1000000 1] ["2-2" 1000000 1]]} {"name": "b", "seen-time": 1000000, "pel-count": 0, "pending": []}]}]}
    """)


def test_groups_and_consumers_come_in_the_order_of_their_names():
    check("""
        > XADD s 1-1 f 1
        "1-1"
        > XADD s 2-2 f 2
        "2-2"
        > XGROUP CREATE s h 0
        +OK
        > XGROUP CREATE s g $ ENTRIESREAD 2
        +OK
        > XREADGROUP GROUP h b COUNT 1 STREAMS s >
        {("s" [["1-1" ["f" "1"]]])}
        > XREADGROUP GROUP h a COUNT 1 STREAMS s >
        {("s" [["2-2" ["f" "2"]]])}
        > XINFO GROUPS s
        [{"name": "g", "consumers": 0, "pending": 0, "last-delivered-id": "2-2", "entries-read": 2, "lag": 0} {"name": "h", "consumers": 2, "pending": 2, "last-delivered-id": "2-2", "entries-read": 2, "lag": 0}]
        > XINFO CONSUMERS s h
        [{"name": "a", "pending": 1, "idle": 0} {"name": "b", "pending": 1, "idle": 0}]
        > XDEL s 2-2
        1
        > XGROUP SETID s h 1-1
        +OK
        > XINFO GROUPS s
        [{"name": "g", "consumers": 0, "pending": 0, "last-delivered-id": "2-2", "entries-read": 2, "lag": 0} {"name": "h", "consumers": 2, "pending": 2, "last-delivered-id": "1-1", "entries-read": nil, "lag": nil}]
    """)


def test_errors():
    check("""
        > XINFO
        -ERR wrong number of arguments for 'xinfo' command
        > XINFO FOO s
        -ERR unknown subcommand 'FOO'. Try XINFO HELP.
        > XINFO STREAM none FOO
        -ERR no such key
        > XGROUP CREATE s g 0 MKSTREAM
        +OK
        > XINFO STREAM s FOO
        -ERR unknown subcommand or wrong number of arguments for 'STREAM'. Try XINFO HELP.
        > XINFO STREAM s FULL COUNT
        -ERR unknown subcommand or wrong number of arguments for 'STREAM'. Try XINFO HELP.
        > XINFO STREAM s FULL FOO 1
        -ERR unknown subcommand or wrong number of arguments for 'STREAM'. Try XINFO HELP.
        > XINFO STREAM s FULL COUNT x
        -ERR value is not an integer or out of range
        > XINFO STREAM s FULL COUNT 1 2
        -ERR unknown subcommand or wrong number of arguments for 'STREAM'. Try XINFO HELP.
        > XINFO GROUPS none
        -ERR no such key
        > XINFO CONSUMERS none g
        -ERR no such key
        > XINFO CONSUMERS s h
        -NOGROUP No such consumer group 'h' for key name 's'
        > SET t v
        +OK
        > XINFO STREAM t
        -WRONGTYPE Operation against a key holding the wrong kind of value
        > XINFO GROUPS t
        -WRONGTYPE Operation against a key holding the wrong kind of value
        > XINFO CONSUMERS t g
        -WRONGTYPE Operation against a key holding the wrong kind of value
    """)
    assert "CONSUMERS" in str(Replica().run("XINFO HELP"))


def test_wrapped_counts():
    check("""
        > XGROUP CREATE s g 0 MKSTREAM ENTRIESREAD 9223372036854775807
        +OK
        > XSETID s 1-1 ENTRIESADDED 9223372036854775807
        +OK
        > XADD s 2-2 f 1
        "2-2"
        > XINFO STREAM s
        {"length": 1, "radix-tree-keys": 1, "radix-tree-nodes": 2, "last-generated-id": "2-2", "max-deleted-entry-id": "0-0", "entries-added": -9223372036854775808, "recorded-first-entry-id": "2-2", "groups": 1, "first-entry": ["2-2" ["f" "1"]], "last-entry": ["2-2" ["f" "1"]]}
        > XINFO GROUPS s
        [{"name": "g", "consumers": 0, "pending": 0, "last-delivered-id": "0-0", "entries-read": 9223372036854775807, "lag": 1}]
    """)
