"""What a Dataset's status shows of a table."""

from modelyard_crds.build import Profile
from modelyard_crds.dataset import ColumnStatus
from modelyard_crds.fields import MAX_COLUMNS
from modelyard_runtime.data.reading import Reading
from modelyard_runtime.data.source import Fetched
from modelyard_runtime.data.table import Column


def profile_of(fetched: Fetched, reading: Reading) -> Profile:
    """The profile of a table; of a wide one the first columns are described."""
    table = reading.table
    return Profile(
        digest=fetched.digest,
        rows=table.rows,
        size_bytes=fetched.size_bytes,
        column_count=len(table.columns),
        columns=[_column_status(column) for column in table.columns[:MAX_COLUMNS]],
        format=reading.format,
    )


def _column_status(column: Column) -> ColumnStatus:
    return ColumnStatus(
        name=column.name,
        type=column.type,
        nullable=bool(column.missing.any()),
        distinct=column.distinct,
    )
