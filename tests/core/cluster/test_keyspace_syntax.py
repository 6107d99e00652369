"""``KEYSPACE``, word by word."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trivet.core.cluster.keyspace_syntax import HELP, KeyspaceCall, parse
from trivet.core.wire.reply import Error


def said(text):
    return parse(text.encode().split())


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("KEYSPACE CREATE 5", KeyspaceCall(action=b"CREATE", number=5)),
        (
            "keyspace create 9999 mode RAFT name carts replicas 5 shards 8",
            KeyspaceCall(action=b"CREATE", number=9999, mode="raft", name="carts", replicas=5, shards=8),
        ),
        ("KEYSPACE CREATE 5 SHARDS auto TOGETHER ON 3 1",
         KeyspaceCall(action=b"CREATE", number=5, shards=0, together=True, on=[3, 1])),
        ("KEYSPACE CREATE 5 MODE local REPLICAS 1", KeyspaceCall(action=b"CREATE", number=5, mode="local", replicas=1)),
        ("keyspace create 5 mode eventual write quorum 2 replicas 3",
         KeyspaceCall(action=b"CREATE", number=5, mode="eventual", replicas=3, write_quorum=2)),
        ("KEYSPACE ALTER 5 READ QUORUM 2 write quorum 3",
         KeyspaceCall(action=b"ALTER", number=5, write_quorum=3, read_quorum=2)),
        ("KEYSPACE ALTER 5 WRITE QUORUM 1", KeyspaceCall(action=b"ALTER", number=5, write_quorum=1)),
        ("KEYSPACE ALTER carts APART", KeyspaceCall(action=b"ALTER", called="carts", together=False)),
        ("KEYSPACE ALTER 0 REPLICAS 3", KeyspaceCall(action=b"ALTER", number=0, replicas=3)),
        ("KEYSPACE DROP carts", KeyspaceCall(action=b"DROP", called="carts")),
        ("KEYSPACE DROP 5 force", KeyspaceCall(action=b"DROP", number=5, force=True)),
        ("KEYSPACE INFO 5", KeyspaceCall(action=b"INFO", number=5)),
        ("KEYSPACE LIST", KeyspaceCall(action=b"LIST")),
        ("KEYSPACE HELP", KeyspaceCall(action=b"HELP")),
    ],
)  # fmt: skip
def test_what_is_understood(text, wanted):
    assert said(text) == wanted


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("KEYSPACE", "ERR wrong number of arguments for 'keyspace' command"),
        ("KEYSPACE NOSUCH", "ERR unknown subcommand 'NOSUCH'. Try KEYSPACE HELP."),
        ("KEYSPACE CREATE", "ERR wrong number of arguments for 'keyspace|create' command"),
        ("KEYSPACE DROP 5 6", "ERR syntax error"),
        ("KEYSPACE DROP 5 FORCE 6", "ERR wrong number of arguments for 'keyspace|drop' command"),
        ("KEYSPACE LIST 5", "ERR wrong number of arguments for 'keyspace|list' command"),
        ("KEYSPACE CREATE carts", "ERR value is not an integer or out of range"),
        ("KEYSPACE CREATE 10000", "ERR DB index is out of range: 0 to 9999"),
        ("KEYSPACE CREATE -1", "ERR DB index is out of range: 0 to 9999"),
        ("KEYSPACE DROP a/b", "ERR invalid keyspace name: letters, digits and _.- only"),
        ("KEYSPACE CREATE 5 NOSUCH 1", "ERR syntax error"),
        ("KEYSPACE CREATE 5 REPLICAS", "ERR syntax error"),
        ("KEYSPACE CREATE 5 REPLICAS 1 REPLICAS 1", "ERR syntax error"),
        ("KEYSPACE CREATE 5 ON", "ERR syntax error"),
        ("KEYSPACE CREATE 5 ON x", "ERR value is not an integer or out of range"),
        ("KEYSPACE CREATE 5 APART", "ERR syntax error"),
        ("KEYSPACE ALTER 5 TOGETHER APART", "ERR syntax error"),
        ("KEYSPACE ALTER 5 ON 1", "ERR syntax error"),
        ("KEYSPACE ALTER 5 MODE raft", "ERR the mode of a keyspace cannot be changed: create another one"),
        ("KEYSPACE CREATE 5 NAME 7", "ERR invalid keyspace name: a number is the name of a database"),
        ("KEYSPACE CREATE 5 REPLICAS 0", "ERR invalid number of replicas: 1 to 7, of mode eventual 1 to 9"),
        ("KEYSPACE CREATE 5 REPLICAS 8", "ERR invalid number of replicas: 1 to 7, of mode eventual 1 to 9"),
        ("KEYSPACE CREATE 5 SHARDS 1025", "ERR invalid number of shards: 1 to 1024, or AUTO"),
        ("KEYSPACE CREATE 5 MODE paxs", "ERR unknown mode 'paxs': raft, local, paxos, eventual or primary"),
        (
            "KEYSPACE CREATE 5 MODE eventual REPLICAS 10",
            "ERR invalid number of replicas: 1 to 7, of mode eventual 1 to 9",
        ),
        ("KEYSPACE ALTER 5 WRITE", "ERR syntax error"),
        ("KEYSPACE ALTER 5 WRITE QUORUM", "ERR syntax error"),
        ("KEYSPACE ALTER 5 WRITE 2", "ERR syntax error"),
        ("KEYSPACE ALTER 5 READ QUORUMS 2", "ERR syntax error"),
        ("KEYSPACE ALTER 5 READ QUORUM 2 READ QUORUM 2", "ERR syntax error"),
        ("KEYSPACE ALTER 5 WRITE QUORUM 2 WRITE QUORUM 2", "ERR syntax error"),
        ("KEYSPACE ALTER 5 WRITE QUORUM 0", "ERR invalid quorum: 1 to 9, and no more than REPLICAS"),
        ("KEYSPACE ALTER 5 WRITE QUORUM 10", "ERR invalid quorum: 1 to 9, and no more than REPLICAS"),
        ("KEYSPACE CREATE 5 MODE magic", "ERR unknown mode 'magic': raft, local, paxos, eventual or primary"),
        ("KEYSPACE CREATE 5 MODE local REPLICAS 2", "ERR a local keyspace has one replica"),
        ("KEYSPACE CREATE 5 TOGETHER SHARDS 2", "ERR a keyspace that stays together has one shard"),
    ],
)
def test_what_is_not(text, error):
    assert said(text) == Error(error)


def test_a_very_long_one_is_refused():
    assert parse([b"KEYSPACE", b"CREATE", b"5", *[b"x"] * 2000]) == Error("ERR syntax error")


def test_help_names_every_subcommand():
    text = b"\n".join(HELP)
    assert all(word in text for word in (b"CREATE", b"ALTER", b"DROP", b"LIST", b"INFO"))


_WORDS = st.sampled_from(
    b"CREATE ALTER DROP 5 x NAME MODE raft local REPLICAS 3 SHARDS AUTO TOGETHER APART ON 1".split()
)


@given(st.lists(_WORDS | st.binary(max_size=5), max_size=10))
def test_anything_is_a_call_or_an_error(words):
    found = parse([b"KEYSPACE", *words])
    assert isinstance(found, KeyspaceCall | Error)
    if isinstance(found, Error):
        found.text.encode()
