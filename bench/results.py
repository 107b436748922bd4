"""Results of long benchmarks, kept from run to run, so that an interrupted one goes on.

One JSON line a result; the key says all that it depends on, the code of the product included.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from environments import CACHE

ROOT = Path(__file__).parents[1]
#: What decides how good and how fast a build is.
_CODE = ("inference_image/modelyard_runtime", "crds/modelyard_crds", "uv.lock")


class Results:
    """The results that are known, by key."""

    def __init__(self, path: Path = CACHE / "training.jsonl", *, fresh: bool = False) -> None:
        self._path = path
        self._known: dict[str, Any] = {}
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists() and not fresh:
            records = map(json.loads, path.read_text().splitlines())
            self._known = {record["key"]: record["value"] for record in records}

    def get(self, key: str) -> Any:
        """The value of a key, or None."""
        return self._known.get(key)

    def put(self, key: str, value: Any) -> None:
        """Keep a value, at once on disk."""
        self._known[key] = value
        with self._path.open("a") as file:
            file.write(json.dumps({"key": key, "value": value}) + "\n")


def code_version(root: Path = ROOT) -> str:
    """A digest of the code that builds models."""
    digest = hashlib.sha256()
    for name in _CODE:
        path = root / name
        files = sorted(path.rglob("*.py")) if path.is_dir() else [path]
        for file in files:
            if "serving" not in file.parts:
                digest.update(file.read_bytes())
    return digest.hexdigest()[:12]
