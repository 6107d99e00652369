"""Settings of the whole cluster: through the log, the same everywhere."""

from tests.core.machine.replicas import Replica
from trivet.core.command.events import KEYSPACE, LIST
from trivet.core.machine.settings import OVER, Settings
from trivet.core.wire.reply import OK


def test_the_machine_notifies_when_a_channel_is_asked_for():
    settings = Settings()
    settings.put(b"notify-keyspace-events", b"Kl")
    assert settings.notifies == KEYSPACE | LIST
    settings.put(b"notify-keyspace-events", b"l")
    assert settings.notifies == 0
    settings.put(b"notify-keyspace-events", b"")
    assert settings.values == {b"notify-keyspace-events": b""}


def test_a_setting_comes_through_the_log():
    replica = Replica()
    assert replica.one("SETTING one 1 two 2") == OK
    assert replica.machine.settings.values == {b"one": b"1", b"two": b"2"}


def test_the_limit_of_memory():
    settings = Settings()
    settings.put(b"maxmemory", b"1000")
    settings.put(OVER, b"yes")
    assert (settings.maxmemory_bytes, settings.refuses_growth, settings.version) == (1000, True, 2)
    settings.put(b"maxmemory", b"0")
    assert (settings.maxmemory_bytes, settings.refuses_growth) == (0, False)
    assert OVER not in settings.values


def test_what_was_never_changed_has_its_default():
    settings = Settings()
    assert settings.get(b"maxmemory-policy") == b"noeviction"
    settings.put(b"timeout", b"7")
    assert (settings.number(b"timeout"), settings.number(b"maxmemory-samples")) == (7, 5)


def test_the_limits_of_scripts_come_through_the_log_and_with_a_snapshot_of_settings():
    replica = Replica()
    count = 'EVAL \'for i = 1, 100000000 do redis.call("set", "n", i) end\' 0'
    assert "50000000 instructions" in replica.one(count).text
    replica.one("SETTING script-instructions-max 1000000")
    assert "1000000 instructions" in replica.one(count).text
    assert replica.one("GET n") == b"2487"
    settings = replica.machine.settings
    settings.replace([(b"script-memory-max", b"2000000")])
    assert settings.script_limits is replica.machine.scripts.limits
    assert (settings.script_limits.steps_max, settings.script_limits.memory_bytes_max) == (
        50_000_000,
        2_000_000,
    )
