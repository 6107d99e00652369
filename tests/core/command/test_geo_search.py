import tracemalloc

import pytest

from tests.core.command.dialogue import Replica, check, touches
from trivet.core.command.events import GENERIC, SORTED_SET
from trivet.core.command.geo_search import radius_by_member_positions, radius_positions


def test_searching():
    check("""
        > GEOADD Sicily 13.361389 38.115556 Palermo 15.087269 37.502669 Catania 12.7 38 edge
        3
        > GEOSEARCH Sicily FROMLONLAT 15 37 BYRADIUS 200 km ASC
        ["Catania" "Palermo"]
        > GEOSEARCH Sicily FROMLONLAT 15 37 BYRADIUS 200 km DESC WITHDIST
        [["Palermo" "190.4424"] ["Catania" "56.4413"]]
        > GEOSEARCH Sicily FROMMEMBER Palermo BYBOX 400 400 km ASC WITHCOORD WITHDIST WITHHASH
        [["Palermo" "0.0000" 3479099956230698 [13.36138933897018433 38.11555639549629859]] ["edge" "59.3322" 3479062335710927 [12.69999951124191284 38.0000009925631943]] ["Catania" "166.2742" 3479447370796909 [15.08726745843887329 37.50266842333162032]]]
        > GEOSEARCH Sicily FROMLONLAT 15 37 BYRADIUS 1000 km COUNT 1
        ["Catania"]
        > GEOSEARCH Sicily FROMLONLAT 15 37 BYRADIUS 1000 km COUNT 2 ANY
        ["edge" "Palermo"]
        > GEOSEARCH Sicily FROMLONLAT 15 37 BYRADIUS 0 m
        []
        > GEOSEARCH Sicily FROMLONLAT 15 37 BYRADIUS inf km COUNT 1
        ["Catania"]
        > GEOSEARCH missing FROMMEMBER x BYRADIUS 1 km
        []
    """)


def test_storing():
    check("""
        > GEOADD Sicily 13.361389 38.115556 Palermo 15.087269 37.502669 Catania
        2
        > GEOSEARCHSTORE to Sicily FROMLONLAT 15 37 BYBOX 400 400 km COUNT 1
        1
        > GEOPOS to Catania
        [[15.08726745843887329 37.50266842333162032]]
        > GEOSEARCHSTORE to Sicily FROMLONLAT 15 37 BYRADIUS 200 km STOREDIST
        2
        > ZRANGE to 0 -1 WITHSCORES
        [("Catania" 56.4412578701582) ("Palermo" 190.44242984775784)]
        > GEOSEARCHSTORE to Sicily FROMLONLAT 0 0 BYRADIUS 1 m
        0
        > EXISTS to
        0
        > GEOSEARCHSTORE Sicily missing FROMMEMBER x BYRADIUS 1 m
        0
        > EXISTS Sicily
        0
    """)


def test_the_older_forms():
    check("""
        > GEOADD Sicily 13.361389 38.115556 Palermo 15.087269 37.502669 Catania
        2
        > GEORADIUS Sicily 15 37 200 km WITHDIST
        [["Palermo" "190.4424"] ["Catania" "56.4413"]]
        > GEORADIUS_RO Sicily 15 37 200 km COUNT 1
        ["Catania"]
        > GEORADIUSBYMEMBER Sicily Palermo 200 km
        ["Palermo" "Catania"]
        > GEORADIUSBYMEMBER_RO Sicily Palermo 100 km WITHDIST
        [["Palermo" "0.0000"]]
        > GEORADIUS Sicily 15 37 200 km STORE one STORE other
        2
        > EXISTS one other
        1
        > GEORADIUSBYMEMBER Sicily Palermo 200 km STOREDIST one
        2
        > ZSCORE one Palermo
        0.0
        > GEORADIUSBYMEMBER missing Palermo x yards STORE one
        0
        > GEORADIUS_RO Sicily 15 37 200 km STORE one
        -ERR syntax error
        > GEORADIUS Sicily 15 37 200 km STORE one WITHDIST
        -ERR STORE option in GEORADIUS is not compatible with WITHDIST, WITHHASH and WITHCOORD options
    """)


