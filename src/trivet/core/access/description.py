"""A set of commands in words: the rules, as ACL LIST and GETUSER of redis-server 7.0 tell them.

Only the bits are kept, not how they came about. The description begins with everything or
with nothing, takes the category that fits best as long as one fits better than not, and ends with
single commands, so that the rules together give exactly the bits.
"""

from trivet.core.access.commands import CATEGORY_MASKS, COMMANDS, EVERYTHING, FUTURE, OF_REDIS
from trivet.core.access.selector import Selector


def commands_in_words(selector: Selector) -> list[bytes]:
    """The rules that allow what ``selector`` allows."""
    adds = not selector.commands & FUTURE
    rules = [b"-@all" if adds else b"+@all"]
    told = Selector()
    if not adds:
        told.allow(EVERYTHING)
    for category in _categories(selector.commands, adds):
        rules.append((b"+@" if adds else b"-@") + category.encode())
        told.change(rules[-1])
    for command in COMMANDS.values():
        wanted = selector.commands & command.bit
        if wanted != told.commands & command.bit:
            rules.append((b"+" if wanted else b"-") + command.name.encode())
            told.change(rules[-1])
        if not wanted:
            name = command.name.encode()
            rules += [b"+" + name + b"|" + argument for argument in selector.first_args.get(command.name, ())]
    return rules


def _categories(commands: int, adds: bool) -> list[str]:
    """The categories that describe most of ``commands``, the best first."""
    found: list[str] = []
    left = commands
    while True:
        best = ""
        least_wrong, most_right = 1 << 30, 0
        for category, mask in CATEGORY_MASKS.items():
            if category in found:
                continue
            on = (left & mask & OF_REDIS).bit_count()
            off = (mask & OF_REDIS).bit_count() - on
            right, wrong = (on, off) if adds else (off, on)
            if right > wrong and (wrong < least_wrong or (wrong == least_wrong and right > most_right)):
                best, least_wrong, most_right = category, wrong, right
        if not best:
            return found
        found.append(best)
        left = left & ~CATEGORY_MASKS[best] if adds else left | CATEGORY_MASKS[best]
