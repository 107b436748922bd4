"""``modelyard-predict --model DIR --input FILE``: predictions without a cluster.

The folder is what ``modelyard-train --output`` left; rows pass the checks, the encoding and the
graph of serving, so that a prediction by hand is the served one.
"""

import argparse
import csv
import json
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Any, NamedTuple

from modelyard_crds.build import Head, Manifest, Output, ServeRequest, StoreConfig
from modelyard_crds.reasons import Reason
from modelyard_runtime.artifacts.publish import digest_of
from modelyard_runtime.data.objects import objects_of
from modelyard_runtime.data.reading import read_inputs
from modelyard_runtime.data.source import fetch_local
from modelyard_runtime.errors import UserError
from modelyard_runtime.serving.artifact import Artifact, fetch_artifact, read_manifest
from modelyard_runtime.serving.errors import InvalidRowsError
from modelyard_runtime.serving.predictor import Predictor
from modelyard_runtime.serving.values import Row
from modelyard_runtime.store import open_store
from modelyard_runtime.training.by_hand import MANIFEST
from modelyard_runtime.training.terminal import CommandError, Parser, end, expect_file

PROGRAM = "modelyard-predict"
CHUNK_ROWS = 10_000
JSON_LINES = {".jsonl", ".ndjson", ".json"}
MAX_NAMED = 5


class _Work(NamedTuple):
    predictor: Predictor
    rows: list[Row]
    columns: list[str]


def main() -> None:
    """Run the command line and exit with its code."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """Do what the arguments say; the exit code."""
    options = make_parser().parse_args(arguments)
    return end(PROGRAM, lambda: predict(options))


def make_parser() -> argparse.ArgumentParser:
    """The options of predictions by hand."""
    parser = Parser(prog=PROGRAM, description="Predict the rows of a file, in their order.")
    parser.add_argument("--model", type=Path, required=True, help="folder of modelyard-train")
    parser.add_argument("--input", type=Path, required=True, help="CSV, Parquet or JSON lines")
    parser.add_argument(
        "--output", type=Path, help="CSV, or JSON lines where it ends with .jsonl (default: stdout)"
    )
    return parser


def predict(options: argparse.Namespace) -> None:
    """Write a prediction for each row of the input; nothing is written where a row is refused.

    Raises PodError naming the row and the field that do not fit.
    """
    expect_file(options.input)
    artifact = open_artifact(options.model)
    work = _prepare(artifact, options.input)
    if options.output is None:
        _write(work, sys.stdout, as_json=False)
        return
    with options.output.open("w", encoding="utf-8", newline="") as file:
        _write(work, file, as_json=options.output.suffix.lower() in JSON_LINES)


def open_artifact(folder: Path) -> Artifact:
    """The artifact in a folder, verified like one that is served."""
    path = folder / MANIFEST
    if not path.is_file():
        raise CommandError(
            Reason.ARTIFACT_MISSING,
            f"{folder} holds no {MANIFEST}: name the folder that modelyard-train --output wrote.",
        )
    content = path.read_bytes()
    manifest = read_manifest(content)
    request = ServeRequest(
        namespace=manifest.namespace,
        model=manifest.model,
        version=manifest.version,
        manifest_key=MANIFEST,
        manifest_digest=digest_of(content),
    )
    return fetch_artifact(open_store(StoreConfig(url=folder.resolve().as_uri())), request)


def with_all_classes(manifest: Manifest) -> Manifest:
    """The manifest with the class and the probability of each class among its outputs.

    A map of all probabilities gives way to a column each.
    """
    outputs = list(manifest.outputs)
    for head in manifest.all_heads:
        if head.classes:
            outputs = _with_classes(outputs, head, several=bool(manifest.heads))
    return manifest.model_copy(update={"outputs": outputs})


def _with_classes(outputs: list[Output], head: Head, *, several: bool) -> list[Output]:
    target = head.target if several else None
    names = {output.name for output in outputs}
    own = [output for output in outputs if output.target == target]
    kept = [output for output in outputs if output not in own or output.source != "probabilities"]
    if not any(output.source == "class" for output in own):
        name = f"predicted_{head.target}" if head.target in names else head.target
        kept.append(Output(name=name, source="class", target=target))
    each = [
        Output(
            name=f"{head.target}_probability_{label}",
            source="probability",
            label=label,
            target=target,
        )
        for label in head.classes
    ]
    return kept + [output for output in each if output.name not in names]


def _prepare(artifact: Artifact, path: Path) -> _Work:
    manifest = with_all_classes(artifact.manifest)
    types = {field.name: field.type for field in manifest.input_schema}
    with tempfile.TemporaryDirectory() as folder:
        table = read_inputs(fetch_local(path), types, Path(folder))
    for warning in table.warnings:
        sys.stderr.write(f"warning: {warning}\n")
    predictor = Predictor(manifest, artifact.model, max_rows=table.rows)
    try:
        rows = predictor.rows_of(objects_of(table)).rows
    except InvalidRowsError as error:
        raise _refused(path.name, error) from error
    return _Work(predictor, rows, [output.name for output in manifest.outputs])


def _refused(name: str, error: InvalidRowsError) -> UserError:
    """Rows count from 1 here: the first is the one below the header."""
    shown = [
        f"row {fault.row + 1}, field {fault.field!r}: {fault.message}"
        for fault in error.faults[:MAX_NAMED]
    ]
    more = "; and more" if len(error.faults) > MAX_NAMED else ""
    return UserError(
        Reason.TYPE_MISMATCH,
        f"{name} does not follow the model's input schema: {'; '.join(shown)}{more}. "
        "Correct these cells.",
    )


def _write(work: _Work, file: IO[str], *, as_json: bool) -> None:
    if as_json:
        file.writelines(f"{result.decode()}\n" for result in _results(work))
        return
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(work.columns)
    writer.writerows(map(_cell, json.loads(result).values()) for result in _results(work))


def _results(work: _Work) -> Iterator[bytes]:
    for start in range(0, len(work.rows), CHUNK_ROWS):
        yield from work.predictor.results(work.rows[start : start + CHUNK_ROWS])


def _cell(value: Any) -> Any:
    return str(value).lower() if isinstance(value, bool) else value
