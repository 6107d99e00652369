"""The pytest plugin: `trivet_lab`, `trivet_cluster`, the marker `trivet_seeds`, and what failures show.

Only pytest is imported here; the rest when a fixture is used.
"""

import re
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from trivet.lab.judges.complaint import Complaint
    from trivet.lab.stage.stage import Stage
    from trivet.lab.world.options import RunOptions
    from trivet.testing.real_cluster import RealCluster

    MakeStage = Callable[..., Stage]
    MakeCluster = Callable[..., RealCluster]

TRACE_LINES = 40
LOG_LINES = 40

_stages = pytest.StashKey["list[Stage]"]()
_clusters = pytest.StashKey["list[RealCluster]"]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """The plugin's options."""
    group = parser.getgroup("trivet", "Trivet: clusters for tests")
    group.addoption(
        "--trivet-pictures",
        metavar="DIR",
        default=None,
        help="write a page for each failed run of trivet_lab",
    )
    group.addoption(
        "--trivet-seed",
        metavar="N",
        type=int,
        default=None,
        help="run tests with this seed only, to repeat a failure",
    )
    group.addoption(
        "--trivet-seeds",
        metavar="K",
        type=int,
        default=None,
        help="run tests marked trivet_seeds with K seeds",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marker."""
    config.addinivalue_line(
        "markers", "trivet_seeds(count, first=1): run the test once for each of so many seeds of trivet_lab"
    )


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One test per seed for tests that are marked."""
    marker = metafunc.definition.get_closest_marker("trivet_seeds")
    if marker is None:
        return
    if "trivet_seed" not in metafunc.fixturenames:
        raise pytest.UsageError(f"{metafunc.definition.nodeid}: trivet_seeds marks a test without trivet_lab")
    seeds = _seeds(metafunc.config, *marker.args, **marker.kwargs)
    metafunc.parametrize("trivet_seed", seeds, indirect=True, ids=[f"seed-{seed}" for seed in seeds])


def _seeds(config: pytest.Config, count: int = 10, first: int = 1) -> list[int]:
    only: int | None = config.getoption("--trivet-seed")
    if only is not None:
        return [only]
    wanted: int = config.getoption("--trivet-seeds") or count
    return list(range(first, first + wanted))


@pytest.fixture
def trivet_seed(request: pytest.FixtureRequest) -> int:
    """The seed of this run: 1, or what the marker ``trivet_seeds`` or ``--trivet-seed`` says."""
    only: int | None = request.config.getoption("--trivet-seed")
    seed: int = getattr(request, "param", 1 if only is None else only)
    return seed


@pytest.fixture
def trivet_lab(request: pytest.FixtureRequest, trivet_seed: int) -> "Iterator[MakeStage]":
    """A factory of simulated clusters: ``trivet_lab(seed=…, nodes=3, options=None) -> Stage``."""
    from trivet.lab.recording import Recorder
    from trivet.lab.stage.stage import Stage

    made: list[Stage] = request.node.stash.setdefault(_stages, [])

    def make(seed: int | None = None, nodes: int = 3, options: "RunOptions | None" = None) -> Stage:
        seed = trivet_seed if seed is None else seed
        made.append(Stage(nodes, seed, Recorder(request.node.name, seed), options))
        return made[-1]

    yield make
    for stage in made:
        stage.close()
    for stage in made:
        stage.check_left_over()


@pytest.fixture
def trivet_cluster(request: pytest.FixtureRequest, tmp_path: Path) -> "Iterator[MakeCluster]":
    """A factory of real clusters: ``trivet_cluster(nodes=3, settings="") -> RealCluster``."""
    from trivet.testing.real_cluster import RealCluster

    made: list[RealCluster] = request.node.stash.setdefault(_clusters, [])

    def make(nodes: int = 3, settings: str = "") -> RealCluster:
        made.append(RealCluster(tmp_path / f"trivet-{len(made) + 1}", nodes, settings))
        return made[-1]

    yield make
    for cluster in made:
        cluster.stop()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A failed test's report gets what its clusters went through."""
    report = yield
    if report.when in ("call", "teardown") and report.failed:
        failure = call.excinfo.exconly() if call.excinfo is not None else "failed"
        if report.when == "call":
            for stage in item.stash.get(_stages, [])[-1:]:
                report.sections += _of_stage(item, stage, failure)
        for cluster in item.stash.get(_clusters, []):
            report.sections += _of_cluster(cluster)
    return report


def _of_stage(item: pytest.Item, stage: "Stage", failure: str) -> list[tuple[str, str]]:
    seed = stage.options.seed
    lines = [f"seed {seed}, {len(stage.nodes)} nodes, {stage.now_ms:.3f} ms of virtual time", *stage.state()]
    lines += ["the end of the trace:", *stage.trace()[-TRACE_LINES:]]
    lines += ["what clients saw last:", *("  " + o.text() for o in stage.history[-TRACE_LINES:])]
    complaints = stage.judge()
    lines += [complaint.text() for complaint in complaints]
    lines.append(f"to repeat: pytest --trivet-seed {seed} {item.nodeid.split('[')[0]!r}")
    directory = item.config.getoption("--trivet-pictures")
    if directory is None:
        lines.append("for a picture add: --trivet-pictures DIR")
    else:
        lines.append(f"picture: {_draw(stage, Path(directory), item.name, failure, complaints)}")
    return [(f"trivet lab, seed {seed}", "\n".join(lines))]


def _draw(stage: "Stage", directory: Path, test: str, failure: str, complaints: "list[Complaint]") -> Path:
    plain = re.sub(r"[^A-Za-z0-9_.-]+", "-", test.split("[")[0]).strip("-")[-150:]
    return stage.draw(
        directory / f"{plain}-seed-{stage.options.seed}.html",
        title=f"{test.split('[')[0]}, seed {stage.options.seed}",
        paragraphs=[f"A simulated cluster of {len(stage.nodes)} nodes, directed by the test {test}."],
        verdict="; ".join([failure.splitlines()[0], *(complaint.sentence for complaint in complaints)]),
        good=False,
    )


def _of_cluster(cluster: "RealCluster") -> list[tuple[str, str]]:
    sections = [("trivet cluster", "\n".join([*cluster.state(), f"files: {cluster.directory}"]))]
    for node in cluster.nodes:
        tail = cluster.log(node).splitlines()[-LOG_LINES:]
        sections.append((f"log of node {node}", "\n".join(tail)))
    return sections
