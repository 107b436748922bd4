"""The shapes of what the specification leaves out: datasets, uploads, jobs and API keys."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from modelyard_api.mapping.shapes import (
    WHOLE_NUMBER,
    Answer,
    Description,
    DisplayName,
    FaultField,
    Pagination,
    Request,
    UtcTime,
)
from modelyard_api.scopes import Scope

DatasetPhase = Literal["PENDING", "PROFILING", "READY", "ERROR"]
JobStatus = Literal["PENDING", "RUNNING", "SUCCEEDED", "FAILED", "CANCELLED"]
Filename = Annotated[str, Field(min_length=1, max_length=255, pattern=r"^[^/\\\x00-\x1f]+$")]


class DatasetCreate(Request):
    """A table at an address."""

    name: DisplayName
    uri: Annotated[str, Field(max_length=2048, pattern=r"^(s3|gs|az|https|example)://.+$")]
    description: Description | None = None
    format: Literal["auto", "csv", "parquet", "jsonl"] = "auto"


class ColumnJson(Answer):
    """One column of a dataset."""

    name: str
    type: str
    nullable: bool
    distinct: int


class DatasetJson(Answer):
    """A dataset."""

    dataset_id: str
    name: str
    dataset_name: str = Field(description="Name of the Dataset resource.")
    description: str | None
    status: DatasetPhase
    upload_id: str | None
    uri: str | None
    digest: str | None
    rows: int | None
    size_bytes: int | None
    columns: list[ColumnJson] | None
    created_at: UtcTime
    error: FaultField = None


class DatasetList(Answer):
    """A page of datasets."""

    datasets: list[DatasetJson]
    pagination: Pagination


class DatasetDeleted(Answer):
    """A dataset that is gone."""

    dataset_id: str
    status: Literal["DELETED"] = "DELETED"
    deleted_at: UtcTime


class UploadFileCreate(Request):
    """A file that will be sent."""

    filename: Filename
    content_type: str | None = None
    size_bytes: Annotated[int, Field(ge=0), WHOLE_NUMBER] | None = None


class UploadCreate(Request):
    """An upload of one or several files that together are one table."""

    name: DisplayName | None = None
    description: Description | None = None
    files: Annotated[
        list[UploadFileCreate],
        Field(min_length=1, max_length=100, description="No two of the same name."),
    ]


class UploadUpdate(Request):
    """Ends an upload."""

    status: Literal["complete"]


class UploadFileJson(Answer):
    """A file of an upload."""

    filename: str
    upload_url: str = Field(description="Where to PUT the file, here or in the store itself.")
    upload_url_expires_at: UtcTime | None = Field(
        None,
        exclude_if=lambda value: value is None,
        description="Only of an address in the store: send it no credential.",
    )
    size_bytes: int | None = Field(description="Bytes that arrived; null before.")
    digest: str | None


class UploadJson(Answer):
    """An upload."""

    upload_id: str
    name: str
    description: str
    status: Literal["pending", "complete"]
    files: list[UploadFileJson]
    created_at: UtcTime


class UploadList(Answer):
    """A page of uploads."""

    uploads: list[UploadJson]
    pagination: Pagination


class UploadDeleted(Answer):
    """An upload that is gone."""

    upload_id: str
    status: Literal["DELETED"] = "DELETED"
    deleted_at: UtcTime


class JobJson(Answer):
    """A build."""

    job_id: str
    model_name: str
    model_version: str
    version_id: str
    status: JobStatus
    progress: int
    step: str | None
    created_at: UtcTime
    started_at: UtcTime | None
    finished_at: UtcTime | None
    error: FaultField = None


class JobList(Answer):
    """A page of builds, newest first."""

    jobs: list[JobJson]
    pagination: Pagination


class ApiKeyCreate(Request):
    """A key to make."""

    name: DisplayName
    scopes: Annotated[list[Scope], Field(min_length=1)] = Field(default_factory=lambda: list(Scope))
    expires_at: datetime | None = Field(None, description="RFC 3339; left out: never.")


class ApiKeyJson(Answer):
    """A key, without the key itself."""

    key_id: str
    name: str
    scopes: list[Scope]
    tier: str = Field(description="The limits it has: a tier of the chart's values.")
    created_at: UtcTime
    created_by: str | None
    expires_at: UtcTime | None
    last_used_at: UtcTime | None


class ApiKeyCreated(ApiKeyJson):
    """A new key; the only answer that shows it."""

    api_key: str


class ApiKeyList(Answer):
    """All keys of the account."""

    api_keys: list[ApiKeyJson]


class ApiKeyDeleted(Answer):
    """A key that opens nothing any more."""

    key_id: str
    status: Literal["DELETED"] = "DELETED"
    deleted_at: UtcTime
