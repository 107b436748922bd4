"""What pods, operator and façade say to each other: messages, store layout, exit codes.

A training or profiling pod holds no Kubernetes credentials. It gets its work as one JSON
environment variable, reads and writes the object store, and ends with a short message that the
kubelet keeps. The manifest in the store is the truth; the message is the fast path to it.
"""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field, JsonValue

from modelyard_crds.base import ApiModel
from modelyard_crds.conditions import shorten
from modelyard_crds.dataset import ColumnStatus, DatasetFormat
from modelyard_crds.fields import FieldSchema, Source
from modelyard_crds.model_deployment import PredictionLog
from modelyard_crds.model_version import Build, TrainingInfo
from modelyard_crds.plan import BuildPlan, Task
from modelyard_crds.reasons import Reason

#: To change the layout of the manifest: raise this number, teach serving to read the new and
#: every older one, and add a manifest of the old format to the tests. A pod refuses a manifest
#: whose number is greater than its own with reason ArtifactUnsupported.
#: 1: one target. 2: also ``heads``. 3: ``files`` of any name; those that a pod does not know it
#: passes over. 4: ``quantiles``.
MANIFEST_FORMAT = 4
#: The graph's output where there are heads.
SCORES_OUTPUT = "scores"

#: Environment variables of the pods.
ENV_PROFILE_REQUEST = "MODELYARD_PROFILE_REQUEST"
ENV_BUILD_REQUEST = "MODELYARD_BUILD_REQUEST"
ENV_SERVE_REQUEST = "MODELYARD_SERVE_REQUEST"
ENV_POD_UID = "MODELYARD_POD_UID"

#: Which of a build's pods this is, from 0; Kubernetes sets it in the pods of an Indexed Job.
ENV_RANK = "JOB_COMPLETION_INDEX"
#: Where the pods of a build of several listen, under TLS only: rank 0 for all of them, and each
#: for what it is asked.
LEADER_PORT, WORKER_PORT = 8786, 8787
#: Where rank 0 listens while all pods learn one model together, under the same TLS.
LEARNING_PORT = 8788
#: Where those pods find the secret that they share, and its only key.
PODS_MOUNT = "/var/run/modelyard/pods"
PODS_SECRET_KEY = "secret"  # noqa: S105 - a name, not a secret

#: An endpoint that may propose a plan; its key is a file, or by hand an environment variable.
ENV_PLANNER_URL, ENV_PLANNER_MODEL = "MODELYARD_PLANNER_URL", "MODELYARD_PLANNER_MODEL"
ENV_PLANNER_KEY = "MODELYARD_PLANNER_KEY"
PLANNER_KEY_FILE = "key"

#: Folders where the pods find Secrets, one file a key.
STORE_MOUNT = "/var/run/modelyard/store"
SOURCE_MOUNT = "/var/run/modelyard/source"
PLANNER_MOUNT = "/var/run/modelyard/planner"

#: Above all prediction logs, and for how many days they are kept.
PREDICTIONS_PREFIX = "predictions/"
PREDICTIONS_KEPT_DAYS = 7

#: Port of a serving pod.
SERVING_PORT = 8080

#: The pod did what was asked.
EXIT_OK = 0
#: The fault is in the dataset or the spec: trying again gives the same (EX_DATAERR).
EXIT_USER_FAULT = 65
#: The fault is outside and may pass: the store or the source does not answer (EX_TEMPFAIL).
EXIT_TEMPORARY = 75

#: The kubelet keeps 4,096 bytes; half of it leaves room for multi-byte characters.
MESSAGE_MAX_BYTES = 2048


class StoreConfig(ApiModel):
    """How to open the object store: the keys of the Secret ``modelyard-store``, as they are.

    ``url`` has the bucket and an optional prefix, such as ``s3://modelyard/prod``; credentials
    left empty are taken from the surroundings (instance or workload identity).
    """

    url: str
    endpoint: str = ""
    region: str = "us-east-1"
    access_key_id: str = ""
    secret_access_key: str = ""
    allow_http: bool = False


class ProfileRequest(ApiModel):
    """Read one source: the work of a profiling pod."""

    namespace: str
    dataset: str
    dataset_uid: str
    source_hash: str
    source: Source
    format: DatasetFormat = "auto"


