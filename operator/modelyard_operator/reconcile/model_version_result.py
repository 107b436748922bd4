"""What a ModelVersion's status says of a published manifest."""

from dataclasses import dataclass
from typing import Any

from modelyard_crds.build import Manifest, logs_key, manifest_key
from modelyard_crds.model_version import Artifact

#: Decimals of metrics; rounding here, once, keeps the status from ever differing by noise.
METRIC_DECIMALS = 6
MAX_WARNINGS = 20
WARNING_LENGTH = 512


@dataclass(frozen=True)
class Published:
    """A manifest as it was read from the store."""

    manifest: Manifest
    digest: str
    store_url: str


def summary(manifest: Manifest) -> str:
    """One sentence on what was built and how good it is."""
    value = manifest.metrics.get(manifest.metric)
    measured = f", {manifest.metric} {value:.3f}" if value is not None else ""
    targets = ", ".join([head.target for head in manifest.heads] or [manifest.target])
    return (
        f"Predicts {targets} ({manifest.task}) with {manifest.training_info.algorithm}{measured}."
    )


def logs_address(store_url: str, version_uid: str) -> str:
    """The address of a build's log."""
    return f"{store_url.rstrip('/')}/{logs_key(version_uid)}"


def result_fields(published: Published) -> dict[str, Any]:
    """The fields of ModelVersionStatus that the manifest fills."""
    manifest = published.manifest
    artifact = Artifact(
        uri=f"{published.store_url.rstrip('/')}/{manifest_key(manifest.version_uid)}",
        digest=published.digest,
        size_bytes=sum(file.size_bytes for file in manifest.files),
    )
    return {
        "progress": 100,
        "step": None,
        "task": manifest.task,
        "target": manifest.target,
        "plan": manifest.plan,
        "metric": manifest.metric,
        "metrics": {
            name: round(value, METRIC_DECIMALS) for name, value in sorted(manifest.metrics.items())
        },
        "training_info": manifest.training_info,
        "input_schema": list(manifest.input_schema),
        "output_schema": list(manifest.output_schema),
        "warnings": [text[:WARNING_LENGTH] for text in manifest.warnings[:MAX_WARNINGS]] or None,
        "artifact": artifact,
        "logs": logs_address(published.store_url, manifest.version_uid),
    }
