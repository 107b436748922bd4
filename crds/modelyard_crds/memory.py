"""How much memory a build takes for so many rows and columns: one estimate for both sides.

The operator gives a pod by it what it asks for; the pod draws as many rows as fit into what it
was given. ``bench/large_table.py`` measures it.
"""

MEBI = 1024 * 1024

#: The interpreter and its libraries, the models of a search, and their conversion.
BASE_BYTES = 640 * MEBI
#: One cell of a table that is learnt from: a typed column (8 bytes), the inputs of the graph and
#: the matrix (4 each), and what folds, fits, one-hot columns and the comparison of graphs take.
#: With 96 a build of 5,000,000 rows was ended in its 4 GiB.
CELL_BYTES = 256
#: Finding the type of a column, with all its rows at hand: what each row takes, ...
TYPING_ROW_BYTES = 48
#: ... and how many copies of its text.
TYPING_COPIES = 4
#: Fewer rows than this are never left out: the pod is too small for the columns instead.
LEAST_ROWS = 10_000
#: From so many cells on fits run one after the other in a pod, each on all its processors: side by
#: side each would hold a copy. One that costs pods their lives is found out and left out.
LARGE_CELLS = 3_000_000
_ROUND = 1_000


def is_large(rows: int, columns: int) -> bool:
    """Whether a table has so many cells that its fits run one after the other."""
    return rows * columns >= LARGE_CELLS


def build_bytes(rows: int, columns: int) -> int:
    """What learning from a table of this size takes."""
    return BASE_BYTES + rows * columns * CELL_BYTES


def rows_to_learn_from(memory: int, columns: int) -> int:
    """How many rows of so many columns fit into a pod's memory."""
    rows = max(0, memory - BASE_BYTES) // (max(1, columns) * CELL_BYTES)
    return max(LEAST_ROWS, rows // _ROUND * _ROUND)


def rows_to_type(memory: int, row_bytes: float) -> int:
    """How many rows of a column of so many bytes a row can be looked at together."""
    rows = max(0, memory - BASE_BYTES) / (TYPING_ROW_BYTES + TYPING_COPIES * row_bytes)
    return max(LEAST_ROWS, int(rows))
