"""Condition types and reasons: the documented words with which objects say how they are.

``docs/reference/conditions.md`` is generated from the texts here.
"""

from enum import StrEnum


class ConditionType(StrEnum):
    """Condition types on the four kinds, readable by kstatus and ``kubectl wait``."""

    READY = "Ready"
    PROGRESSING = "Progressing"
    STALLED = "Stalled"
    DEGRADED = "Degraded"
    DATA_DRIFT = "DataDrift"
    CANARY_READY = "CanaryReady"


class Reason(StrEnum):
    """One CamelCase word a condition; the message beside it names the cause and the next step."""

    text: str

    def __new__(cls, value: str, text: str) -> "Reason":
        """Attach to each reason the sentence that the reference prints."""
        member = str.__new__(cls, value)
        member._value_ = value
        member.text = text
        return member

    # Everything is as asked.
    READY = "Ready", "What the spec asks for is there."
    ASLEEP = "Asleep", "spec.replicas is 0: no pod serves until it is raised."

    # Work is going on.
    PENDING = "Pending", "Accepted, work has not started."
    PROFILING = "Profiling", "A pod is reading the dataset's content."
    BUILDING = "Building", "A version is being trained."
    ROLLING_OUT = "RollingOut", "Pods of the wanted version are starting."
    SUSPENDED = "Suspended", "The Job is suspended, for instance while it waits in a queue."
    TERMINATING = "Terminating", "The object is being deleted."

    # Waiting for another object.
    PAUSED = "Paused", "spec.paused is set: no version is made."
    DATASET_MISSING = "DatasetMissing", "The Dataset that the spec names does not exist."
    DATASET_NOT_READY = "DatasetNotReady", "The Dataset exists but is not Ready."
    MODEL_MISSING = "ModelMissing", "The Model that the spec names does not exist."
    VERSION_MISSING = "VersionMissing", "The pinned version does not exist."
    VERSION_NOT_READY = "VersionNotReady", "The pinned version is not READY."
    NO_READY_VERSION = "NoReadyVersion", "The model has no READY version yet."

    # The dataset.
    SOURCE_NOT_FOUND = "SourceNotFound", "Nothing is stored at the dataset's address."
    SOURCE_UNREACHABLE = "SourceUnreachable", "The server of the dataset's address did not answer."
    ACCESS_DENIED = "AccessDenied", "The credentials do not open the dataset's address."
    SECRET_MISSING = "SecretMissing", "The Secret with the dataset's credentials is missing."
    EMPTY_FILE = "EmptyFile", "The file holds no bytes, or no table."
    NO_HEADER = "NoHeader", "The first line is data, not column names."
    NO_ROWS = "NoRows", "There is a header but not a row of data."
    TOO_FEW_ROWS = "TooFewRows", "There are too few rows to train and test on."
    TOO_FEW_COLUMNS = "TooFewColumns", "One column leaves nothing to predict from."
    TOO_MANY_COLUMNS = "TooManyColumns", "The table is wider than the limit."
    DUPLICATE_COLUMNS = "DuplicateColumns", "Two columns have the same name."
    RAGGED_ROWS = "RaggedRows", "A row has more fields than the header."
    NOT_TABULAR = "NotTabular", "The content is not a table of the stated format."
    BAD_ENCODING = "BadEncoding", "The text is not in a known encoding."
    DATASET_CHANGED = "DatasetChanged", "The content is no longer what was profiled."

    # The plan.
    TARGET_NOT_FOUND = "TargetNotFound", "Neither intent nor output schema names a column."
    TARGET_AMBIGUOUS = "TargetAmbiguous", "Several columns fit the intent equally well."
    CONSTANT_TARGET = "ConstantTarget", "The target has one value in every row."
    TOO_FEW_EXAMPLES = "TooFewExamples", "A class or the target has too few examples."
    UNKNOWN_FIELD = "UnknownField", "A schema names a column that the dataset does not have."
    TYPE_MISMATCH = "TypeMismatch", "A column cannot be read as the type that a schema states."
    UNSUPPORTED_METRIC = "UnsupportedMetric", "The metric does not fit the task."
    UNSUPPORTED_TASK = "UnsupportedTask", "The intent asks for a task that is not built."
    NO_USABLE_FEATURES = "NoUsableFeatures", "No column is left to predict from."
    NO_CANDIDATE = "NoCandidate", "No candidate could be trained and converted."

    # The cluster.
    IMAGE_PULL_FAILED = "ImagePullFailed", "The node cannot fetch the image."
    UNSCHEDULABLE = "Unschedulable", "No node fits the pod; the scheduler's words follow."
    QUOTA_EXCEEDED = "QuotaExceeded", "A quota of the namespace refuses the pod or Job."
    LIMIT_RANGE_EXCEEDED = "LimitRangeExceeded", "A LimitRange of the namespace refuses the pod."
    FORBIDDEN_BY_POLICY = "ForbiddenByPolicy", "The API server or a policy refuses an object."
    CONTAINER_CONFIG_ERROR = "ContainerConfigError", "The container cannot be created."
    OUT_OF_MEMORY = "OutOfMemory", "The pod needed more memory than its limit."
    DEADLINE_EXCEEDED = "DeadlineExceeded", "The work took longer than allowed."
    NODE_LOST = "NodeLost", "The pod's node went away."
    JOB_LOST = "JobLost", "The Job was deleted before it ended."
    NAME_CONFLICT = "NameConflict", "An object of a derived name exists and is not ours."
    STORE_UNAVAILABLE = "StoreUnavailable", "The object store does not answer or refuses writes."

    # The version.
    CANCELLED = "Cancelled", "spec.cancelled was set."
    TRAINING_FAILED = "TrainingFailed", "A fault of the trainer; the logs say more."
    PROFILING_FAILED = "ProfilingFailed", "A fault of the profiler; the message says more."

    # Serving.
    ARTIFACT_MISSING = "ArtifactMissing", "The artifact is not in the store."
    ARTIFACT_MISMATCH = "ArtifactMismatch", "The artifact's bytes do not match its digest."
    ARTIFACT_UNSUPPORTED = "ArtifactUnsupported", "The artifact was made by a newer runtime."
    CRASH_LOOP = "CrashLoop", "Serving pods start and end again."
    NO_SCALING_METRICS = "NoScalingMetrics", "It serves, but the autoscaler measures nothing."
    NOT_PROGRESSING = "NotProgressing", "New pods did not become ready in time."
    POD_UNAVAILABLE = "PodUnavailable", "Fewer pods are ready than wanted."
    COLUMNS_DRIFTED = "ColumnsDrifted", "Columns of the rows predicted differ from training."
    NO_DRIFT = "NoDrift", "The rows predicted are like those of training."
    TOO_FEW_PREDICTIONS = "TooFewPredictions", "Too few rows were predicted to compare them."
    INTERNAL_ERROR = "InternalError", "A fault of Modelyard itself; it is retried."


#: Reasons after which trying the same source again may help, without a change of the object.
RETRIABLE_SOURCE = frozenset(
    {
        Reason.SOURCE_NOT_FOUND,
        Reason.SOURCE_UNREACHABLE,
        Reason.ACCESS_DENIED,
        Reason.STORE_UNAVAILABLE,
        Reason.NODE_LOST,
    }
)
