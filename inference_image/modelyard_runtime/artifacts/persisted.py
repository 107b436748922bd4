"""The scikit-learn pipeline of a version as skops, which loads nothing that is not on a list.

``TRUSTED`` is that list beyond what skops trusts by itself: pass it to ``skops.io.load``.
"""

import importlib
import warnings
from threading import Thread
from typing import Any

#: Types of fitted models, of scikit-learn's, LightGBM's, numpy's and our own.
TRUSTED = (
    "collections.OrderedDict",
    "lightgbm.basic.Booster",
    "lightgbm.sklearn.LGBMClassifier",
    "lightgbm.sklearn.LGBMRegressor",
    "modelyard_runtime.training.calibration.Calibrated",
    "modelyard_runtime.training.log_scale.OnLogScale",
    "modelyard_runtime.training.quantiles.WithQuantiles",
    "modelyard_runtime.training.target_means.TargetEncoded",
    "numpy.dtype",
    "sklearn.neural_network._stochastic_optimizers.AdamOptimizer",
    "sklearn.tree._tree.Tree",
)


def prepare() -> None:
    """Import skops beside other work: it looks at every type of scikit-learn, for about a second.

    Whoever needs it sooner waits for the import by itself. Libraries warn no more from then on.
    """
    # Filters are shared by threads: the import puts back those that it found, in mid-search.
    warnings.simplefilter("ignore")
    Thread(target=importlib.import_module, args=("skops.io",), name="skops", daemon=True).start()


def persisted(model: Any) -> bytes | None:
    """The pipeline as bytes; None where a loader would refuse one of its types."""
    from skops import io

    content: bytes = io.dumps(model)
    unknown = set(io.get_untrusted_types(data=content)) - set(TRUSTED)
    return None if unknown else content
