from tests.core.command.dialogue import check, touches


def test_adding_places_and_reading_them():
    check("""
        > GEOADD Sicily 13.361389 38.115556 Palermo 15.087269 37.502669 Catania
        2
        > ZSCORE Sicily Palermo
        3479099956230698.0
        > GEOPOS Sicily Palermo missing
        [[13.36138933897018433 38.11555639549629859] nil*]
        > GEOHASH Sicily Palermo missing Catania
        ["sqc8b49rny0" nil "sqdtr74hyu0"]
        > GEODIST Sicily Palermo Catania
        "166274.1516"
        > GEODIST Sicily Palermo Catania km
        "166.2742"
        > GEODIST Sicily Palermo Catania MI
        "103.3182"
        > GEODIST Sicily Palermo Catania ft
        "545518.8700"
        > GEODIST Sicily Palermo missing
        nil
        > GEODIST missing a b
        nil
        > GEOPOS missing a
        [nil*]
        > GEOHASH missing a
        [nil]
        > GEOPOS Sicily
        []
        > TYPE Sicily
        +zset
    """)


def test_options_of_adding():
    check("""
        > GEOADD a 1 1 m
        1
        > GEOADD a CH 2 2 m 3 3 n
        2
        > GEOADD a NX 5 5 m
        0
        > GEOADD a XX CH 5 5 m 6 6 o
        1
        > GEOADD a nx xx 5 5 m
        -ERR syntax error
        > GEOADD a 5 5 m 6
        -ERR syntax error
        > GEOADD a CH CH CH
        -ERR syntax error
        > ZRANGE a 0 -1
        ["n" "m"]
    """)


def test_places_that_are_none():
    check("""
        > GEOADD a 180.1 0 m
        -ERR invalid longitude,latitude pair 180.100000,0.000000
        > GEOADD a 0 85.06 m
        -ERR invalid longitude,latitude pair 0.000000,85.060000
        > GEOADD a inf 0 m
        -ERR invalid longitude,latitude pair inf,0.000000
        > GEOADD a x 0 m
        -ERR value is not a valid float
        > GEOADD a 1 1 m 1 x n
        -ERR value is not a valid float
        > GEOADD a 180 85.05112878 corner -180 -85.05112878 other
        2
        > GEOPOS a corner other
        [[180 85.0511287799999991] [-179.99999731779098511 -85.05112751263942528]]
        > RPUSH list x
        1
        > GEOADD list 1 1 m
        -WRONGTYPE Operation against a key holding the wrong kind of value
        > GEOPOS list m
        -WRONGTYPE Operation against a key holding the wrong kind of value
        > GEOHASH list m
        -WRONGTYPE Operation against a key holding the wrong kind of value
        > GEODIST list a b
        -WRONGTYPE Operation against a key holding the wrong kind of value
        > GEODIST a corner other yards
        -ERR unsupported unit provided. please use M, KM, FT, MI
        > GEODIST a corner other m m
        -ERR syntax error
    """)


def test_any_score_is_some_place():
    check("""
        > ZADD a -1 minus 0.5 half 1e300 great -inf least 18446744073709551615 top
        5
        > GEOPOS a minus half great least top
        [[180 85.0511287799999991] [-179.99999731779098511 -85.05112751263942528] [-179.99999731779098511 -85.05112751263942528] [180 -85.05112751263942528] [-179.99999731779098511 -85.05112751263942528]]
        > GEOHASH a minus half great least top
        ["bp05b5048p0" "00bh0hbj200" "00bh0hbj200" "00bh0hbj200" "00bh0hbj200"]
    """)


def test_what_changes_nothing_is_no_change():
    assert touches("GEOADD a 1 1 m", "GEOADD a 1 1 m") == []
    assert touches("GEOADD a 1 1 m", "GEOADD a 2 1 m") == [b"a"]
    assert touches("GEOADD a 1 1 m", "GEOPOS a m") == []
