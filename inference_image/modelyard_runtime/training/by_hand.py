"""``modelyard-train --dataset FILE --intent TEXT --output DIR``: a build without a cluster.

The same code as in a pod, with a folder as the store and a line on the terminal for progress.
"""

import argparse
import json
import logging
import os
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, get_args

from pydantic import ValidationError

from modelyard_crds.base import NameRef
from modelyard_crds.build import ENV_PLANNER_KEY, BuildRequest, LogLine, Progress, StoreConfig
from modelyard_crds.conditions import shorten
from modelyard_crds.fields import FieldSchema, Metric, Source, Training, schema_by_name
from modelyard_crds.model import INTENT_MAX_LENGTH
from modelyard_crds.model_version import Build
from modelyard_crds.plan import PlanOverrides
from modelyard_runtime.artifacts.progress import Reporter
from modelyard_runtime.data.source import fetch_local
from modelyard_runtime.store import open_store
from modelyard_runtime.training.planner import planner_of
from modelyard_runtime.training.resources import memory_limit
from modelyard_runtime.training.terminal import Parser, expect_file, expect_writable

_BAR_WIDTH = 24
MANIFEST = "manifest.json"


def make_parser() -> argparse.ArgumentParser:
    """The options of a build by hand."""
    parser = Parser(
        prog="modelyard-train",
        description="Build a model from a file and a sentence. In a pod, the sub-commands "
        "'profile' and 'build' take their request from the environment instead.",
    )
    parser.add_argument("--dataset", type=Path, required=True, help="CSV, Parquet or JSON lines")
    parser.add_argument(
        "--intent", type=_intent, required=True, help="what to predict, in a sentence"
    )
    parser.add_argument("--input-schema", type=_schema, help='{"field": "type", …}')
    parser.add_argument("--output-schema", type=_schema, help='{"field": "type", …}')
    parser.add_argument(
        "--plan", type=_plan, help='what you decide, such as {"targets": ["price"]}'
    )
    parser.add_argument(
        "--planner-url", help=f"endpoint that may propose a plan; its key is {ENV_PLANNER_KEY}"
    )
    parser.add_argument("--planner-model", help="model that the endpoint is asked for")
    parser.add_argument("--metric", choices=get_args(Metric))
    parser.add_argument("--max-iterations", type=_positive, help="most candidates to try")
    parser.add_argument("--time-budget", type=_positive, help="search so many seconds")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output", type=Path, required=True, help="folder for the artifact")
    parser.add_argument("--json", action="store_true", help="print a JSON report")
    return parser


def run_by_hand(options: argparse.Namespace, cpus: int, started: float) -> dict[str, Any]:
    """Build, and report what came of it.

    Raises PodError as a pod's build does.
    """
    from modelyard_runtime.training.build import Job, build_version

    expect_file(options.dataset)
    expect_writable(options.output)
    fetched = fetch_local(options.dataset)
    store = open_store(StoreConfig(url=options.output.resolve().as_uri()))
    store.delete(MANIFEST)
    with tempfile.TemporaryDirectory() as folder, Reporter(_terminal, _quiet()) as reporter:
        job = Job(
            request=_request(options, fetched.digest),
            store=store,
            prefix="",
            manifest_key=MANIFEST,
            records_prefix="fits/",
            pods_secret=None,
            folder=Path(folder),
            cpus=cpus,
            memory=memory_limit(),
            started=started,
            planner=planner_of(
                options.planner_url, options.planner_model, os.environ.get(ENV_PLANNER_KEY)
            ),
        )
        built = build_version(job, lambda: fetched, reporter)
    return {
        "plan": asdict(built.plan)
        | asdict(built.plan.goals[0])
        | {
            "dropped": dict(built.plan.dropped),
            "input_schema": schema_by_name(built.plan.input_schema),
            "output_schema": schema_by_name(built.plan.output_schema),
            "outputs": [output.to_json() for output in built.plan.outputs],
        },
        "metrics": built.manifest.metrics,
        "algorithm": built.manifest.training_info.algorithm,
        "candidates": built.manifest.training_info.candidates,
        "feature_importance": built.manifest.training_info.feature_importance,
        "onnx_difference": built.difference,
        "learning_seconds": round(built.learning_seconds, 2),
        "seconds": built.manifest.training_info.training_seconds,
        "output": str(options.output),
    }


