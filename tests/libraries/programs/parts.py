"""A program of the tests: functions named ``part_…``; which one runs is the first argument. It prints ``fine`` at the end.

``MODE`` is that of the database: the few things that libraries do otherwise in another mode than ``raft`` ask for it.
"""

import asyncio
import inspect
import os
import sys
import time

URL = os.environ["TARGET_URL"]
LAST_URL = os.environ["TARGET_LAST_URL"]
MODE = os.environ.get("TARGET_MODE", "raft")


def eventually(condition, seconds=60.0):
    """Wait until ``condition()`` gives something true, and return that."""
    deadline_s = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline_s, f"not within {seconds} s"
        time.sleep(0.01)
    return found


async def eventually_async(condition, seconds=60.0):
    """As ``eventually``, for a condition that may be a coroutine function."""
    deadline_s = time.monotonic() + seconds
    while True:
        found = condition()
        if inspect.isawaitable(found):
            found = await found
        if found:
            return found
        assert time.monotonic() < deadline_s, f"not within {seconds} s"
        await asyncio.sleep(0.01)


def main(names):
    """Run the part that the first argument names: once with each of the other arguments, or once without."""
    part = names[f"part_{sys.argv[1]}"]
    for arguments in [[argument] for argument in sys.argv[2:]] or [[]]:
        result = part(*arguments)
        if inspect.isawaitable(result):
            asyncio.run(result)
    print(f"fine {sys.argv[1]}", flush=True)
