"""DEBUG, as far as it harms nobody."""

from tests.core.node.bench import Bench


def test_sleep_holds_one_client():
    Bench().talk(
        """
        a> DEBUG SLEEP 0.1 | PING
        b> PING
        +PONG
        * wait 120
        a: +OK
        a: +PONG
        """
    )


def test_the_others():
    bench = Bench()
    bench.say("a", "RPUSH l a b")
    assert "encoding:quicklist" in bench.ask("a", "DEBUG OBJECT l")
    assert bench.say(
        "a", "DEBUG OBJECT none | DEBUG SET-ACTIVE-EXPIRE 0 | DEBUG SLEEP x | DEBUG SLEEP -1"
    ) == [
        "-ERR no such key",
        "+OK",
        "-ERR value is not a valid float",
        "-ERR value is not a valid float",
    ]
    for words in ("SEGFAULT", "JMAP", "RELOAD", "SLEEP", "OBJECT"):
        assert bench.ask("a", f"DEBUG {words}").endswith(
            "is not served, or has other arguments. Try DEBUG HELP."
        )
    assert "SLEEP" in bench.ask("a", "DEBUG HELP")
