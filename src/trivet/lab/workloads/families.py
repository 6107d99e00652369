"""Commands of every family, with whatever arguments: what they do must be the same on every replica.

No reply is judged here: the models of the other workloads do that for a few commands, and comparison with
redis-server for all. This workload is for the judges of replicas: a command that looks at a clock, at chance,
at the order of a set or at what happens to be in memory makes replicas differ, above all after a restore.
So commands come alone, in transactions and out of scripts, and time, expiry and random choices are in.
"""

from collections.abc import Sequence
from typing import Final

from trivet.core.base.prng import Prng
from trivet.lab.history import Operation
from trivet.lab.judges.complaint import Complaint
from trivet.lab.workloads.workload import Base, Context
from trivet.lab.world.client import Call, transaction
from trivet.lab.world.options import RunOptions

STRINGS: Final = """
SET $s V|SET $s V PX M|SET $s V KEEPTTL|SET $s V GET|APPEND $s V|SETRANGE $s I V|GETRANGE $s I I|INCRBY $n I
INCRBYFLOAT $n F|GETDEL $s|GETEX $s PX M|GETEX $s PERSIST|MSET $s V $s V|MSETNX $s V $s V|LCS $s $s
STRLEN $s
SETBIT $b I 1|SETBIT $b I 0|BITCOUNT $b|BITPOS $b 1|BITOP AND $b $b $b|BITOP XOR $b $s $b|BITOP NOT $b $b
BITFIELD $b INCRBY u8 I I OVERFLOW SAT INCRBY i5 I I|BITFIELD $b SET u16 #1 I GET u4 I
PFADD $p V V V|PFADD $p V|PFCOUNT $p $p|PFMERGE $p $p $p
"""
COLLECTIONS: Final = """
RPUSH $l V V V|LPUSH $l V|LPOP $l|RPOP $l I|LMOVE $l $l LEFT RIGHT|LREM $l 0 V|LTRIM $l I I|LSET $l I V
LINSERT $l BEFORE V V
LMPOP 2 $l $l LEFT COUNT 2|LPOS $l V|LRANGE $l 0 -1|BLPOP $l 0.01|BLMOVE $l $l LEFT LEFT 0.01
BRPOP $l $l 0.01
SADD $t V V V|SREM $t V|SPOP $t|SPOP $t I|SRANDMEMBER $t I|SMOVE $t $t V|SINTERSTORE $t $t $t
SUNIONSTORE $t $t $t|SMEMBERS $t
SDIFFSTORE $t $t $t|SINTERCARD 2 $t $t|SSCAN $t 0
HSET $h f1 V f2 V|HSET $h V V|HDEL $h f1|HINCRBY $h n I|HINCRBYFLOAT $h n F|HRANDFIELD $h I WITHVALUES
HSETNX $h V V|HGETALL $h
HPEXPIRE $h M FIELDS 1 f1|HPEXPIRE $h M FIELDS 2 f1 f2|HPERSIST $h FIELDS 1 f1|HPTTL $h FIELDS 1 f1
ZADD $z F V F V|ZADD $z GT CH F V|ZINCRBY $z F V|ZREM $z V|ZPOPMIN $z|ZPOPMAX $z I|ZMPOP 1 $z MIN COUNT 2
ZRANDMEMBER $z I WITHSCORES
ZUNIONSTORE $z 2 $z $z WEIGHTS I I|ZINTERSTORE $z 2 $z $t|ZDIFFSTORE $z 2 $z $z|ZRANGESTORE $z $z 0 I
ZREMRANGEBYRANK $z I I
ZREMRANGEBYSCORE $z I I|BZPOPMIN $z 0.01|ZRANGE $z 0 -1 WITHSCORES
GEOADD $g 2.35 48.85 V 13.4 52.5 V|GEOSEARCH $g FROMLONLAT 5 50 BYRADIUS 900 km ASC|GEODIST $g V V
GEOSEARCHSTORE $g $g FROMLONLAT 5 50 BYBOX 2000 2000 km|GEORADIUS $g 5 50 900 km STOREDIST $z
SORT $l ALPHA|SORT $t BY nosort LIMIT 0 2|SORT $l BY V* GET # STORE $l|SORT $z ALPHA DESC STORE $l
"""
STREAMS: Final = """
XADD $x * f V|XADD $x MAXLEN ~ 20 * f V|XADD $x MAXLEN 5 * f V g V|XADD $x NOMKSTREAM * f V
XTRIM $x MAXLEN I|XLEN $x
XDEL $x 0-1|XRANGE $x - +|XREVRANGE $x + - COUNT 3|XGROUP CREATE $x g1 0 MKSTREAM
XGROUP CREATE $x g2 $ MKSTREAM
XREADGROUP GROUP g1 c1 COUNT 3 STREAMS $x >|XREADGROUP GROUP g1 c2 COUNT 2 STREAMS $x >
XREADGROUP GROUP g1 c1 STREAMS $x 0
XREADGROUP GROUP g1 c1 COUNT 1 BLOCK 10 STREAMS $x >|XREAD COUNT 2 STREAMS $x 0|XREAD BLOCK 10 STREAMS $x $
XAUTOCLAIM $x g1 c2 0 0 COUNT 5|XAUTOCLAIM $x g1 c3 M 0 JUSTID|XPENDING $x g1|XPENDING $x g1 - + 10
XINFO STREAM $x FULL
XGROUP SETID $x g1 0|XGROUP DELCONSUMER $x g1 c2|XGROUP DESTROY $x g2|XINFO CONSUMERS $x g1|XINFO GROUPS $x
"""
KEYS: Final = """
PEXPIRE $? M|PEXPIRE $? M NX|PERSIST $?|EXPIREAT $? 1|DEL $?|UNLINK $? $?|RENAME $? $?|RENAMENX $? $?
COPY $? $? REPLACE|TYPE $?
MOVE $? 1|TOUCH $?|PTTL $?|RANDOMKEY|OBJECT ENCODING $?|DBSIZE|TIME|SCAN 0|DUMP $?|EXISTS $? $?
"""
SCRIPTS: Final = (
    b"return redis.call(unpack(ARGV))",
    b"local r=redis.pcall(unpack(ARGV)) redis.call('INCRBY','n:n0',math.random(100)) return type(r)",
    b"local t={} for k,v in pairs({a=1,b=2,c=3,d=4,e=5}) do t[#t+1]=k end "
    b"redis.call('RPUSH','n:l0',table.concat(t)) return redis.pcall(unpack(ARGV))",
    b"redis.call('SET','n:s0',cjson.encode({ARGV,redis.call('TIME'),redis.call('SRANDMEMBER','n:t0')})) "
    b"return redis.pcall(unpack(ARGV))",
)
_KINDS: Final = b"snbplthzgx"


