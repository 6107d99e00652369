"""One target for all libraries, emptied before each file; and the programs that run beside a test.

In `make soak` all of it is done once more, with the keys spread over groups.
"""

import pytest

from tests.cluster.harness import raw
from tests.libraries.running import Service, environment, play
from tests.libraries.targets import open_target, urls


@pytest.fixture(
    scope="session", params=["", pytest.param("spread", marks=pytest.mark.soak)], ids=["one", "spread"]
)
def lasting_target(request, tmp_path_factory):
    target = open_target(tmp_path_factory.mktemp("libraries"), bool(request.param))
    yield target
    target.stop()


@pytest.fixture(scope="module")
def target(lasting_target):
    """The target, empty."""
    assert raw(lasting_target.ports[0], b"FLUSHALL\r\n", 60.0, until=5) == (b"+OK\r\n", False)
    return lasting_target


@pytest.fixture(scope="module")
def environ(target):
    """The environment of a program that uses the target."""
    first, *_, last = [*urls(target), urls(target)[-1]]
    return environment(first, last)


@pytest.fixture
def run(environ):
    """Runs one part of a program to its end: run(interpreter, "file", "part", ...)."""

    def run_part(words, file, part, *more):
        play([*words, file, part, *more], environ, f"fine {part}")

    return run_part


@pytest.fixture(scope="module")
def service(environ, tmp_path_factory):
    """Starts programs that are ended after the last test of the file: service(words, "text it prints when ready")."""
    directory = tmp_path_factory.mktemp("services")
    started = []

    def start(words, ready, **more):
        started.append(Service(words, {**environ, **more}, directory / f"{len(started)}.log"))
        return started[-1].wait_for(ready)

    yield start
    for one in reversed(started):
        one.stop()
