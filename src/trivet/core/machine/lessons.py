"""Lessons: a group that has missed a change of functions or scripts comes to know what the system group does.

A change of functions reaches the groups after the system group, by word of the node that was asked for it
(``node/teaching``). It may fall between the two, and the words of two nodes may come in another order. So
whoever leads a group compares, and says in its log what it lacks and what it has too much (``LESSON``).

- Rule C4: a lesson names what the group knew when it was made for it. A group that knows something else by
  then, since another word came first, does not take it: no lesson, however late, takes a newer change back.
"""

from typing import Final

import msgspec

from trivet.core.machine.state import State
from trivet.core.script.scripts import Library, Scripts
from trivet.core.wire.reply import OK, Reply

LESSON: Final = b"LESSON"


class Lesson(msgspec.Struct, array_like=True, frozen=True):
    """A difference; scripts are those that were loaded, never those that were only evaluated."""

    libraries: list[Library]
    """New, or others than before."""
    libraries_gone: list[bytes]
    scripts: list[bytes]
    """Their texts."""
    scripts_gone: list[bytes]
    """Their names."""


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Lesson)


def lesson_call(system: Scripts, group: Scripts) -> list[bytes]:
    """The call after which the group knows what the system group knows."""
    wanted, known = system.loaded(), group.loaded()
    lesson = Lesson(
        [library for name, library in system.libraries.items() if group.libraries.get(name) != library],
        [name for name in group.libraries if name not in system.libraries],
        [source for sha, source in wanted.items() if sha not in known],
        [sha for sha in known if sha not in wanted],
    )
    return [LESSON, group.taught, _encoder.encode(lesson)]


def take_lesson(machine: State, args: list[bytes]) -> Reply:
    """Rule C4."""
    try:
        lesson = _decoder.decode(args[2])
    except (msgspec.DecodeError, RecursionError) as error:
        raise ValueError(str(error)) from error
    scripts = machine.scripts
    if args[1] != scripts.taught:
        return OK
    for name in [*lesson.libraries_gone, *[library.name for library in lesson.libraries]]:
        scripts.remove_library(name)
    for library in lesson.libraries:
        scripts.put_library(library)
    for sha in lesson.scripts_gone:
        scripts.forget_script(sha)
    for source in lesson.scripts:
        scripts.remember_loaded(source)
    return OK
