"""Which tests keep to one worker: those that start real processes, by the mark ``xdist_group`` of their file.

pytest-xdist 3.8 would tell its scheduler of a group by a suffix of the test's id, which pytest 9.2 does not let it
write any more: without a word every such test went wherever a worker was free. So the scheduler looks into the files.
"""

import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


MARK = r'xdist_group\("(\w+)"\)'
OF_FILE = re.compile(r"^pytestmark = (?:.*|\[(?:\n .*)*)" + MARK, re.MULTILINE)
OF_TEST = re.compile(r"^@pytest\.mark\." + MARK + r"\n(?:@.*\n)*def (\w+)", re.MULTILINE)


@cache
def groups_in(file):
    """The group of all tests in a file, and those of single tests by name."""
    path = ROOT / file
    text = path.read_text() if path.is_file() else ""
    of_file = OF_FILE.search(text)
    return of_file[1] if of_file else "", {name: group for group, name in OF_TEST.findall(text)}


def group_of(nodeid):
    """The group of a test; empty: it goes wherever a worker is free."""
    file, _, name = nodeid.partition("::")
    of_file, of_tests = groups_in(file)
    return of_file or of_tests.get(name.partition("[")[0], "")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """The scheduler of ``--dist loadgroup``: larger groups come first."""
    if config.getvalue("dist") != "loadgroup":
        return None
    from xdist.scheduler import LoadGroupScheduling

    class GroupsOfFiles(LoadGroupScheduling):
        def _split_scope(self, nodeid):
            return group_of(nodeid) or nodeid

    return GroupsOfFiles(config, log)
