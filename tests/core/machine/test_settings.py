"""Settings of the whole cluster: through the log, the same everywhere."""

from tests.core.machine.replicas import Replica
from trivet.core.command.events import KEYSPACE, LIST
from trivet.core.machine.settings import Settings
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
