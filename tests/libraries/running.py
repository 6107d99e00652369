"""The programs under ``programs/``: run to their end, or kept running for as long as a test lasts.

They run in an environment of their own (.venv-libraries), because the libraries choose their own version of redis-py. A program
learns where to go from its environment: ``TARGET_URL`` is the one plain URL that a user would write into the settings,
``TARGET_LAST_URL`` that of another node.
"""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cluster.harness import wait_until

ROOT = Path(__file__).resolve().parents[2]
PROGRAMS = Path(__file__).with_name("programs")
LIBRARIES = ROOT / ".venv-libraries"
PYTHON = LIBRARIES / "bin" / "python"
NODE_MODULES = LIBRARIES / "node" / "node_modules"
RUN_MAX_S = 150


def python(own=False):
    """The interpreter that has the libraries (``own``: that of the tests, with the newest redis-py)."""
    if own:
        return [sys.executable]
    if not (LIBRARIES / ".done").exists():
        pytest.skip("the libraries are not installed: make setup")
    return [str(PYTHON)]


def node():
    """The interpreter of JavaScript."""
    program = shutil.which("node")
    if program is None:
        pytest.skip("node is not installed")
    if not (NODE_MODULES / ".done").exists():
        pytest.skip("the libraries for node are not installed (no npm, or no network): make setup")
    return [program]


def tool(name):
    """A command that a library brings along."""
    return [*python(), str(LIBRARIES / "bin" / name)]


def environment(url, last_url, **more):
    """The environment of a program."""
    own = {
        "TARGET_URL": url,
        "TARGET_LAST_URL": last_url,
        "PYTHONPATH": str(PROGRAMS),
        "PYTHONUNBUFFERED": "1",
    }
    return {**os.environ, **own, "NODE_PATH": str(NODE_MODULES), **more}


def play(words, environ, expected):
    """Run a program to its end; it must print ``expected`` as its last line. What it printed before."""
    done = subprocess.run(
        words, env=environ, cwd=PROGRAMS, capture_output=True, text=True, check=False, timeout=RUN_MAX_S
    )
    cause, _, _ = done.stderr.partition("Exception ignored in")  # what finalizers say at the end hides it
    said = f"{done.stdout[-4000:]}\n{cause[-8000:] or done.stderr[-8000:]}"
    assert done.returncode == 0, said
    *before, last = done.stdout.splitlines() or [""]
    assert last == expected, said
    return before


class Service:
    """A program that runs beside the test, in a process group of its own; what it prints goes to a file."""

    def __init__(self, words, environ, log):
        self.log = log
        with log.open("ab") as output:
            self.process = subprocess.Popen(
                words,
                env=environ,
                cwd=PROGRAMS,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )

    def wait_for(self, text, seconds=120.0):
        """Wait until it has printed ``text``."""

        def printed():
            said = self.log.read_text(errors="replace")
            assert self.process.poll() is None, f"it ended: {said[-4000:]}"
            return text in said

        wait_until(printed, f"{text!r} in {self.log}", seconds)
        return self

    def stop(self):
        """Ask it to end, then make it; with all that it started."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(6)
            except subprocess.TimeoutExpired:
                pass
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait()
