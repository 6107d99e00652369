"""A node that `trivet up` started stops when its supervisor is gone, however that ended."""

import ctypes
import os
import signal
import sys
import threading
import time

_PR_SET_PDEATHSIG = 1
_POLL_S = 0.5


def stop_with_parent(parent: int) -> None:
    """SIGTERM for us when ``parent``, our parent process, dies: by the kernel on Linux, else by looking."""
    asked = (
        sys.platform == "linux" and ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0) == 0
    )
    if os.getppid() != parent:  # it died before we asked
        sys.exit(1)
    if not asked:
        threading.Thread(target=_look, args=(parent,), daemon=True).start()


def _look(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(_POLL_S)
    os.kill(os.getpid(), signal.SIGTERM)