def test_what_is_refused():
    check("""
        > GEOADD a 1 1 m
        1
        > GEOSEARCH a FROMMEMBER x BYRADIUS 1 km
        -ERR could not decode requested zset member
        > GEOSEARCH a FROMLONLAT 181 0 BYRADIUS 1 km
        -ERR invalid longitude,latitude pair 181.000000,0.000000
        > GEOSEARCH a FROMLONLAT 1 0 BYRADIUS x km
        -ERR need numeric radius
        > GEOSEARCH a FROMLONLAT 1 0 BYRADIUS -1 km
        -ERR radius cannot be negative
        > GEOSEARCH a FROMLONLAT 1 0 BYRADIUS 1 yard
        -ERR unsupported unit provided. please use M, KM, FT, MI
        > GEOSEARCH a FROMLONLAT 1 0 BYBOX x 1 km
        -ERR need numeric width
        > GEOSEARCH a FROMLONLAT 1 0 BYBOX 1 x km
        -ERR need numeric height
        > GEOSEARCH a FROMLONLAT 1 0 BYBOX 1 -1 km
        -ERR height or width cannot be negative
        > GEOSEARCH a FROMLONLAT 1 0 BYRADIUS 1 km BYBOX 1 1 km
        -ERR syntax error
        > GEOSEARCH a FROMLONLAT 1 0 FROMMEMBER m BYRADIUS 1 km
        -ERR syntax error
        > GEOSEARCH a BYRADIUS 1 km ASC WITHDIST
        -ERR exactly one of FROMMEMBER or FROMLONLAT can be specified for GEOSEARCH
        > GEOSEARCH a FROMLONLAT 1 0 ASC WITHDIST
        -ERR exactly one of BYRADIUS and BYBOX can be specified for GEOSEARCH
        > GEOSEARCH a FROMMEMBER m BYRADIUS 1 km COUNT 0
        -ERR COUNT must be > 0
        > GEOSEARCH a FROMMEMBER m BYRADIUS 1 km COUNT x
        -ERR value is not an integer or out of range
        > GEOSEARCH a FROMMEMBER m BYRADIUS 1 km COUNT
        -ERR syntax error
        > GEOSEARCH a FROMMEMBER m BYRADIUS 1 km ANY
        -ERR the ANY argument requires COUNT argument
        > GEOSEARCH a FROMMEMBER m BYRADIUS 1 km STOREDIST
        -ERR syntax error
        > GEOSEARCHSTORE b a FROMMEMBER m BYRADIUS 1 km WITHDIST
        -ERR GEOSEARCHSTORE is not compatible with WITHDIST, WITHHASH and WITHCOORD options
        > EXISTS b
        0
        > RPUSH list x
        1
        > GEOSEARCH list FROMMEMBER m BYRADIUS x km
        -WRONGTYPE Operation against a key holding the wrong kind of value
    """)


def test_where_the_keys_are():
    assert radius_positions(b"GEORADIUS a 1 2 3 km".split()) == [1]
    assert radius_positions(b"GEORADIUS a 1 2 3 km COUNT 1 STORE b".split()) == [1, 9]
    assert radius_positions(b"GEORADIUS a 1 2 3 km STOREDIST b STORE c".split()) == [1, 9, 7]
    assert radius_positions(b"GEORADIUS a 1 2 3 km STORE b STORE c".split()) == [1, 7, 9]
    assert radius_by_member_positions(b"GEORADIUSBYMEMBER a m 3 km STORE b".split()) == [1, 6]
    assert radius_by_member_positions(b"GEORADIUSBYMEMBER a m 3 km STORE".split()) == [1]


def test_only_the_destination_changes():
    assert touches("GEOADD a 1 1 m", "GEOSEARCH a FROMMEMBER m BYRADIUS 1 km") == []
    assert touches("GEOADD a 1 1 m", "GEORADIUS a 1 1 1 km") == []
    assert touches("GEOADD a 1 1 m", "GEOSEARCHSTORE b a FROMMEMBER m BYRADIUS 1 km") == [b"b"]


def test_a_search_for_any_does_not_look_at_all():
    replica = Replica()
    for number in range(3000):
        replica.run(f"GEOADD a {number % 60} {number // 60} m{number}")
    tracemalloc.start()
    found = replica.run("GEOSEARCH a FROMLONLAT 30 25 BYRADIUS 20000 km COUNT 1 ANY")
    assert tracemalloc.get_traced_memory()[1] < 100_000
    tracemalloc.stop()
    assert isinstance(found, list)
    assert len(found) == 1


@pytest.mark.parametrize("count", ["9223372036854775807", "9223372036854775808", "-9223372036854775808"])
def test_an_absurd_count_costs_nothing(count):
    replica = Replica()
    replica.run("GEOADD a 1 1 m")
    tracemalloc.start()
    replica.run(f"GEOSEARCH a FROMMEMBER m BYRADIUS 1 km COUNT {count}")
    assert tracemalloc.get_traced_memory()[1] < 100_000
    tracemalloc.stop()


def test_events():
    replica = Replica()
    replica.run("GEOADD a 1 1 m")
    replica.context.notifies = SORTED_SET | GENERIC
    replica.run("GEOSEARCHSTORE b a FROMMEMBER m BYRADIUS 1 km")
    replica.run("GEORADIUSBYMEMBER a m 1 km STORE b")
    replica.run("GEOSEARCHSTORE b missing FROMMEMBER m BYRADIUS 1 km")
    told = [(event, key) for _, _, event, key in replica.context.events]
    assert told == [(b"geosearchstore", b"b"), (b"georadiusstore", b"b"), (b"del", b"b")]
