from tests.core.command.dialogue import Replica, check
from trivet.core.script import rows

assert rows.FAMILIES


def test_eval():
    check(
        r"""
        > EVAL "return {KEYS[1], ARGV[1], #KEYS, #ARGV}" 1 a b
        ["a" "b" 1 1]
        > EVAL "return redis.call('set', KEYS[1], ARGV[1])" 1 a 5
        +OK
        > EVAL "return redis.call('incr', KEYS[1])" 1 a
        6
        > EVAL "return redis.call('lpush', KEYS[1], 1)" 1 a
        -WRONGTYPE Operation against a key holding the wrong kind of value script: 5f4ba9b6a8a41f0a8a37a4e0ae6fcdd1f0e6a1ae, on @user_script:1.
    """.replace("5f4ba9b6a8a41f0a8a37a4e0ae6fcdd1f0e6a1ae", _sha("return redis.call('lpush', KEYS[1], 1)"))
    )


def _sha(source: str) -> str:
    from trivet.core.script.scripts import sha1_of

    return sha1_of(source.encode()).decode()


def test_numbers_of_keys():
    check("""
        > EVAL "return 1" x
        -ERR value is not an integer or out of range
        > EVAL "return 1" -1
        -ERR Number of keys can't be negative
        > EVAL "return 1" 3 a
        -ERR Number of keys can't be greater than number of args
        > EVAL "return 1"
        -ERR wrong number of arguments for 'eval' command
        > EVAL "return 1 +" 0
        -ERR Error compiling script (new function): user_script:1: unexpected symbol near '<eof>'
    """)


def test_evalsha():
    check("""
        > EVALSHA e0e1f9fabfc9d4800c877a703b823ac0578ff8db 0
        -NOSCRIPT No matching script. Please use EVAL.
        > EVAL "return 1" 0
        1
        > EVALSHA E0E1F9FABFC9D4800C877A703B823AC0578FF8DB 0
        1
        > EVALSHA_RO e0e1f9fabfc9d4800c877a703b823ac0578ff8db 0
        1
        > EVAL_RO "return 2" 0
        2
        > EVALSHA 7f923f79fe76194c868d7e1d0820de36700eb649 0
        -NOSCRIPT No matching script. Please use EVAL.
    """)


def test_read_only_forms():
    replica = Replica()
    script = b"#!lua\nreturn redis.call('set', 'a', 1)"
    assert "*_ro command" in str(replica.run_args([b"EVAL_RO", script, b"0"]))
    assert "not allowed from read-only" in str(replica.run_args([b"EVAL_RO", script[6:], b"0"]))
    flagged = b"#!lua flags=no-writes\nreturn redis.call('set', 'a', 1)"
    refused = str(replica.run_args([b"EVAL", flagged, b"0"]))
    assert "not allowed from read-only" in refused
    assert "@user_script:2." in refused
    assert replica.run_args([b"EXISTS", b"a"]) == 0


def test_the_lock_of_redis_py():
    release = (
        "local token = redis.call('get', KEYS[1]) if not token or token ~= ARGV[1] then return 0 end "
        "redis.call('del', KEYS[1]) return 1"
    )
    extend = (
        "local token = redis.call('get', KEYS[1]) if not token or token ~= ARGV[1] then return 0 end "
        "local expiration = redis.call('pttl', KEYS[1]) if not expiration then expiration = 0 end "
        "if expiration < 0 then return 0 end local newttl = ARGV[2] "
        'if ARGV[3] == "0" then newttl = ARGV[2] + expiration end redis.call("pexpire", KEYS[1], newttl) return 1'
    )
    replica = Replica()
    replica.run("SET lock me PX 1000")
    assert replica.run_args([b"EVAL", extend.encode(), b"1", b"lock", b"me", b"500", b"0"]) == 1
    assert replica.run("PTTL lock") == 1500
    assert replica.run_args([b"EVAL", release.encode(), b"1", b"lock", b"other"]) == 0
    assert replica.run_args([b"EVAL", release.encode(), b"1", b"lock", b"me"]) == 1
    assert replica.run("EXISTS lock") == 0
