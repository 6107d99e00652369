"""What redis-server 7.0 has: every command with its categories and what it does to its keys.

Rules may name any of these commands, served here or not, so that rules written for Redis are
understood. One line each: the name, its categories, and after a stroke what it needs for its
keys, one word per key: ``r`` reading, ``w`` writing, ``rw`` both, ``-`` neither (it tells of
a key, not of what is in it). The last word stands for all further keys.
"""

from typing import Final

CATEGORIES: Final = (
    "keyspace", "read", "write", "set", "sortedset", "list", "hash", "string", "bitmap", "hyperloglog", "geo",
    "stream", "pubsub", "admin", "fast", "slow", "blocking", "dangerous", "connection", "transaction",
    "scripting",
)  # fmt: skip
"""In the order in which redis-server tells and tries them."""

CATALOGUE: Final = """
acl: slow
acl|cat: slow
acl|deluser: admin slow dangerous
acl|dryrun: admin slow dangerous
acl|genpass: slow
acl|getuser: admin slow dangerous
acl|help: slow
acl|list: admin slow dangerous
acl|load: admin slow dangerous
acl|log: admin slow dangerous
acl|save: admin slow dangerous
acl|setuser: admin slow dangerous
acl|users: admin slow dangerous
acl|whoami: slow
append: write string fast / w
asking: fast connection
auth: fast connection
bgrewriteaof: admin slow dangerous
bgsave: admin slow dangerous
bitcount: read bitmap slow / r
bitfield: write bitmap slow / rw
bitfield_ro: read bitmap fast / r
bitop: write bitmap slow / w r
bitpos: read bitmap slow / r
blmove: write list slow blocking / rw w
blmpop: write list slow blocking / rw
blpop: write list slow blocking / rw
brpop: write list slow blocking / rw
brpoplpush: write list slow blocking / rw w
bzmpop: write sortedset slow blocking / rw
bzpopmax: write sortedset fast blocking / rw
bzpopmin: write sortedset fast blocking / rw
client: slow
client|caching: slow connection
client|getname: slow connection
client|getredir: slow connection
client|help: slow connection
client|id: slow connection
client|info: slow connection
client|kill: admin slow dangerous connection
client|list: admin slow dangerous connection
client|no-evict: admin slow dangerous connection
client|pause: admin slow dangerous connection
client|reply: slow connection
client|setname: slow connection
client|tracking: slow connection
client|trackinginfo: slow connection
client|unblock: admin slow dangerous connection
client|unpause: admin slow dangerous connection
cluster: slow
cluster|addslots: admin slow dangerous
cluster|addslotsrange: admin slow dangerous
cluster|bumpepoch: admin slow dangerous
cluster|count-failure-reports: admin slow dangerous
cluster|countkeysinslot: slow
cluster|delslots: admin slow dangerous
cluster|delslotsrange: admin slow dangerous
cluster|failover: admin slow dangerous
cluster|flushslots: admin slow dangerous
cluster|forget: admin slow dangerous
cluster|getkeysinslot: slow
cluster|help: slow
cluster|info: slow
cluster|keyslot: slow
cluster|links: slow
cluster|meet: admin slow dangerous
cluster|myid: slow
cluster|nodes: slow
cluster|replicas: admin slow dangerous
cluster|replicate: admin slow dangerous
cluster|reset: admin slow dangerous
cluster|saveconfig: admin slow dangerous
cluster|set-config-epoch: admin slow dangerous
cluster|setslot: admin slow dangerous
cluster|shards: slow
cluster|slaves: admin slow dangerous
cluster|slots: slow
command: slow connection
command|count: slow connection
command|docs: slow connection
command|getkeys: slow connection
command|getkeysandflags: slow connection
command|help: slow connection
command|info: slow connection
command|list: slow connection
config: slow
config|get: admin slow dangerous
config|help: slow
config|resetstat: admin slow dangerous
config|rewrite: admin slow dangerous
config|set: admin slow dangerous
copy: keyspace write slow / r w
dbsize: keyspace read fast
debug: admin slow dangerous
decr: write string fast / rw
decrby: write string fast / rw
del: keyspace write slow / w
discard: fast transaction
dump: keyspace read slow / r
echo: fast connection
eval: slow scripting / rw
eval_ro: slow scripting / r
evalsha: slow scripting / rw
evalsha_ro: slow scripting / r
exec: slow transaction
exists: keyspace read fast / -
expire: keyspace write fast / w
expireat: keyspace write fast / w
expiretime: keyspace read fast / r
failover: admin slow dangerous
fcall: slow scripting / rw
fcall_ro: slow scripting / r
flushall: keyspace write slow dangerous
flushdb: keyspace write slow dangerous
function: slow
function|delete: write slow scripting
function|dump: slow scripting
function|flush: write slow scripting
function|help: slow scripting
function|kill: slow scripting
function|list: slow scripting
function|load: write slow scripting
function|restore: write slow scripting
function|stats: slow scripting
geoadd: write geo slow / w
geodist: read geo slow / r
geohash: read geo slow / r
geopos: read geo slow / r
georadius: write geo slow / r w
georadius_ro: read geo slow / r
georadiusbymember: write geo slow / r w
georadiusbymember_ro: read geo slow / r
geosearch: read geo slow / r
geosearchstore: write geo slow / w r
get: read string fast / r
getbit: read bitmap fast / r
getdel: write string fast / rw
getex: write string fast / rw
getrange: read string slow / r
getset: write string fast / rw
hdel: write hash fast / w
hello: fast connection
hexists: read hash fast / -
hget: read hash fast / r
hgetall: read hash slow / r
hincrby: write hash fast / rw
hincrbyfloat: write hash fast / rw
hkeys: read hash slow / r
hlen: read hash fast / -
hmget: read hash fast / r
hmset: write hash fast / w
hrandfield: read hash slow / r
hscan: read hash slow / r
hset: write hash fast / w
hsetnx: write hash fast / w
hstrlen: read hash fast / -
hvals: read hash slow / r
incr: write string fast / rw
incrby: write string fast / rw
incrbyfloat: write string fast / rw
info: slow dangerous
keys: keyspace read slow dangerous
lastsave: admin fast dangerous
latency: slow
latency|doctor: admin slow dangerous
latency|graph: admin slow dangerous
latency|help: slow
latency|histogram: admin slow dangerous
latency|history: admin slow dangerous
latency|latest: admin slow dangerous
latency|reset: admin slow dangerous
lcs: read string slow / r
lindex: read list slow / r
linsert: write list slow / w
llen: read list fast / -
lmove: write list slow / rw w
lmpop: write list slow / rw
lolwut: read fast
lpop: write list fast / rw
lpos: read list slow / r
lpush: write list fast / w
lpushx: write list fast / w
lrange: read list slow / r
lrem: write list slow / w
lset: write list slow / w
ltrim: write list slow / w
memory: slow
memory|doctor: slow
memory|help: slow
memory|malloc-stats: slow
memory|purge: slow
memory|stats: slow
memory|usage: read slow / -
mget: read string fast / r
migrate: keyspace write slow dangerous / rw
module: slow
module|help: slow
module|list: admin slow dangerous
module|load: admin slow dangerous
module|loadex: admin slow dangerous
module|unload: admin slow dangerous
monitor: admin slow dangerous
move: keyspace write fast / rw
mset: write string slow / w
msetnx: write string slow / w
multi: fast transaction
object: slow
object|encoding: keyspace read slow / -
object|freq: keyspace read slow / -
object|help: keyspace slow
object|idletime: keyspace read slow / -
object|refcount: keyspace read slow / -
persist: keyspace write fast / w
pexpire: keyspace write fast / w
pexpireat: keyspace write fast / w
pexpiretime: keyspace read fast / r
pfadd: write hyperloglog fast / w
pfcount: read hyperloglog slow / r
pfdebug: write hyperloglog admin slow dangerous / r
pfmerge: write hyperloglog slow / rw r
pfselftest: hyperloglog admin slow dangerous
ping: fast connection
psetex: write string slow / w
psubscribe: pubsub slow
psync: admin slow dangerous
pttl: keyspace read fast / r
publish: pubsub fast
pubsub: slow
pubsub|channels: pubsub slow
pubsub|help: slow
pubsub|numpat: pubsub slow
pubsub|numsub: pubsub slow
pubsub|shardchannels: pubsub slow
pubsub|shardnumsub: pubsub slow
punsubscribe: pubsub slow
quit: fast connection
randomkey: keyspace read slow
readonly: fast connection
readwrite: fast connection
rename: keyspace write slow / rw w
renamenx: keyspace write fast / rw w
replconf: admin slow dangerous
replicaof: admin slow dangerous
reset: fast connection
restore: keyspace write slow dangerous / w
restore-asking: keyspace write slow dangerous / w
role: admin fast dangerous
rpop: write list fast / rw
rpoplpush: write list slow / rw w
rpush: write list fast / w
rpushx: write list fast / w
sadd: write set fast / w
save: admin slow dangerous
scan: keyspace read slow
scard: read set fast / -
script: slow
script|debug: slow scripting
script|exists: slow scripting
script|flush: slow scripting
script|help: slow scripting
script|kill: slow scripting
script|load: slow scripting
sdiff: read set slow / r
sdiffstore: write set slow / w r
select: fast connection
set: write string slow / rw
setbit: write bitmap slow / rw
setex: write string slow / w
setnx: write string fast / w
setrange: write string slow / w
shutdown: admin slow dangerous
sinter: read set slow / r
sintercard: read set slow / r
sinterstore: write set slow / w r
sismember: read set fast / -
slaveof: admin slow dangerous
slowlog: slow
slowlog|get: admin slow dangerous
slowlog|help: slow
slowlog|len: admin slow dangerous
slowlog|reset: admin slow dangerous
smembers: read set slow / r
smismember: read set fast / r
smove: write set fast / rw w
sort: write set sortedset list slow dangerous / r w
sort_ro: read set sortedset list slow dangerous / r
spop: write set fast / rw
spublish: pubsub fast
srandmember: read set slow / r
srem: write set fast / w
sscan: read set slow / r
ssubscribe: pubsub slow
strlen: read string fast / -
subscribe: pubsub slow
substr: read string slow / r
sunion: read set slow / r
sunionstore: write set slow / w r
sunsubscribe: pubsub slow
swapdb: keyspace write fast dangerous
sync: admin slow dangerous
time: fast
touch: keyspace read fast / -
ttl: keyspace read fast / r
type: keyspace read fast / -
unlink: keyspace write fast / w
unsubscribe: pubsub slow
unwatch: fast transaction
wait: slow connection
watch: fast transaction / -
xack: write stream fast / w
xadd: write stream fast / w
xautoclaim: write stream fast / w
xclaim: write stream fast / w
xdel: write stream fast / w
xgroup: slow
xgroup|create: write stream slow / w
xgroup|createconsumer: write stream slow / w
xgroup|delconsumer: write stream slow / w
xgroup|destroy: write stream slow / w
xgroup|help: stream slow
xgroup|setid: write stream slow / w
xinfo: slow
xinfo|consumers: read stream slow / r
xinfo|groups: read stream slow / r
xinfo|help: stream slow
xinfo|stream: read stream slow / r
xlen: read stream fast / -
xpending: read stream slow / r
xrange: read stream slow / r
xread: read stream slow blocking / r
xreadgroup: write stream slow blocking / r
xrevrange: read stream slow / r
xsetid: write stream fast / w
xtrim: write stream slow / w
zadd: write sortedset fast / w
zcard: read sortedset fast / -
zcount: read sortedset fast / r
zdiff: read sortedset slow / r
zdiffstore: write sortedset slow / w r
zincrby: write sortedset fast / rw
zinter: read sortedset slow / r
zintercard: read sortedset slow / r
zinterstore: write sortedset slow / w r
zlexcount: read sortedset fast / r
zmpop: write sortedset slow / rw
zmscore: read sortedset fast / r
zpopmax: write sortedset fast / rw
zpopmin: write sortedset fast / rw
zrandmember: read sortedset slow / r
zrange: read sortedset slow / r
zrangebylex: read sortedset slow / r
zrangebyscore: read sortedset slow / r
zrangestore: write sortedset slow / w r
zrank: read sortedset fast / r
zrem: write sortedset fast / w
zremrangebylex: write sortedset slow / w
zremrangebyrank: write sortedset slow / w
zremrangebyscore: write sortedset slow / w
zrevrange: read sortedset slow / r
zrevrangebylex: read sortedset slow / r
zrevrangebyscore: read sortedset slow / r
zrevrank: read sortedset fast / r
zscan: read sortedset slow / r
zscore: read sortedset fast / r
zunion: read sortedset slow / r
zunionstore: write sortedset slow / w r
"""
"""Subcommands stand after their containers."""
