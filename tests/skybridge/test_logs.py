"""Log lines are one JSON object each, whatever they say."""

import json
import logging

import pytest

from skybridge.logs import JsonFormatter


@pytest.mark.parametrize("facts", [{"path": "\ud800"}, {"size": 2**70}, {"path": "a\nb"}])
def test_a_line_is_json(facts):
    record = logging.LogRecord("skybridge", logging.INFO, "", 0, "said %s", ("\udfff",), None)
    record.facts = facts
    line = JsonFormatter().format(record)
    assert "\n" not in line
    assert json.loads(line) == json.loads(line) | {"level": "INFO", "message": "said \udfff"} | facts
