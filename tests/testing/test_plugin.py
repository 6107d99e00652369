"""The plugin in pytest runs of its own: seeds, options, what failures show."""

import pytest

from trivet.lab.stage import virtual_redis  # noqa: F401 (what runs inside share is imported once)
from trivet.testing import real_cluster  # noqa: F401

pytest_plugins = ["pytester"]

PLAIN = ("-p", "no:cacheprovider", "-p", "no:hypothesispytest")
"""Hypothesis is slow to load, and would be loaded in each run."""

LOSES = """
    import pytest

    @pytest.mark.trivet_seeds(4)
    def test_seeds(trivet_lab):
        stage = trivet_lab()
        client = stage.client()
        client.set("x", stage.options.seed)
        assert client.get("x") != b"3"
"""


@pytest.fixture
def run(pytester):
    """Run a test file in a pytest of its own; its result."""

    def go(source, *options, apart=False):
        pytester.makepyfile(source)
        if apart:
            return pytester.runpytest_subprocess(*PLAIN, *options, timeout=180)
        return pytester.runpytest_inprocess(*PLAIN, *options)

    return go


def test_a_failing_seed_is_named_and_shown(run):
    result = run(LOSES)
    result.assert_outcomes(passed=3, failed=1)
    result.stdout.fnmatch_lines(
        [
            "*trivet lab, seed 3*",
            "seed 3, 3 nodes, * ms of virtual time",
            "node 1*: * term 1 *",
            "the end of the trace:",
            "* ms  node 1  starts",
            "what clients saw last:",
            "*op 0 client 1 node *: SET x 3 OK*",
            "to repeat: pytest --trivet-seed 3 *test_seeds*",
            "for a picture add: --trivet-pictures DIR",
            "FAILED *test_seeds[[]seed-3[]]*",
        ]
    )


def test_one_seed_or_more_of_them(run):
    run(LOSES, "--trivet-seed", "3").assert_outcomes(failed=1)
    run(LOSES, "--trivet-seed", "7").assert_outcomes(passed=1)
    run(LOSES, "--trivet-seeds", "9").assert_outcomes(passed=8, failed=1)


def test_the_marker_needs_the_fixture(run):
    result = run(
        """
        import pytest

        @pytest.mark.trivet_seeds(2)
        def test_nothing():
            pass
        """
    )
    result.stdout.fnmatch_lines(["*trivet_seeds marks a test without trivet_lab*"])


def test_a_test_can_make_several_stages_and_the_last_is_shown(run):
    result = run(
        """
        def test_many(trivet_lab):
            for seed in range(1, 9):
                assert trivet_lab(seed=seed, nodes=5).leader() and seed < 4
        """
    )
    result.stdout.fnmatch_lines(["seed 4, 5 nodes, * ms of virtual time"])
    assert "seed 3, 5 nodes" not in result.stdout.str()


def test_a_task_that_nobody_joined_fails_the_test(run):
    result = run(
        """
        def test_forgotten(trivet_lab):
            stage = trivet_lab()

            def fail():
                raise ValueError("lost")

            stage.spawn(fail, name="orphan")
            stage.run_for(10)
        """
    )
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["*task orphan failed, and nobody joined it*"])


def test_a_page_is_written_for_a_failure(run, pytester):
    pytest.importorskip("trivet.lab.pictures.page")
    result = run(LOSES, "--trivet-pictures", "pages")
    (page,) = (pytester.path / "pages").iterdir()
    assert page.name == "test_seeds-seed-3.html"
    result.stdout.fnmatch_lines([f"picture: *{page.name}"])
    text = page.read_text()
    assert "SET x 3" in text
    assert "test_seeds, seed 3" in text


def test_runs_without_the_fixtures_import_nothing_of_ours(run):
    result = run(
        """
        import sys

        def test_plain():
            assert not [name for name in sys.modules if name.startswith("trivet.lab")]
            assert "redis" not in sys.modules
        """,
        apart=True,
    )
    result.assert_outcomes(passed=1)


@pytest.mark.cluster
@pytest.mark.xdist_group("cluster")
def test_a_failure_with_real_processes_shows_their_logs(run):
    result = run(
        """
        def test_real(trivet_cluster):
            cluster = trivet_cluster(nodes=1)
            cluster.kill(cluster.leader())
            assert cluster.alive(1)
        """
    )
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        ["*trivet cluster*", "node 1 (pid 0, port *): dead", "files: *", "*log of node 1*"]
    )
