"""Environments of the benchmarks' own: peers and tables that are no dependencies of the product.

Each is made on first use in the user's cache folder, a new one when what it holds changes.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

ROOT = Path(__file__).parents[1]
CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "modelyard" / "bench"


def script(name: str) -> str:
    """A command of this environment."""
    return str(Path(sys.executable).parent / name)


def interpreter(name: str, requirements: Sequence[str]) -> str:
    """The interpreter of an environment that has the requirements."""
    return str(_made(name, requirements, _make_environment) / "bin" / "python")


def product(name: str) -> str:
    """A command of the product, where nothing is installed that its image does not have.

    LightGBM and scikit-learn import pandas where there is one, which takes a second.
    """
    lock = hashlib.sha256((ROOT / "uv.lock").read_bytes()).hexdigest()
    return str(_made("product", [str(ROOT), lock], _sync) / "bin" / name)


def unpacked(name: str, requirements: Sequence[str]) -> Path:
    """A folder with the files of some packages, without what they depend on."""
    return _made(name, requirements, _unpack)


def _made(name: str, requirements: Sequence[str], make: Callable[[Path, list[str]], None]) -> Path:
    digest = hashlib.sha256("\n".join(requirements).encode()).hexdigest()
    # A folder for each: checkouts that want different ones do not take them from each other.
    home = CACHE / f"{name}-{digest[:8]}"
    complete = home / "complete"
    if not complete.exists():
        print(f"installing the environment {name!r}", flush=True)
        make(home, list(requirements))
        complete.touch()
    return home


def _make_environment(home: Path, requirements: list[str]) -> None:
    _uv("venv", "--clear", "--python", sys.executable, str(home))
    _uv("pip", "install", "--python", str(home / "bin" / "python"), *requirements)


def _sync(home: Path, _requirements: list[str]) -> None:
    subprocess.run(
        [
            *(script("uv"), "sync", "--quiet", "--frozen", "--no-dev", "--compile-bytecode"),
            *("--extra", "training"),
        ],
        cwd=ROOT,
        env={**os.environ, "UV_PROJECT_ENVIRONMENT": str(home)},
        check=True,
    )


def _unpack(home: Path, requirements: list[str]) -> None:
    _uv(
        *("pip", "install", "--no-deps", "--python", sys.executable, "--target", str(home)),
        *requirements,
    )


def _uv(command: str, *words: str) -> None:
    subprocess.run([script("uv"), command, "--quiet", *words], check=True)
