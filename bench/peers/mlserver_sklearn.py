"""MLServer, in process (no parallel workers): writes its settings and becomes ``mlserver start``.

``mlserver_sklearn.py PORT``.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

FOLDER = Path(os.environ["BENCH_FOLDER"])

if __name__ == "__main__":
    home = FOLDER / "mlserver"
    home.mkdir()
    settings = {
        "host": "127.0.0.1",
        "http_port": int(sys.argv[1]),
        "grpc_port": int(sys.argv[1]) + 1,
        "metrics_port": int(sys.argv[1]) + 2,
        "parallel_workers": 0,
        "debug": False,
    }
    model = {
        "name": "bench",
        "implementation": "mlserver_sklearn.SKLearnModel",
        "parameters": {"uri": str(FOLDER / "pipeline.joblib"), "content_type": "pd"},
    }
    (home / "settings.json").write_text(json.dumps(settings))
    (home / "model-settings.json").write_text(json.dumps(model))
    command = str(Path(sys.executable).parent / "mlserver")
    os.execv(command, [command, "start", str(home)])  # noqa: S606 - no shell is wanted
