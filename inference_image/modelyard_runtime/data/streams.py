"""What the reader of each format gives: the columns of a file, and its rows in batches."""

from collections.abc import Iterator
from typing import NamedTuple

import pyarrow as pa


class Stream(NamedTuple):
    """One file; taking the batches raises UserError where a row does not fit."""

    schema: pa.Schema
    batches: Iterator[pa.RecordBatch]
