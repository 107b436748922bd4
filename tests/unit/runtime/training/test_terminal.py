"""Commands that fail: one sentence with advice, an exit code, never a traceback."""

import json
from pathlib import Path

import pytest

from modelyard_crds.reasons import Reason
from modelyard_runtime.errors import TemporaryError, UserError
from modelyard_runtime.training import main
from modelyard_runtime.training.terminal import end

TABLE = "a,b\n1,2\n3,4\n5,6\n"


def failing(error: BaseException):
    def work() -> None:
        raise error

    return work


@pytest.fixture
def train(tmp_path, capsys, monkeypatch):
    """Runs the command; the exit code and what it said."""
    monkeypatch.setattr(main, "limit_threads", lambda _cpus: None)
    (tmp_path / "t.csv").write_text(TABLE)

    def run(**options: str) -> tuple[int, str]:
        given = {"dataset": f"{tmp_path}/t.csv", "intent": "Predict b", "output": f"{tmp_path}/o"}
        arguments = [f"--{name.replace('_', '-')}={value}" for name, value in
                     (given | options).items()]  # fmt: skip
        try:
            code = main.run(arguments)
        except SystemExit as stop:
            code = int(stop.code or 0)
        said = capsys.readouterr().err
        assert "Traceback" not in said
        assert len(said.strip().splitlines()) == 1
        return code, said

    return run


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (UserError(Reason.NO_ROWS, "Add rows."), 65, "NoRows: Add rows."),
        (TemporaryError(Reason.STORE_UNAVAILABLE, "Try later."), 75, "Try later."),
        (KeyboardInterrupt(), 1, "Interrupted"),
        (MemoryError(), 1, "fewer rows"),
        (OSError(28, "No space left on device", "/some/file"), 1, "/some/file: No space left"),
    ],
)
def test_each_end_has_its_code_and_one_sentence(capsys, error, code, words):
    assert end("modelyard-train", failing(error)) == code
    said = capsys.readouterr().err
    assert words in said
    assert len(said.strip().splitlines()) == 1


def test_a_fault_of_ours_is_a_sentence_and_a_file_to_report(capsys, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert end("modelyard-train", failing(IndexError("index 3")), as_json=True) == 1
    captured = capsys.readouterr()
    assert "Traceback" not in captured.err
    error = json.loads(captured.out)["error"]
    assert error["reason"] == "InternalError"
    (report,) = Path(tmp_path).glob("modelyard-train-*.log")
    assert str(report) in error["message"]
    assert "index 3" in report.read_text()


def test_work_that_succeeds_ends_with_0(capsys):
    assert end("modelyard-train", lambda: None) == 0
    assert capsys.readouterr() == ("", "")


def test_a_dataset_that_is_not_there_is_named(train):
    code, said = train(dataset="/nowhere/t.csv")
    assert code == 1
    assert "/nowhere/t.csv cannot be read (No such file or directory): check the path" in said


def test_a_folder_as_dataset_is_named(train, tmp_path):
    code, said = train(dataset=str(tmp_path))
    assert code == 1
    assert "Is a directory" in said


def test_an_output_that_takes_no_files_is_named(train, tmp_path):
    code, said = train(output=f"{tmp_path}/t.csv")
    assert code == 1
    assert "t.csv takes no files" in said
    assert "--output" in said


@pytest.mark.parametrize(
    ("option", "value", "words"),
    [
        ("input_schema", '{"a":', "expected JSON"),
        ("input_schema", "[1]", "expected an object"),
        ("output_schema", '{"b": "number"}', "type: "),
        ("output_schema", "b", "argument --output-schema"),
        ("max_iterations", "0", "whole number from 1"),
        ("metric", "speed", "invalid choice"),
    ],
)
def test_an_option_that_cannot_be_read_is_named(train, option, value, words):
    code, said = train(**{option: value})
    assert code == 1
    assert words in said
    assert said.rstrip().endswith("See modelyard-train --help.")


def test_an_unforeseen_fault_in_a_build_is_no_traceback(train, monkeypatch, tmp_path):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))

    def broken(*_arguments: object) -> None:
        msg = "boom"
        raise RuntimeError(msg)

    monkeypatch.setattr("modelyard_runtime.training.build.build_version", broken)
    code, said = train()
    assert code == 1
    assert "RuntimeError" in said
