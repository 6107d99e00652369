"""Users written as rules: what the tests of this room share."""

import shlex

from trivet.core.access.rules import change, merged
from trivet.core.access.user import User
from trivet.core.access.users import line_of
from trivet.core.command.lookup import find_row
from trivet.core.command.table import Row
from trivet.core.wire.reply import Error


def words(line: str) -> list[bytes]:
    return [word.encode() for word in shlex.split(line)]


def user(rules: str, name: str = "ann") -> User:
    """A user made by these rules."""
    made = User(name.encode(), 1)
    assert problem(made, rules) == ""
    return made


def problem(who: User, rules: str) -> str:
    """What is wrong with the rules; empty when they were carried out."""
    whole = merged(words(rules))
    error = whole if isinstance(whole, Error) else change(who, whole)
    return "" if error is None else error.text


def told(rules: str) -> str:
    """The line of ACL LIST of a user made by these rules, without ``user ann``."""
    return line_of(user(rules)).decode().removeprefix("user ann ")


def row_of(call: list[bytes]) -> Row:
    row = find_row(call)
    assert not isinstance(row, Error), row
    return row
