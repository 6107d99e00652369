"""CLIENT PAUSE holds the clients of one node."""

from tests.core.node.bench import Bench
from trivet.core.node.pausing import Pause


def test_writes_wait_and_reads_go_on():
    bench = Bench(3)
    bench.say("a", "SET k 1")
    bench.talk(
        """
        a> CLIENT PAUSE 100 WRITE | GET k | SET k 2
        +OK
        "1"
        b> GET k | MULTI | SET k 3 | EXEC
        "1"
        +OK
        +QUEUED
        c@2> SET k 4
        +OK
        * wait 120
        a: +OK
        b: [+OK]
        """
    )


def test_all_wait_until_someone_ends_it():
    Bench().talk(
        """
        a> CLIENT PAUSE 100000 | PING
        +OK
        b> GET k
        c> CLIENT UNPAUSE
        a: +PONG
        +OK
        b: nil
        """
    )


def test_bad_arguments():
    Bench().talk(
        """
        a> CLIENT PAUSE x | CLIENT PAUSE -1 | CLIENT PAUSE 10 foo | CLIENT PAUSE 10 ALL x
        -ERR timeout is not an integer or out of range
        -ERR timeout is negative
        -ERR CLIENT PAUSE mode must be WRITE or ALL
        -ERR CLIENT PAUSE mode must be WRITE or ALL
        """
    )


def test_a_second_pause_only_adds():
    pause = Pause()
    pause.begin(0, 100, writes_only=False)
    pause.begin(10, 50, writes_only=True)
    assert (pause.until_ms, pause.writes_only) == (100, False)
    pause.begin(200, 300, writes_only=True)
    assert (pause.until_ms, pause.writes_only) == (300, True)
    pause.end()
    assert pause.until_ms == 0