def templates(text: str) -> list[list[bytes]]:
    """Commands, divided into words."""
    lines = text.strip().replace("\n", "|").split("|")
    return [line.encode().split() for line in lines]


FAMILIES: Final = [templates(text) for text in (STRINGS, COLLECTIONS, COLLECTIONS, STREAMS, KEYS)]


class Families(Base):
    """``n:`` keys of every type, a letter and a number behind."""

    prefixes = (b"n:",)
    weights = ("weight_families",)
    together = (b"n:",)
    may_spread = True

    def __init__(self, options: RunOptions, prng: Prng) -> None:
        super().__init__(options, prng)
        self._places = 1 + options.keys_per_kind

    def start(self, client: int, prng: Prng) -> Call:
        """A command, several in a transaction, or one out of a script."""
        roll = prng.below(10)
        if roll == 0:
            self.count("transactions")
            commands = [self._command(prng) for _ in range(prng.between(1, 4))]
            return transaction(commands, self._keys_of(commands, prng))
        if roll < 3:
            self.count("scripts")
            script = SCRIPTS[prng.below(len(SCRIPTS))]
            commands = [[b"EVAL", script, b"0", *self._command(prng)]]
        else:
            self.count("commands")
            commands = [self._command(prng)]
        return Call(commands, self._keys_of(commands, prng))

    def _keys_of(self, commands: list[list[bytes]], prng: Prng) -> list[bytes]:
        """The keys that they name; some key when they name none."""
        keys = [word for words in commands for word in words if word[:2] in self.prefixes]
        return list(dict.fromkeys(keys)) or [self._some_key(prng)]

    def read(self, client: int, prng: Prng) -> Call:
        """Whatever reads."""
        key = self._some_key(prng)
        return Call([[b"TYPE", key]], [key])

    def check(
        self, history: Sequence[Operation], finals: Sequence[Operation], context: Context
    ) -> list[Complaint]:
        """Nothing: the judges of replicas look at the nodes."""
        return []

    def _command(self, prng: Prng) -> list[bytes]:
        family = FAMILIES[prng.below(len(FAMILIES))]
        words = family[prng.below(len(family))]
        return [self._word(word, prng) for word in words]

    def _word(self, word: bytes, prng: Prng) -> bytes:
        if len(word) == 2 and word[:1] == b"$":
            return self._some_key(prng, b"" if word == b"$?" else word[1:])
        if word == b"V":
            return b"v%d" % prng.below(12)
        if word == b"V*":
            return b"n:s*"
        if word == b"I":
            return b"%d" % (prng.below(12) - 2)
        if word == b"F":
            return b"%d.%d" % (prng.below(9), prng.below(100))
        if word == b"M":
            return b"%d" % prng.between(1, 3000)
        return word

    def _some_key(self, prng: Prng, kind: bytes = b"") -> bytes:
        """A key of a kind, now and then of another."""
        if not kind or prng.below(30) == 0:
            at = prng.below(len(_KINDS))
            kind = _KINDS[at : at + 1]
        return b"n:%s%d" % (kind, prng.below(self._places))
