"""The data sets of ``example://NAME``: real tables that the image ships, as CSV text.

They come out of scikit-learn's own data files, with column names and labels as a person would
write them.
"""

import csv
import io
import re
from collections.abc import Callable
from typing import Any, NamedTuple

from modelyard_crds.reasons import Reason
from modelyard_runtime.errors import UserError


class _Example(NamedTuple):
    loader: str
    target: str
    label: Callable[[Any, Any], object]


def _named(dataset: Any, value: Any) -> object:
    return str(dataset.target_names[int(value)])


def _cultivar(_dataset: Any, value: Any) -> object:
    return f"cultivar_{int(value) + 1}"


def _whole(_dataset: Any, value: Any) -> object:
    return int(value)


_EXAMPLES = {
    "breast_cancer": _Example("load_breast_cancer", "diagnosis", _named),
    "wine": _Example("load_wine", "cultivar", _cultivar),
    "iris": _Example("load_iris", "species", _named),
    "digits": _Example("load_digits", "digit", _whole),
    "diabetes": _Example("load_diabetes", "disease_progression", _whole),
}


def read(name: str) -> bytes:
    """A data set as CSV.

    Raises UserError for a name that is not there.
    """
    example = _EXAMPLES.get(name)
    if example is None:
        raise UserError(
            Reason.SOURCE_NOT_FOUND,
            f"example://{name} does not exist; there are "
            f"{', '.join(f'example://{known}' for known in _EXAMPLES)}.",
        )
    from sklearn import datasets

    loader = getattr(datasets, example.loader)
    # Diabetes comes standardised; its raw figures are what people measure.
    dataset = loader(scaled=False) if name == "diabetes" else loader()
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*map(_column_name, dataset.feature_names), example.target])
    for row, value in zip(dataset.data, dataset.target, strict=True):
        writer.writerow([*(_number(cell) for cell in row), example.label(dataset, value)])
    return text.getvalue().encode()


def _column_name(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", re.sub(r"\(.*?\)", "", name.lower())).strip("_")


def _number(value: float) -> object:
    return int(value) if float(value).is_integer() else float(f"{value:.10g}")
