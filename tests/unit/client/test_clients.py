"""Both clients have the same words; what they can send as a table; no server comes with them."""

from __future__ import annotations

import inspect
import subprocess
import sys
from pathlib import Path

import pytest

import modelyard
from modelyard.data import content_of

PAIRS = [(modelyard.Client, modelyard.AsyncClient), (modelyard.Model, modelyard.AsyncModel)]


def methods(of: type) -> dict[str, list[str]]:
    found = inspect.getmembers(of, inspect.isfunction)
    return {
        name: list(inspect.signature(function).parameters)
        for name, function in found
        if not name.startswith("_")
    }


@pytest.mark.parametrize(("sync", "asynchronous"), PAIRS)
def test_both_have_the_same_methods(sync: type, asynchronous: type) -> None:
    assert methods(sync) == methods(asynchronous)


class Frame:
    def to_csv(self, *, index: bool) -> str:
        return "a,b\n1,2\n" if not index else ""


class Columns:
    def write_csv(self) -> str:
        return "a,b\n1,2\n"


@pytest.mark.parametrize(
    "table", [b"a,b\n1,2\n", Frame(), Columns(), [{"a": 1, "b": 2}]], ids=lambda t: type(t).__name__
)
def test_what_a_table_can_be(table: bytes | Frame) -> None:
    content = content_of(table)
    assert content.open().read() == content.open().read() == b"a,b\n1,2\n"


def test_what_is_no_table() -> None:
    with pytest.raises(TypeError, match="int is no table"):
        content_of(3)  # type: ignore[arg-type]
    with pytest.raises(FileNotFoundError, match="nowhere"):
        content_of(Path("nowhere.csv"))


def test_no_server_comes_with_the_client() -> None:
    servers = {"fastapi", "starlette", "uvicorn", "aiohttp", "kubernetes", "obstore", "msgspec"}
    program = "import sys, modelyard; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert not servers & set(done.stdout.split())
