"""Environments of the benchmarks' own: peers and tables that are no dependencies of the product.

Each is made on first use in the user's cache folder, and anew when what it holds changes.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "modelyard" / "bench"


def script(name: str) -> str:
    """A command of this environment."""
    return str(Path(sys.executable).parent / name)


def interpreter(name: str, requirements: Sequence[str]) -> str:
    """The interpreter of an environment that has the requirements."""
    return str(_made(name, requirements, _make_environment) / "bin" / "python")


def unpacked(name: str, requirements: Sequence[str]) -> Path:
    """A folder with the files of some packages, without what they depend on."""
    return _made(name, requirements, _unpack)


def _made(name: str, requirements: Sequence[str], make: Callable[[Path, list[str]], None]) -> Path:
    home, text = CACHE / name, "\n".join(requirements)
    complete = home / "complete"
    if not complete.exists() or complete.read_text() != text:
        print(f"installing {' '.join(requirements)}", flush=True)
        make(home, list(requirements))
        complete.write_text(text)
    return home


def _make_environment(home: Path, requirements: list[str]) -> None:
    _uv("venv", "--clear", "--python", sys.executable, str(home))
    _uv("pip", "install", "--python", str(home / "bin" / "python"), *requirements)


def _unpack(home: Path, requirements: list[str]) -> None:
    _uv(
        *("pip", "install", "--no-deps", "--python", sys.executable, "--target", str(home)),
        *requirements,
    )


def _uv(command: str, *words: str) -> None:
    subprocess.run([script("uv"), command, "--quiet", *words], check=True)
