"""The scikit-learn pipeline of a version as skops, which loads nothing that is not on a list.

``TRUSTED`` is that list beyond what skops trusts by itself: pass it to ``skops.io.load``.
"""

from typing import Any

#: Types of fitted trees, of scikit-learn's and numpy's own.
TRUSTED = (
    "numpy.dtype",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    "sklearn.tree._tree.Tree",
)


def persisted(model: Any) -> bytes | None:
    """The pipeline as bytes; None where a loader would refuse one of its types."""
    from skops import io

    content: bytes = io.dumps(model)
    unknown = set(io.get_untrusted_types(data=content)) - set(TRUSTED)
    return None if unknown else content
