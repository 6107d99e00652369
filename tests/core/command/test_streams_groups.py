from tests.core.command.dialogue import Replica, check, touches
from trivet.core.command.events import STREAM
from trivet.core.command.streams_groups import syntax_of
from trivet.core.wire.reply import Error


def test_making_groups():
    check("""
        > XGROUP CREATE s g $
        -ERR The XGROUP subcommand requires the key to exist. Note that for CREATE you may want to use the MKSTREAM option to create an empty stream automatically.
        > XGROUP CREATE s g $ MKSTREAM
        +OK
        > XGROUP CREATE s g $
        -BUSYGROUP Consumer Group name already exists
        > XLEN s
        0
        > XADD s 1-1 f 1
        "1-1"
        > XGROUP CREATE s h $ ENTRIESREAD 1
        +OK
        > XGROUP CREATE s i 0 ENTRIESREAD -1
        +OK
        > XGROUP CREATE s j 0 ENTRIESREAD -2
        -ERR value for ENTRIESREAD must be positive or -1
        > XGROUP CREATE s j 0 ENTRIESREAD x
        -ERR value is not an integer or out of range
        > XGROUP CREATE s j 0 ENTRIESREAD
        -ERR unknown subcommand or wrong number of arguments for 'CREATE'. Try XGROUP HELP.
        > XGROUP CREATE s j 0 FOO
        -ERR unknown subcommand or wrong number of arguments for 'CREATE'. Try XGROUP HELP.
        > XGROUP CREATE s j x
        -ERR Invalid stream ID specified as stream command argument
        > XGROUP CREATE s j -
        -ERR Invalid stream ID specified as stream command argument
        > XGROUP CREATE s j 0 MKSTREAM MKSTREAM MKSTREAM MKSTREAM
        -ERR unknown subcommand or wrong number of arguments for 'CREATE'. Try XGROUP HELP.
        > XGROUP CREATE none j 0 ENTRIESREAD 1
        -ERR The XGROUP subcommand requires the key to exist. Note that for CREATE you may want to use the MKSTREAM option to create an empty stream automatically.
        > XINFO GROUPS s
        [{"name": "g", "consumers": 0, "pending": 0, "last-delivered-id": "0-0", "entries-read": nil, "lag": 1} {"name": "h", "consumers": 0, "pending": 0, "last-delivered-id": "1-1", "entries-read": 1, "lag": 0} {"name": "i", "consumers": 0, "pending": 0, "last-delivered-id": "0-0", "entries-read": nil, "lag": 1}]
    """)


def test_moving_groups():
    check("""
        > XADD s 1-1 f 1
        "1-1"
        > XADD s 2-2 f 2
        "2-2"
        > XGROUP CREATE s g $
        +OK
        > XGROUP SETID s g 1-1 ENTRIESREAD 1
        +OK
        > XINFO GROUPS s
        [{"name": "g", "consumers": 0, "pending": 0, "last-delivered-id": "1-1", "entries-read": 1, "lag": 1}]
        > XREADGROUP GROUP g c STREAMS s >
        {("s" [["2-2" ["f" "2"]]])}
        > XGROUP SETID s g $
        +OK
        > XGROUP SETID s g -
        +OK
        > XGROUP SETID s g +
        +OK
        > XGROUP SETID s g x
        -ERR Invalid stream ID specified as stream command argument
        > XGROUP SETID s g 0 MKSTREAM
        -ERR unknown subcommand or wrong number of arguments for 'SETID'. Try XGROUP HELP.
        > XGROUP SETID s g 0 ENTRIESREAD 1 ENTRIESREAD 2
        -ERR unknown subcommand or wrong number of arguments for 'SETID'. Try XGROUP HELP.
        > XGROUP SETID s h 0
        -NOGROUP No such consumer group 'h' for key name 's'
        > XGROUP SETID none g 0
        -ERR The XGROUP subcommand requires the key to exist. Note that for CREATE you may want to use the MKSTREAM option to create an empty stream automatically.
    """)


def test_consumers():
    check("""
        > XADD s 1-1 f 1
        "1-1"
        > XGROUP CREATE s g 0
        +OK
        > XGROUP CREATECONSUMER s g b
        1
        > XGROUP CREATECONSUMER s g b
        0
        > XGROUP CREATECONSUMER s g a
        1
        > XREADGROUP GROUP g b STREAMS s >
        {("s" [["1-1" ["f" "1"]]])}
        > XINFO CONSUMERS s g
        [{"name": "a", "pending": 0, "idle": 0} {"name": "b", "pending": 1, "idle": 0}]
        > XGROUP DELCONSUMER s g a
        0
        > XGROUP DELCONSUMER s g a
        0
        > XGROUP DELCONSUMER s g b
        1
        > XPENDING s g
        [0 nil nil nil*]
        > XGROUP CREATECONSUMER s h b
        -NOGROUP No such consumer group 'h' for key name 's'
        > XGROUP DELCONSUMER s h b
        -NOGROUP No such consumer group 'h' for key name 's'
        > XGROUP CREATECONSUMER none g b
        -ERR The XGROUP subcommand requires the key to exist. Note that for CREATE you may want to use the MKSTREAM option to create an empty stream automatically.
    """)


def test_removing_groups():
    check("""
        > XGROUP DESTROY s g
        -ERR The XGROUP subcommand requires the key to exist. Note that for CREATE you may want to use the MKSTREAM option to create an empty stream automatically.
        > XGROUP CREATE s g 0 MKSTREAM
        +OK
        > XGROUP DESTROY s h
        0
        > XGROUP DESTROY s g
        1
        > XINFO GROUPS s
        []
    """)


def test_subcommands():
    check("""
        > XGROUP
        -ERR wrong number of arguments for 'xgroup' command
        > XGROUP FOO s g
        -ERR unknown subcommand 'FOO'. Try XGROUP HELP.
        > XGROUP CREATE s g
        -ERR wrong number of arguments for 'xgroup|create' command
        > XGROUP HELP x
        -ERR wrong number of arguments for 'xgroup|help' command
        > SET t v
        +OK
        > XGROUP CREATE t g 0 MKSTREAM
        -WRONGTYPE Operation against a key holding the wrong kind of value
        > XGROUP DESTROY t g
        -WRONGTYPE Operation against a key holding the wrong kind of value
    """)
    assert "CREATECONSUMER" in str(Replica().run("XGROUP HELP"))
    assert syntax_of("XINFO", b"a\xff") == Error(
        "ERR unknown subcommand or wrong number of arguments for 'a\ufffd'. Try XINFO HELP."
    )


def test_only_what_changes_is_announced():
    made = "XGROUP CREATE s g 0 MKSTREAM"
    assert touches(made) == [b"s"]
    assert touches(made, made) == []
    assert touches(made, "XGROUP DESTROY s h") == []
    assert touches(made, "XGROUP CREATECONSUMER s g c", "XGROUP CREATECONSUMER s g c") == []
    assert touches(made, "XGROUP DELCONSUMER s g c") == []


def test_events():
    replica = Replica()
    replica.context.notifies = STREAM
    for line in (
        "CREATE s g 0 MKSTREAM",
        "SETID s g 1",
        "CREATECONSUMER s g c",
        "DELCONSUMER s g c",
        "DESTROY s g",
    ):
        replica.run("XGROUP " + line)
    assert [event for _, _, event, _ in replica.context.events] == [
        b"xgroup-create", b"xgroup-setid", b"xgroup-createconsumer", b"xgroup-delconsumer", b"xgroup-destroy",
    ]  # fmt: skip
