"""Rules as ``ACL SETUSER`` gets them: several for one user, all of them or none.

A password never travels further than the node that was told it: ``hashed`` makes the rules
that go into the log.
"""

from trivet.core.access.selector import Problem
from trivet.core.access.user import User, hash_of
from trivet.core.command.arguments import printable
from trivet.core.wire.reply import Error


def merged(arguments: list[bytes]) -> list[bytes] | Error:
    """The rules; a selector that came in several arguments is one."""
    rules: list[bytes] = []
    parts: list[bytes] = []
    for argument in arguments:
        if argument[:1] == b"(" and argument[-1:] != b")":
            parts = [argument]  # an open one before it is forgotten, as redis-server does
        elif not parts:
            rules.append(argument)
        else:
            parts.append(argument.split(b"\0", 1)[0])
            if argument[-1:] == b")":
                rules.append(b" ".join(parts))
                parts = []
    if parts:
        return Error(f"ERR Unmatched parenthesis in acl selector starting at '{printable(parts[0])}'.")
    return rules


def change(user: User, rules: list[bytes]) -> Error | None:
    """Carry out all rules on ``user``; after an error it is to be thrown away."""
    for rule in rules:
        problem = user.change(rule)
        if problem is not None:
            return Error(f"ERR Error in ACL SETUSER modifier '{printable(rule)}': {problem.value}")
    user.settle()
    return None


def are_well_formed(rules: list[bytes]) -> bool:
    """Whether there is a user for whom each of them is right."""
    for rule in rules:
        problem: Problem | None = User(b"", 0).change(rule)
        if problem is not None and not problem.is_of_state:
            return False
    return True


def hashed(rules: list[bytes]) -> list[bytes]:
    """The same rules without any password in them."""
    kinds = {b">": b"#", b"<": b"!"}
    return [kinds[rule[:1]] + hash_of(rule[1:]) if rule[:1] in kinds else rule for rule in rules]