class Profile(ApiModel):
    """What a profiling pod saw; stored at ``profile_key``."""

    digest: str
    rows: int
    size_bytes: int
    column_count: int
    columns: list[ColumnStatus]
    format: DatasetFormat


class BuildRequest(ApiModel):
    """Build one version: the work of a training pod."""

    namespace: str
    model: str
    version: int
    version_uid: str
    job_id: str
    dataset_id: str = ""
    build: Build
    #: Host name of the pod of rank 0; absent where there is one pod only.
    leader: str | None = None


class Progress(ApiModel):
    """How far a build is; stored at ``progress_key`` while it runs."""

    percent: int = Field(ge=0, le=100)
    step: str
    updated_at: datetime


class LogLine(ApiModel):
    """One line of a build's log; stored as JSON lines at ``logs_key``."""

    timestamp: datetime
    level: Literal["DEBUG", "INFO", "WARNING", "ERROR"]
    message: str


class PodResult(ApiModel):
    """The termination message of a profiling, training or serving pod."""

    reason: Reason
    message: str = ""
    digest: str | None = None

    @property
    def succeeded(self) -> bool:
        """Whether the pod did what was asked."""
        return self.reason is Reason.READY

    def encode(self) -> str:
        """JSON of at most MESSAGE_MAX_BYTES bytes; the message is cut where it is longer."""
        text = self.model_dump_json(by_alias=True, exclude_none=True)
        limit = len(self.message)
        while len(text.encode()) > MESSAGE_MAX_BYTES and limit > 0:
            limit -= max(1, limit // 8)
            cut = self.model_copy(update={"message": shorten(self.message, limit)})
            text = cut.model_dump_json(by_alias=True, exclude_none=True)
        return text

    @classmethod
    def decode(cls, text: str) -> "PodResult | None":
        """The result in a termination message; None where it is cut, empty or somebody else's."""
        try:
            return cls.model_validate_json(text)
        except ValueError:
            return None


class ManifestFile(ApiModel):
    """One file of an artifact."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,62}$")
    key: str = Field(description="Key in the store.")
    digest: str = Field(pattern=r"^sha256:[0-9a-f]{64}$")
    size_bytes: int = Field(ge=0)


class NumericFeature(ApiModel):
    """One column of the graph's input ``numeric`` (float32, rows by features).

    A datetime column gives several parts; booleans are 0 and 1; missing is NaN.
    """

    column: str
    part: Literal["value", "year", "month", "day", "weekday", "hour", "epoch_day"] = "value"
    offset: float = Field(
        0.0, description="Subtracted in double precision before the cast to float32."
    )


class Output(ApiModel):
    """Where one field of a prediction comes from."""

    name: str
    source: Literal["class", "value", "quantile", "probability", "probabilities", "confidence"] = (
        Field(description="For confidence it is the probability of the class that is predicted.")
    )
    label: str | None = Field(
        None, description="The class whose probability it is, for source probability."
    )
    quantile: float | None = Field(None, description="Which one it is, for source quantile.")
    target: str | None = Field(None, description="Whose prediction it is, of several targets.")


class Head(ApiModel):
    """What the graph says of one target: neighbouring columns of its output."""

    target: str
    task: Task
    classes: list[str] = Field(
        default_factory=list, description="Labels as text, in the order of their columns."
    )
    positive_class: str | None = None
    quantiles: list[float] = Field(
        default_factory=list, description="In the order of their columns, which follow the value."
    )

    @property
    def width(self) -> int:
        """Columns of the output."""
        return len(self.classes) or 1 + len(self.quantiles)


class Manifest(ApiModel):
    """The artifact of a version: what was built, from what, and the digests of its files.

    The graph in ``model.onnx`` has the inputs ``numeric`` (float32, [rows, len(numeric)]) and
    ``text`` (string, [rows, len(text)]; missing is the empty string), each only where it has
    columns, and one output: ``probabilities`` (float32, [rows, len(classes)]) or ``value``
    (float32, [rows, 1 + len(quantiles)]), the value and its quantiles in ascending order. The
    class is the greatest probability, the first one of equals.

    With ``heads`` the one output is ``scores`` (float32, [rows, sum of their widths]), and the
    fields of a single target are those of the first head.
    """

    format: int = MANIFEST_FORMAT
    runtime: str = Field(description="Version of Modelyard that made it.")
    libraries: dict[str, str] = Field(description="Versions of the libraries that made it.")
    namespace: str
    model: str
    version: int
    version_uid: str
    created_at: datetime
    intent: str
    dataset_digest: str
    task: Task
    target: str
    classes: list[str] = Field(description="Labels as text, in the order of the probabilities.")
    positive_class: str | None = None
    quantiles: list[float] = Field(
        default_factory=list, description="That are predicted beside the value, ascending."
    )
    metric: str
    metrics: dict[str, float]
    training_info: TrainingInfo
    input_schema: list[FieldSchema]
    output_schema: list[FieldSchema]
    outputs: list[Output]
    heads: list[Head] = Field(default_factory=list, description="Where there are several targets.")
    plan: BuildPlan | None = None
    numeric: list[NumericFeature]
    text: list[str]
    example: dict[str, JsonValue] = Field(description="A typical request.")
    warnings: list[str] = Field(default_factory=list)
    files: list[ManifestFile]

    @property
    def output_name(self) -> str:
        """The graph's output that predictions come from."""
        if self.heads:
            return SCORES_OUTPUT
        return "value" if self.task == "regression" else "probabilities"

    @property
    def all_heads(self) -> list[Head]:
        """The heads, also of a single target."""
        one = Head(
            target=self.target,
            task=self.task,
            classes=self.classes,
            positive_class=self.positive_class,
            quantiles=self.quantiles,
        )
        return self.heads or [one]

    def columns_of(self, target: str | None) -> tuple[Head, slice]:
        """The head of a target and its columns in the graph's output; None is the first one.

        Raises ValueError where the target is not predicted.
        """
        start = 0
        for head in self.all_heads:
            if target in {None, head.target}:
                return head, slice(start, start + head.width)
            start += head.width
        msg = f"no head predicts {target!r}"
        raise ValueError(msg)

    def file(self, name: str) -> ManifestFile | None:
        """The file of a name, or None."""
        return next((file for file in self.files if file.name == name), None)


class ServeRequest(ApiModel):
    """Serve one version: the work of a serving pod."""

    namespace: str
    model: str
    version: int
    manifest_key: str
    manifest_digest: Annotated[str, Field(pattern=r"^sha256:[0-9a-f]{64}$")]
    deployment_uid: str = Field("", description="Empty where no ModelDeployment is behind it.")
    prediction_log: PredictionLog | None = None


def upload_prefix(namespace: str, upload_id: str) -> str:
    """Folder of an upload's files."""
    return f"uploads/{namespace}/{upload_id}/"


def upload_record_key(namespace: str, upload_id: str) -> str:
    """Where the record of an upload is; written last, it makes the upload complete."""
    return f"uploads/{namespace}/{upload_id}.json"


def profile_key(dataset_uid: str, source_hash: str) -> str:
    """Where a profile is stored."""
    return f"profiles/{dataset_uid}/{source_hash}.json"


def build_prefix(version_uid: str) -> str:
    """Folder of all that a build writes."""
    return f"builds/{version_uid}/"


def fits_prefix(version_uid: str) -> str:
    """Folder of the finished fits of a running build; it is gone when the build has ended well."""
    return f"{build_prefix(version_uid)}fits/"


def manifest_key(version_uid: str) -> str:
    """Where a version's manifest is; written last and once, it makes the version READY."""
    return f"{build_prefix(version_uid)}manifest.json"


def progress_key(version_uid: str) -> str:
    """Where a running build says how far it is."""
    return f"{build_prefix(version_uid)}progress.json"


def logs_key(version_uid: str) -> str:
    """Where a build's log is, as JSON lines."""
    return f"{build_prefix(version_uid)}logs.jsonl"


def predictions_folder(moment: datetime, deployment_uid: str, pod_uid: str) -> str:
    """Folder of a pod's prediction log of one day; days first, so that old ones go as a whole."""
    return f"{PREDICTIONS_PREFIX}{moment:%Y-%m-%d}/{deployment_uid}/{pod_uid}/"


class UploadFile(ApiModel):
    """One file of an upload."""

    filename: str
    key: str
    size_bytes: int
    digest: str


class UploadRecord(ApiModel):
    """What a complete upload consists of; stored at ``upload_record_key``."""

    upload_id: str
    name: str = ""
    description: str = ""
    created_at: datetime
    files: list[UploadFile]
