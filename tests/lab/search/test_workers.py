"""Worker processes: outcomes in order, and no run that ends without a word."""

from collections.abc import Iterator

from failing_runs import raising

from trivet.lab.search.workers import Crew, outcomes, perform
from trivet.lab.world.options import RunOptions, draw_options

LONG = draw_options(1, 3, 100_000)


def test_workers_give_what_one_process_gives_and_in_order() -> None:
    tasks = [draw_options(seed, 3, 20) for seed in (3, 2, 1)]
    here = [outcome.result for outcome in outcomes(tasks, 0)]
    there = [outcome.result for outcome in outcomes(tasks, 2)]
    assert [result.digest for result in there if result] == [result.digest for result in here if result]
    assert [result.options.seed for result in there if result] == [3, 2, 1]


def test_an_exception_is_an_outcome_with_its_options_and_traceback() -> None:
    tasks = [draw_options(1, 3, 10), raising(2), draw_options(3, 3, 10)]
    for jobs in (0, 2):
        found = list(outcomes(tasks, jobs))
        assert [outcome.options.seed for outcome in found] == [1, 2, 3]
        assert [outcome.failed() for outcome in found] == [False, True, False]
        assert found[1].result is None
        assert "Traceback" in found[1].error
        assert found[1].error.strip().splitlines()[-1].startswith("ValueError")


def test_a_worker_that_is_killed_is_told_of_and_replaced() -> None:
    crew = Crew(2)

    def tasks() -> Iterator[RunOptions]:
        yield LONG
        crew.workers[0].process.kill()  # it has had the first run since just now
        yield draw_options(2, 3, 10)
        yield draw_options(3, 3, 10)

    try:
        found = list(crew.work_on(tasks()))
    finally:
        crew.dismiss()
    assert found[0].options == LONG
    assert found[0].error == "the worker process died: killed by SIGKILL (out of memory?)"
    assert [outcome.failed() for outcome in found] == [True, False, False]


def test_a_campaign_closed_early_leaves_no_process_behind() -> None:
    running = outcomes((draw_options(seed, 3, 10) for seed in range(1, 1000)), 2)
    assert next(running).options.seed == 1
    running.close()


def test_a_run_performed_here_is_the_same_run() -> None:
    options = draw_options(9, 3, 30)
    first, second = perform(options).result, perform(options).result
    assert first is not None
    assert second is not None
    assert first.digest == second.digest
