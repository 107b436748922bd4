"""Dataset: a table that models learn from."""

from typing import Any, ClassVar, Literal

from pydantic import Field

from modelyard_crds.base import (
    AGE_COLUMN,
    LABEL_RULE,
    MESSAGE_COLUMN,
    NAME_RULE,
    REASON_COLUMN,
    ApiModel,
    Column,
    KindInfo,
    Resource,
)
from modelyard_crds.conditions import Condition, Conditions
from modelyard_crds.fields import MAX_COLUMNS, ONE_SOURCE, FieldType, Resources, Source

DatasetFormat = Literal["auto", "csv", "parquet", "jsonl"]


class DatasetSpec(ApiModel):
    """Where the table is and how to read it."""

    display_name: str | None = Field(None, description="Name for people.", max_length=253)
    description: str | None = Field(None, description="What the rows are.", max_length=4096)
    source: Source = Field(description="Where the content is.", json_schema_extra=ONE_SOURCE)
    format: DatasetFormat = Field("auto", description="How to read it; auto looks at it.")
    resources: Resources | None = Field(
        None, description="Requests and limits of the pod that reads the content."
    )


class ColumnStatus(ApiModel):
    """What was seen in one column."""

    name: str = Field(max_length=253)
    type: FieldType = Field(description="Type that its values fit.")
    nullable: bool = Field(description="Whether a row has no value.")
    distinct: int = Field(description="Number of different values.", ge=0)


class DatasetStatus(ApiModel):
    """What was read."""

    id: str | None = Field(None, description="Id in REST, ds_…", max_length=32)
    phase: Literal["PENDING", "PROFILING", "READY", "ERROR"] | None = Field(
        None, description="Summary in one word."
    )
    observed_generation: int | None = Field(None, description="Generation of the spec seen.")
    source_hash: str | None = Field(
        None, description="Hash of the source that this profile speaks of.", max_length=64
    )
    attempts: int | None = Field(None, description="Failed readings of this source.", ge=0)
    digest: str | None = Field(
        None, description="sha256 of the content's bytes, sha256:…", max_length=71
    )
    rows: int | None = Field(None, description="Rows of data.", ge=0)
    size_bytes: int | None = Field(None, description="Bytes of the content.", ge=0)
    columns: list[ColumnStatus] | None = Field(
        None,
        description=f"Columns, at most {MAX_COLUMNS}; columnCount tells how many there are.",
        max_length=MAX_COLUMNS,
    )
    column_count: int | None = Field(None, description="Number of columns.", ge=0)
    conditions: Conditions = Field(default_factory=list[Condition])


class Dataset(Resource):
    """A table that models learn from, read once, profiled and digested."""

    info: ClassVar[KindInfo] = KindInfo(
        kind="Dataset",
        plural="datasets",
        singular="dataset",
        short_name="dset",
        rules=(NAME_RULE, LABEL_RULE),
        columns=(
            Column("Phase", "string", ".status.phase", "Summary."),
            Column("Rows", "integer", ".status.rows", "Rows of data."),
            Column("Columns", "integer", ".status.columnCount", "Number of columns."),
            REASON_COLUMN,
            AGE_COLUMN,
            MESSAGE_COLUMN,
        ),
    )

    kind: str = "Dataset"
    spec: DatasetSpec
    status: DatasetStatus = Field(default_factory=DatasetStatus)

    def source_key(self, refresh: str) -> dict[str, Any]:
        """All that decides what is read, and whether that can be done: a change reads again."""
        resources = self.spec.resources
        return {
            "source": self.spec.source.to_json(),
            "format": self.spec.format,
            "refresh": refresh,
            "uid": self.metadata.uid,
            **({"resources": resources.to_json()} if resources else {}),
        }
