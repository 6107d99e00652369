"""What the benchmarks share."""

import argparse
import re

import pytest

from bench.frame import DOCS, begin_load, generate, measured_by, parser_of
from bench.peers import PeerError


def test_a_generator_that_fails_is_told_in_its_own_last_words():
    with pytest.raises(PeerError, match="unrecognized arguments: --nonsense"):
        generate("bench.load", ["--op", "set", "--nonsense"], ["127.0.0.1:1"], 0.1)


def test_load_that_does_not_begin(capfd):
    with pytest.raises(PeerError, match="did not begin"):
        begin_load("bench.watched", ["--nonsense"], ["127.0.0.1:1"])
    assert "--out" in capfd.readouterr().err


def test_what_stands_above_the_tables():
    options = argparse.Namespace(rounds=3, seconds=0.70)
    line = measured_by("registers", options, 0.24)
    assert line.startswith("Measured 20")
    assert line.endswith(
        ", load generators included, by `python -m bench.registers --rounds 3 --seconds 0.7`; "
        "before it began, 0.2 processes wanted each core."
    )
    said = r", load generators included, by `python -m bench\.registers --rounds [3-9] --seconds "
    assert re.search(said, DOCS.read_text())


def test_words_that_all_take():
    options = parser_of("pauses", "One line.\n\nMore.").parse_args(["--quick"])
    assert (options.rounds, options.quick, options.dir.name) == (3, True, "pauses")
