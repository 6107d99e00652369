"""Tests that start real processes keep to one worker: see ``tests/conftest.py``."""

from tests.conftest import ROOT, group_of, groups_in

MARK = "pytest.mark.xdist_" + 'group("'


def test_the_mark_of_a_file_holds_for_all_its_tests():
    assert group_of("tests/cluster/test_up.py::test_one_node_and_five[1]") == "cluster"
    assert group_of("tests/libraries/test_celery.py::test_celery[one-time]") == "libraries"
    assert group_of("tests/core/base/test_prng.py::test_anything") == ""


def test_the_mark_of_a_test_holds_for_it_alone():
    assert group_of("tests/testing/test_docs.py::test_real_processes") == "cluster"
    assert group_of("tests/testing/test_docs.py::test_the_cure_cures[a::b]") == ""


def test_no_mark_is_overlooked():
    for path in (ROOT / "tests").rglob("test_*.py"):
        marks = path.read_text().count(MARK)
        of_file, of_tests = groups_in(str(path.relative_to(ROOT)))
        assert marks == bool(of_file) + len(of_tests), path
