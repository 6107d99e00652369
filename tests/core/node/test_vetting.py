"""Commands that get a closer look."""

from tests.core.node.bench import Bench
from trivet.core.node.vetting import call_bytes


def test_who_is_not_logged_in():
    Bench(password="secret").talk(
        """
        a> GET k | AUTH wrong | AUTH secret | GET k
        -NOAUTH Authentication required.
        -WRONGPASS invalid username-password pair or user is disabled.
        +OK
        nil
        """
    )


def test_between_multi_and_exec():
    Bench().talk(
        """
        a> MULTI | SET k 1 | PING | INFO | EXEC | GET k
        +OK
        +QUEUED
        +QUEUED
        -ERR Command not allowed inside a transaction
        -EXECABORT Transaction discarded because of previous errors.
        nil
        """
    )


def test_what_a_call_measures():
    assert call_bytes([b"GET", b"key"]) == 6 + 16
