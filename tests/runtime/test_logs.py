"""Log lines, for people and for machines."""

import io
import json
import logging
import re
import sys

import pytest

from trivet.runtime import logs


def said(monkeypatch: pytest.MonkeyPatch, form: str) -> str:
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    logs.set_up(3, "warning", form)
    logger = logging.getLogger("trivet.node")
    logger.info("not this")
    logger.warning("link to %d lost", 2)
    try:
        raise ValueError("odd")
    except ValueError as error:
        logger.critical("a defect", exc_info=error)
    logging.getLogger("trivet").handlers = []
    return stream.getvalue()


def test_text(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = said(monkeypatch, "text").splitlines()
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}Z node 3 WARNING link to 2 lost", lines[0])
    assert lines[-1] == "ValueError: odd"


def test_json(monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = (json.loads(line) for line in said(monkeypatch, "json").splitlines())
    assert first["text"] == "link to 2 lost"
    assert (first["node"], first["level"], first["logger"]) == (3, "warning", "trivet.node")
    assert "ValueError: odd" in second["trace"]
