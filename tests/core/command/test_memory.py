"""MEMORY, as far as a replica answers it."""

from tests.core.command.dialogue import Replica, check


def test_the_small_ones():
    check("""
        > MEMORY USAGE none
        nil
        > MEMORY PURGE
        +OK
        > MEMORY NOSUCH
        -ERR unknown subcommand 'NOSUCH'. Try MEMORY HELP.
        > MEMORY USAGE
        -ERR wrong number of arguments for 'memory|usage' command
        > MEMORY USAGE k SAMPLES
        -ERR syntax error
        > MEMORY USAGE k SAMPLES -1
        -ERR syntax error
        > MEMORY USAGE k SAMPLES x
        -ERR value is not an integer or out of range
        > MEMORY USAGE k b
        -ERR syntax error
    """)


def test_usage_grows_with_the_value_and_with_a_deadline():
    replica = Replica()
    replica.run("SET k 1")
    small = replica.run("MEMORY USAGE k")
    replica.run("SET k " + "x" * 1000)
    large = replica.run("MEMORY USAGE k")
    replica.run("PEXPIREAT k 2000000")
    assert large == small + 999
    assert replica.run("MEMORY USAGE k") > large


def test_samples_stand_for_the_others():
    replica = Replica()
    replica.run("RPUSH l a b c d e f g h i j k " + "x" * 1000 + " l m n o p q r s t u v w")
    few = replica.run("MEMORY USAGE l")
    assert replica.run("MEMORY USAGE l SAMPLES 0") > few + 900
    assert replica.run("MEMORY USAGE l SAMPLES 1000000000000") == replica.run("MEMORY USAGE l SAMPLES 0")


def test_stats_and_words():
    replica = Replica()
    replica.run("MSET a 1 b 2")
    told = replica.run("MEMORY STATS")
    assert (told[b"keys.count"], told[b"startup.allocated"]) == (2, 1 << 20)
    assert told[b"dataset.bytes"] == 2 * told[b"keys.bytes-per-key"]
    assert b"2 keys" in replica.run("MEMORY DOCTOR").text
    assert replica.run("MEMORY MALLOC-STATS").text
    text = str(replica.run("MEMORY HELP"))
    assert all(word in text for word in ("DOCTOR", "MALLOC-STATS", "PURGE", "STATS", "USAGE"))
