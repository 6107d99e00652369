"""CONFIG: settings of the whole cluster."""

from tests.core.node.bench import Bench
from trivet.core.command.settings_rows import SETTINGS


def test_what_is_set_holds_on_every_node():
    Bench(3).talk(
        """
        a> CONFIG GET maxmemory* | CONFIG GET nothing
        ["maxmemory" "0" "maxmemory-policy" "noeviction" "maxmemory-samples" "5" "maxmemory-clients" "0" "maxmemory-eviction-tenacity" "10"]
        []
        a> CONFIG SET maxmemory 100mb maxmemory-policy allkeys-lru | CONFIG GET maxmemory maxmemory-policy
        +OK
        ["maxmemory" "104857600" "maxmemory-policy" "allkeys-lru"]
        * wait 200
        b@3> CONFIG GET MAXMEMORY
        ["MAXMEMORY" "104857600"]
        b> CONFIG SET lua-time-limit 3 hash-max-ziplist-entries 7 | CONFIG GET busy-reply-threshold | CONFIG GET hash-max-*-entries
        +OK
        ["busy-reply-threshold" "3"]
        ["hash-max-listpack-entries" "7" "hash-max-ziplist-entries" "7"]
        b> CONFIG GET maxclients SAVE port
        ["maxclients" "10000" "SAVE" "" "port" "7003"]
        """
    )


def test_several_are_set_together_or_not_at_all():
    Bench().talk(
        """
        a> CONFIG SET timeout 10 maxmemory-policy foo
        -ERR CONFIG SET failed (possibly related to argument 'maxmemory-policy') - argument(s) must be one of the following: volatile-lru, volatile-lfu, volatile-random, volatile-ttl, allkeys-lru, allkeys-lfu, allkeys-random, noeviction
        a> CONFIG SET timeout 10 nosuch 1
        -ERR Unknown option or number of arguments for CONFIG SET - 'nosuch'
        a> CONFIG SET timeout 1 timeout 2
        -ERR CONFIG SET failed (possibly related to argument 'timeout') - duplicate parameter
        a> CONFIG SET timeout 10 maxmemory
        -ERR syntax error
        a> CONFIG GET timeout
        ["timeout" "0"]
        """
    )


def test_facts_can_only_be_set_to_what_they_are():
    Bench().talk(
        """
        a> CONFIG SET appendonly yes save "" | CONFIG SET appendonly no | CONFIG SET databases 32
        +OK
        -ERR CONFIG SET failed (possibly related to argument 'appendonly') - can't set immutable config
        -ERR CONFIG SET failed (possibly related to argument 'databases') - can't set immutable config
        a> CONFIG SET appendonly maybe
        -ERR CONFIG SET failed (possibly related to argument 'appendonly') - argument must be 'yes' or 'no'
        """
    )


def test_the_other_subcommands():
    Bench().talk(
        """
        a> CONFIG REWRITE | CONFIG RESETSTAT | CONFIG NOSUCH
        +OK
        +OK
        -ERR unknown subcommand 'NOSUCH'. Try CONFIG HELP.
        a> CONFIG GET | CONFIG SET a | CONFIG HELP x
        -ERR wrong number of arguments for 'config|get' command
        -ERR wrong number of arguments for 'config|set' command
        -ERR wrong number of arguments for 'config|help' command
        """
    )
    text = Bench().ask("a", "CONFIG HELP")
    assert all(word in text for word in ("GET", "SET", "RESETSTAT", "REWRITE"))


def test_everything_is_shown_once():
    shown = Bench().ask("a", "CONFIG GET *")
    assert all(f'"{name.decode()}"' in shown for name in SETTINGS)


def test_a_setting_outlives_its_nodes():
    bench = Bench(3)
    bench.say("a", "CONFIG SET maxmemory 100mb")
    for number in (1, 2, 3):
        bench.crash(number)
    for number in (1, 2, 3):
        bench.start(number)
    bench.elect(2)
    assert bench.ask("b@2", "CONFIG GET maxmemory") == '["maxmemory" "104857600"]'


def test_a_node_that_is_full_sets_nothing():
    bench = Bench()
    bench.node(1).front.stopping = True
    assert bench.ask("a", "CONFIG SET timeout 7").startswith("-CLUSTERDOWN")


def test_notifications_are_shown_in_redis_order():
    bench = Bench()
    assert bench.say("a", "CONFIG SET notify-keyspace-events KEA | CONFIG GET notify-keyspace-events") == [
        "+OK",
        '["notify-keyspace-events" "AKE"]',
    ]
    assert bench.node(1).group.machine.settings.notifies


def test_the_limits_of_scripts_count_on_every_node_once_they_are_answered():
    Bench(3).talk(
        """
        a@2> CONFIG GET script-*
        ["script-instructions-max" "50000000" "script-memory-max" "67108864" "script-time-max" "30000"]
        a> CONFIG SET script-instructions-max 1000000 script-memory-max 1mb | EVAL_RO "while true do end" 0
        +OK
        -ERR script stopped: it ran longer than 1000000 instructions; what it has done so far stays
        b@3> EVAL_RO "while true do end" 0 | CONFIG GET script-memory-max
        -ERR script stopped: it ran longer than 1000000 instructions; what it has done so far stays
        ["script-memory-max" "1048576"]
        b> EVAL "return #string.rep('x', 2000000)" 0
        -ERR script stopped: it used more than 1048576 bytes of memory; what it has done so far stays
        b> CONFIG SET script-instructions-max 1
        -ERR CONFIG SET failed (possibly related to argument 'script-instructions-max') - argument must be between 100000 and 10000000000 inclusive
        """
    )
