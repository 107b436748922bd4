"""What a pod is told, and what it says at its end."""

import json
import logging

import pytest

from modelyard_crds.build import MESSAGE_MAX_BYTES, PodResult, ProfileRequest
from modelyard_crds.reasons import Reason
from modelyard_runtime.messages import JsonFormatter, read_request, write_result


def test_a_request_that_is_missing_or_wrong_is_named(monkeypatch):
    monkeypatch.delenv("MODELYARD_TEST", raising=False)
    with pytest.raises(ValueError, match="MODELYARD_TEST is not set"):
        read_request("MODELYARD_TEST", ProfileRequest)
    monkeypatch.setenv("MODELYARD_TEST", '{"namespace": "a"}')
    with pytest.raises(ValueError, match="not a ProfileRequest: dataset"):
        read_request("MODELYARD_TEST", ProfileRequest)


def test_a_long_message_fits_what_the_kubelet_keeps(tmp_path):
    path = tmp_path / "log"
    path.touch()
    write_result(PodResult(reason=Reason.TARGET_NOT_FOUND, message="größe ☃ " * 2000), path)
    assert len(path.read_bytes()) <= MESSAGE_MAX_BYTES
    assert PodResult.decode(path.read_text()) is not None


def test_outside_a_pod_nothing_is_written(tmp_path):
    write_result(PodResult(reason=Reason.READY), tmp_path / "absent")
    assert not (tmp_path / "absent").exists()


def test_log_lines_are_json_with_their_fields():
    record = logging.LogRecord("a", logging.INFO, "f", 1, "read %d rows", (5,), None)
    record.fields = {"percent": 7}
    line = json.loads(JsonFormatter().format(record))
    assert (line["level"], line["message"], line["percent"]) == ("INFO", "read 5 rows", 7)
