"""What a Dataset's status shows of its content; one column at a time is in memory.

Called by the profiling job.
"""

from itertools import islice
from pathlib import Path

from modelyard_crds.build import Profile
from modelyard_crds.dataset import ColumnStatus, DatasetFormat
from modelyard_crds.fields import MAX_COLUMNS
from modelyard_runtime.data.files import spool_files
from modelyard_runtime.data.reading import typed_columns
from modelyard_runtime.data.sampling import WITHOUT_LIMIT, Room, Sample, rows_to_look_at
from modelyard_runtime.data.source import Fetched
from modelyard_runtime.data.table import Column


def profile_of(
    fetched: Fetched, stated: DatasetFormat, folder: Path, room: Room = WITHOUT_LIMIT
) -> Profile:
    """The profile of some files; of a wide table the first columns are described.

    Raises UserError with the reason and the file, row or column that does not fit.
    """
    plains, rows = spool_files(fetched, stated, folder)
    sample = Sample(seen=rows_to_look_at(rows, room))
    columns = typed_columns(plains[0].kind, rows, {}, sample)
    return Profile(
        digest=fetched.digest,
        rows=rows.total,
        size_bytes=fetched.size_bytes,
        column_count=len(rows.schema),
        columns=[_column_status(column) for column in islice(columns, MAX_COLUMNS)],
        format=plains[0].kind,
    )


def _column_status(column: Column) -> ColumnStatus:
    return ColumnStatus(
        name=column.name,
        type=column.type,
        nullable=bool(column.missing.any()),
        distinct=column.distinct,
    )
