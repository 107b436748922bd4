"""The model card as data: what a version is for, how good it is and how sure that is.

Training writes it beside the artifact as ``model_card.json``; ``card.md`` says the same in words
and plots. ``make generate`` makes the reference page and the JSON Schema from these types.
"""

from datetime import datetime
from typing import Literal

from pydantic import Field

from modelyard_crds.base import ApiModel
from modelyard_crds.fields import FieldSchema
from modelyard_crds.plan import DroppedColumn, PlannedSplit, Task

#: Fields may be added under a number. To take one away or change what one means, raise it.
CARD_FORMAT = 1

#: The files of a card in an artifact, beside its plots: for people, and as data.
CARD_FILE, CARD_DATA_FILE = "card.md", "model_card.json"

MAX_LABELS = 20
MAX_ATTEMPTS = 20
MAX_POINTS = 101

#: How rows were kept from the model that is judged by them.
Judging = Literal["cross-validation", "held-out rows", "backtest"]


class MetricFigure(ApiModel):
    """One metric on rows that were not learnt from."""

    name: str
    value: float
    low: float | None = Field(None, description="Lower end of the confidence interval.")
    high: float | None = Field(None, description="Upper end of the confidence interval.")
    baseline: float | None = Field(
        None, description="The metric of a prediction that looks at no column."
    )


class Evaluation(ApiModel):
    """Which rows the metrics come from, and how the intervals were made."""

    judging: Judging
    rows: int = Field(description="Rows that were judged.", ge=0)
    folds: int = Field(description="Models that judged them, each without its rows.", ge=1)
    confidence: float = Field(description="Coverage of the intervals.", gt=0, lt=1)
    draws: int = Field(description="Draws of the bootstrap.", ge=1)
    drawn: str = Field(description="What was drawn: rows, or blocks of rows that are alike.")


class ConfusionMatrix(ApiModel):
    """How often each class was taken for which."""

    labels: list[str] = Field(
        description=f"The {MAX_LABELS} most frequent classes, in the order of the counts; where "
        "there are more, the counts end in a line and a column for the others."
    )
    counts: list[list[int]] = Field(description="A line a true class, a column a predicted one.")


class OperatingPoint(ApiModel):
    """What comes of calling rows positive from a probability on."""

    threshold: float
    precision: float
    recall: float
    false_positive_rate: float


class CalibrationBin(ApiModel):
    """Rows with alike probabilities: a tenth of all."""

    rows: int
    predicted: float = Field(description="Their mean probability.")
    observed: float = Field(description="How often it came true.")


class CalibrationFigures(ApiModel):
    """How well probabilities match what happens; less is better."""

    log_loss: float
    brier: float = Field(description="Mean squared distance of the probabilities from the truth.")
    ece: float = Field(
        description="Expected calibration error: mean distance of predicted and observed shares."
    )


class Correction(ApiModel):
    """How probabilities are corrected, within the graph: softmax(slope * log(p) + shift)."""

    slope: float
    shift: list[float] = Field(description="For each class.")


class Calibration(ApiModel):
    """Whether a probability of 0.8 comes true in 8 of 10 cases."""

    of: str = Field(description="Whose probability is meant: a class, or the predicted class.")
    figures: CalibrationFigures
    before: CalibrationFigures | None = Field(
        None, description="Without the correction, where there is one."
    )
    correction: Correction | None = None
    bins: list[CalibrationBin]


class Histogram(ApiModel):
    """How often values lie between neighbouring edges; the outer bins hold all beyond."""

    edges: list[float]
    counts: list[int]


class ResidualBin(ApiModel):
    """Rows with alike predictions: a tenth of all."""

    rows: int
    predicted: float = Field(description="Mean of the predictions.")
    low: float = Field(description="A tenth of the true values lies below.")
    middle: float = Field(description="Median of the true values.")
    high: float = Field(description="A tenth of the true values lies above.")


class Residuals(ApiModel):
    """True values minus predictions."""

    mean: float
    quantiles: dict[str, float]
    histogram: Histogram
    by_prediction: list[ResidualBin]


class Attempt(ApiModel):
    """A candidate of the search that was judged on all folds."""

    algorithm: str
    settings: dict[str, float | None]
    score: float = Field(description="What candidates were ranked by; greater is better.")
    seconds: float = Field(description="Time of its fits.", ge=0)
    weight: float = Field(description="Its weight in the model; 0 where it is no part of it.")


class LearningPoint(ApiModel):
    """How good the best candidate was with fewer rows."""

    rows: int
    score: float


class TargetCard(ApiModel):
    """One target: how well it is predicted."""

    target: str
    task: Task
    metric: str = Field(description="What the search optimised.")
    positive_class: str | None = None
    evaluation: Evaluation
    metrics: list[MetricFigure]
    confusion_matrix: ConfusionMatrix | None = None
    operating_points: list[OperatingPoint] | None = Field(
        None, description="Of two classes: ROC and precision-recall curve by threshold."
    )
    calibration: Calibration | None = None
    residuals: Residuals | None = None
    attempts: list[Attempt] = Field(
        description=f"The best candidates, at most {MAX_ATTEMPTS}, the best one first."
    )
    learning: list[LearningPoint] = Field(
        description="Where a search tried candidates on fewer rows first."
    )


class ModelCard(ApiModel):
    """What a version is for, what it was made from and how good it is."""

    format: int = CARD_FORMAT
    model: str
    version: int
    created_at: datetime
    runtime: str = Field(description="Version of Modelyard that made it.")
    intent: str
    algorithm: str
    candidates: int = Field(description="Candidates that were tried.")
    dataset_digest: str
    dataset_rows: int | None = Field(None, description="Rows of the dataset.")
    rows: int = Field(description="Rows that were learnt from.")
    seconds: float = Field(description="Duration of the build.")
    targets: list[TargetCard]
    importance: dict[str, float] = Field(
        description="Share of each input in what the model knows: by how much the score falls when "
        "its values are shuffled among unseen rows."
    )
    split: PlannedSplit | None = Field(
        None, description="What keeps the rows that judge apart from those learnt from."
    )
    input_schema: list[FieldSchema]
    output_schema: list[FieldSchema]
    dropped: list[DroppedColumn]
    warnings: list[str]
    matrix_columns: list[str] = Field(description="Columns that the scikit-learn pipeline takes.")
    onnx_difference: float = Field(
        description="Greatest difference between graph and scikit-learn's model, over all rows."
    )
    libraries: dict[str, str]
