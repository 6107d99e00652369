"""docs/libraries.md names the versions that are run."""

import json
import re

import pytest

from tests.libraries.running import PROGRAMS, ROOT


def locked():
    """Every version in the lock files, by library."""
    versions = {}
    for file in ("requirements-dev.txt", "requirements-redis5.txt", "requirements-libraries.txt"):
        for name, version in re.findall(r"^([a-z0-9-]+)==([\w.]+)", (ROOT / file).read_text(), re.MULTILINE):
            versions.setdefault(name, []).append(version)
    lock = json.loads((PROGRAMS / "js" / "package-lock.json").read_text())
    for path, package in lock["packages"].items():
        versions.setdefault(path.removeprefix("node_modules/"), []).append(package.get("version"))
    return versions


def rows():
    """(library, its versions) in the page's table."""
    text = (ROOT / "docs" / "libraries.md").read_text()
    return [
        (name, said.split(", "))
        for name, said in re.findall(r"^\| ([\w-]+) \| ([\d., ]+) \|", text, re.MULTILINE)
    ]


@pytest.mark.parametrize(("name", "said"), rows())
def test_the_page_names_the_locked_version(name, said):
    assert set(said) <= set(locked()[{"redis-py": "redis"}.get(name, name.lower())])


def test_no_lock_file_names_a_registry():
    lock = (PROGRAMS / "js" / "package-lock.json").read_text()
    assert '"resolved"' not in lock
    assert "http" not in (ROOT / "requirements-libraries.txt").read_text().replace("aiohttp", "")
