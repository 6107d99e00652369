"""Conversations with replicas that have not heard of one another, and what becomes of it (``converse``)."""

TALKS = {
    "strings: the last writer wins, here the one with the higher number": """
AB GET k -> nil
A SET k one -> OK
B SET k two -> OK
meet
AB GET k -> two
""",
    "strings: who has seen the other is later, whatever the clocks say": """
AB GET k -> nil
ms 900
A SET k one -> OK
meet
A SET k two -> OK
meet
B SET k three -> OK
meet
AB GET k -> three
""",
    "counters add up": """
AB SET other 1
A INCR k -> 1
B INCRBY k 5 -> 5
A DECR k -> 0
meet
AB GET k -> 5
A INCRBYFLOAT k 0.5 -> 5.5
B DECRBY k 2 -> 3
meet
AB GET k -> 3.5
""",
    "a counter that is set: what was added meanwhile counts upon it": """
A INCRBY k 5
meet
AB GET other
A SET k 100 -> OK
B INCRBY k 3
meet
AB GET k -> 103
""",
    "DEL takes what it has seen": """
AB GET other
A INCRBY k 5 -> 5
meet
A DEL k -> 1
B INCRBY k 2 -> 7
meet
AB GET k -> 2
""",
    "a text that is no number hides additions": """
AB GET other
A SET k word
B INCR k
meet
AB GET k -> word
A INCR k -> ERR value is not an integer or out of range
A SET k 7
meet
AB INCR k -> 8
""",
    "sets: add wins": """
AB GET other
A SADD s x y -> 2
meet
A SREM s x -> 1
B SADD s x -> 0
meet
AB SMEMBERS s -> x y
A SREM s x -> 1
meet
AB SMEMBERS s -> y
""",
    "sets: what both have popped is gone once": """
AB GET other
A SADD s x
meet
AB SPOP s -> x
meet
AB EXISTS s -> 0
""",
    "hashes: fields for themselves, and counters in them": """
AB GET other
A HSET h f 1 g 1
meet
A HSET h f 2
B HINCRBY h g 4 -> 5
A HINCRBY h g 2 -> 3
B HDEL h f -> 1
meet
AB HGETALL h -> f 2 g 7
""",
    "sorted sets: ZADD sets, ZINCRBY adds": """
AB GET other
A ZADD z 10 m
meet
A ZINCRBY z 1 m
B ZINCRBY z 2 m
meet
AB ZSCORE z m -> 13.0
A ZADD z 100 m
B ZINCRBY z 5 m
meet
AB ZSCORE z m -> 105.0
A ZREM z m
B ZADD z INCR 1 m
meet
AB ZSCORE z m -> 1.0
""",
    "lists: pushes of both sides are all there": """
AB GET other
A RPUSH l a1 a2 -> 2
B RPUSH l b1 -> 1
B LPUSH l b0 -> 2
meet
AB LLEN l -> 4
""",
    "lists: two that pop at a time may be given the same": """
AB GET other
A RPUSH l x y z
meet
AB LPOP l -> x
meet
AB LRANGE l 0 -1 -> y z
A LINSERT l BEFORE z q
B LSET l -1 Z
meet
AB LRANGE l 0 -1 -> y q Z
""",
    "lists: of equal items those go that the command means": """
AB GET other
A RPUSH l x y x y
meet
A LTRIM l 2 -1
B LPOP l -> x
meet
AB LRANGE l 0 -1 -> x y
A RPUSH l x
meet
A LREM l -1 x -> 1
B LPOP l -> x
meet
AB LRANGE l 0 -1 -> y
""",
    "deadlines: the last one counts, and none is one": """
AB GET other
A SET k v
meet
A EXPIRE k 100
B EXPIRE k 200
meet
AB TTL k -> 200
A EXPIRE k 50
B PERSIST k -> 1
meet
AB TTL k -> -1
B SET k w
A EXPIRE k 100
meet
AB GET k -> w
""",
    "deadlines: who swept what another has written anew takes only what it saw": """
AB GET other
A SET k v PX 10
meet
ms 11
A GET k -> nil
B SET k w
sweep A
meet
AB GET k -> w
AB TTL k -> -1
""",
    "deadlines: EXPIRE of a key that another deletes brings nothing back": """
AB GET other
A SET k v
meet
A DEL k
B EXPIRE k 100
meet
AB EXISTS k -> 0
A SET k w
meet
AB TTL k -> -1
""",
    "streams: entries of both sides, under ids that are never the same": """
AB GET other
A XADD s * f a -> 1700000000000-1
B XADD s * f b -> 1700000000000-2
A XADD s * f c -> 1700000000000-1048577
meet
AB XLEN s -> 3
AB XRANGE s - + -> 1700000000000-1 f a 1700000000000-2 f b 1700000000000-1048577 f c
A XADD s MAXLEN 2 * f d
B XDEL s 1700000000000-2 -> 1
meet
AB XLEN s -> 2
""",
    "bits: all that were set": """
AB GET other
A SETBIT b 0 1
B SETBIT b 7 1
meet
AB BITCOUNT b -> 2
AB GETBIT b 7 -> 1
""",
    "HyperLogLogs: all that was counted": """
AB GET other
A PFADD p a b c
B PFADD p c d
meet
AB PFCOUNT p -> 4
""",
    "kinds that have met: the last one is seen, and who writes settles it": """
AB GET other
A SADD k x y
B HSET k f 1
meet
AB TYPE k -> hash
A HDEL k f -> 1
meet
AB EXISTS k -> 0
""",
    "kinds that have met: what was hidden does not come up later": """
AB GET other
A SADD k old
A SADD k older
ms 5
B HSET k f 1 g 2
ms 5
A SADD k new
meet
AB TYPE k -> set
A SREM k new -> 1
meet
AB TYPE k -> set
AB SMEMBERS k -> old older
""",
    "a plain write is taken back by who saw it, and only then": """
ABC GET other
A SET k 1
meet A B
B DEL k -> 1
C SET k 2
meet
ABC GET k -> 2
""",
    "another type in its place keeps the deadline that was to be kept": """
AB GET other
A RPUSH k x
A EXPIRE k 100
A SET k v KEEPTTL
meet
AB TTL k -> 100
""",
    "what is past its deadline is as good as gone": """
AB GET other
A RPUSH k x y
A PEXPIRE k 5
ms 6
A RPUSH k z -> 1
meet
AB LRANGE k 0 -1 -> z
""",
}