def summary(report: dict[str, Any]) -> str:
    """The report in a few lines, for a terminal."""
    plan = report["plan"]
    figures = ", ".join(f"{name} {value:.4g}" for name, value in report["metrics"].items())
    targets = ", ".join(f"{goal['target']} ({goal['task']})" for goal in plan["goals"])
    lines = [
        f"{report['algorithm']} predicts {targets}: {figures}",
        *(f"warning: {warning}" for warning in plan["warnings"]),
        f"{report['candidates']} candidates in {report['seconds']:.1f} s → {report['output']}",
    ]
    return "\n".join(lines)


def _request(options: argparse.Namespace, digest: str) -> BuildRequest:
    training = Training(
        metric=options.metric,
        max_iterations=options.max_iterations,
        time_budget=f"{options.time_budget}s" if options.time_budget else None,
        seed=options.seed,
    )
    build = Build(
        intent=options.intent,
        dataset_ref=NameRef(name=options.dataset.name),
        dataset_digest=digest,
        source=Source(),
        input_schema=options.input_schema,
        output_schema=options.output_schema,
        training=training,
        plan=options.plan,
    )
    return BuildRequest(
        namespace="local",
        model=options.dataset.stem,
        version=1,
        version_uid="local",
        job_id="local",
        build=build,
    )


def _intent(text: str) -> str:
    if not 0 < len(text.strip()) <= INTENT_MAX_LENGTH:
        said = f"{len(text)} characters" if text.strip() else "nothing"
        msg = f"expected a sentence of at most {INTENT_MAX_LENGTH} characters, got {said}"
        raise argparse.ArgumentTypeError(msg)
    return text


def _positive(text: str) -> int:
    if not text.isdigit() or int(text) == 0:
        msg = f"expected a whole number from 1, got {text!r}"
        raise argparse.ArgumentTypeError(msg)
    return int(text)


def _plan(text: str) -> PlanOverrides:
    try:
        return PlanOverrides.model_validate_json(text, extra="forbid")
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "plan"
        msg = f'{where}: {first["msg"]}; expected JSON such as {{"targets": ["price"]}}'
        raise argparse.ArgumentTypeError(msg) from error


def _schema(text: str) -> list[FieldSchema]:
    try:
        given = json.loads(text)
        return [
            FieldSchema.model_validate(
                {"name": name, **(value if isinstance(value, dict) else {"type": value})}
            )
            for name, value in given.items()
        ]
    except json.JSONDecodeError as error:
        msg = f'expected JSON such as {{"age": "integer"}}, got {shorten(text, 60)!r}: {error}'
        raise argparse.ArgumentTypeError(msg) from error
    except AttributeError as error:
        msg = f'expected an object such as {{"age": "integer"}}, got {shorten(text, 60)!r}'
        raise argparse.ArgumentTypeError(msg) from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        msg = f'{where}: {first["msg"]}; expected JSON such as {{"age": "integer"}}'
        raise argparse.ArgumentTypeError(msg) from error


def _terminal(progress: Progress, _lines: Sequence[LogLine]) -> None:
    if not sys.stderr.isatty():
        return
    filled = round(_BAR_WIDTH * progress.percent / 100)
    bar = "█" * filled + "░" * (_BAR_WIDTH - filled)
    end = "\n" if progress.percent == 100 else ""  # noqa: PLR2004 - percent
    sys.stderr.write(f"\r\x1b[K{bar} {progress.percent:3} % {progress.step}{end}")
    sys.stderr.flush()


def _quiet() -> logging.Logger:
    """By hand the terminal shows progress and the summary, not the log."""
    logger = logging.getLogger("modelyard_runtime.by_hand")
    logger.propagate = False
    logger.addHandler(logging.NullHandler())
    return logger
