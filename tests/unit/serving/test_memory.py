"""An hour of one row and of ten thousand in turn, in every format: memory stays (pitfall 5.3).

With all that a pod can be asked for besides: explanations, counts for drift, the log of a sample.
"""

from __future__ import annotations

import io
import json
import random
import sys
import time
from pathlib import Path

import httpx
import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest

from modelyard_crds import model_deployment
from modelyard_crds.build import ENV_POD_UID, ManifestFile
from modelyard_runtime.artifacts.statistics import statistics_of
from modelyard_runtime.data.table import Column, Table
from support.serving_pod import Pod
from support.soak import scaled
from unit.serving.conftest import EXAMPLE, Version, digest, table

SECONDS = scaled(3600)
#: Until then every path was taken some times and the allocator has what it needs.
WARM_UP_SHARE = 0.2
GROWTH_MEBI = 50
MOST_ROWS = 10_000
REPORT_SECONDS = 10

ARROW = "application/vnd.apache.arrow.stream"
PARQUET = "application/vnd.apache.parquet"
MEDIA = ("application/json", "application/x-ndjson", "text/csv", ARROW, PARQUET)


def body(media: str, rows: int) -> bytes:
    row = json.dumps(EXAMPLE)
    match media:
        case "application/json":
            return f"[{','.join([row] * rows)}]".encode()
        case "application/x-ndjson":
            return "\n".join([row] * rows).encode()
        case "text/csv":
            cells = ",".join(str(value) for value in EXAMPLE.values())
            return "\n".join([",".join(EXAMPLE), *[cells] * rows]).encode()
    columns = pa.table({name: [value] * rows for name, value in EXAMPLE.items()})
    sink = io.BytesIO()
    if media == PARQUET:
        pyarrow.parquet.write_table(columns, sink)
    else:
        with pa.ipc.new_stream(sink, columns.schema) as writer:
            writer.write_table(columns)
    return sink.getvalue()


def watched(version: Version) -> Version:
    """The same version with statistics to count by, deployed with a log of every row."""
    numbers, texts = table()
    labels, codes = sorted(set(texts[:, 0])), texts[:, 0]
    columns = (
        Column("age", "float", numbers[:, 0]),
        Column("plan", "string", np.searchsorted(labels, codes.astype(str)), tuple(labels)),
    )
    content = statistics_of(Table(columns, len(numbers)), ["age", "plan"], columns[:1], {})
    file = ManifestFile(
        name="statistics.json",
        key="builds/uid-1/pod/statistics.json",
        digest=digest(content),
        size_bytes=len(content),
    )
    (version.store / file.key).write_bytes(content)
    files = [*version.manifest.files, file]
    manifest = version.manifest.model_copy(update={"files": files})
    written = manifest.model_dump_json(by_alias=True).encode()
    version.manifest_path.write_bytes(written)
    request = version.request.model_copy(
        update={
            "manifest_digest": digest(written),
            "deployment_uid": "deployment",
            "prediction_log": model_deployment.PredictionLog(sample_rate=1),
        }
    )
    return version._replace(manifest=manifest, request=request)


def ask(client: httpx.Client, source: random.Random) -> None:
    if source.random() < 0.3:
        answer = client.post("/infer?explain=true", json=EXAMPLE)
    else:
        media, rows = source.choice(MEDIA), source.choice([1, 1, 1, 100, MOST_ROWS])
        headers = {"content-type": media}
        answer = client.post("/predictions", content=body(media, rows), headers=headers)
    assert answer.status_code == 200


@pytest.mark.soak
@pytest.mark.timeout(SECONDS + 600)
def test_memory_is_what_it_was_at_first(version: Version, tmp_path: Path) -> None:
    deployed = watched(version)
    arguments = ("--drain-seconds=0", f"--report-seconds={REPORT_SECONDS}")
    pod = Pod(deployed.request, deployed.secret, tmp_path, *arguments, **{ENV_POD_UID: "pod"})
    source = random.Random(0)  # noqa: S311 - a mix, nothing secret
    try:
        pod.wait_ready()
        began, settled, asked = time.monotonic(), None, 0
        with httpx.Client(base_url=f"http://127.0.0.1:{pod.port}", timeout=120) as client:
            while (passed := time.monotonic() - began) < SECONDS:
                ask(client, source)
                asked += 1
                if settled is None and passed > SECONDS * WARM_UP_SHARE:
                    settled = pod.rss_mebi()
            counted = client.get("/metrics").text
        assert settled is not None
        resident = pod.rss_mebi()
        report = f"{asked} requests in {SECONDS} s: {settled:.0f} MiB, then {resident:.0f} MiB"
        sys.stderr.write(report)
    finally:
        pod.process.kill()
        pod.end()
    assert resident - settled < GROWTH_MEBI
    assert any(
        line.startswith("modelyard_prediction_log_written_total") and not line.endswith(" 0.0")
        for line in counted.splitlines()
    )
    assert "modelyard_column_stability_index{" in counted
