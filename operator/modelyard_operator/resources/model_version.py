"""The next ModelVersion of a Model: its whole build, resolved, and the hash that asked for it."""

from modelyard_crds import names
from modelyard_crds.base import NameRef
from modelyard_crds.dataset import Dataset
from modelyard_crds.fields import LONGEST_SEARCH
from modelyard_crds.model import Model
from modelyard_crds.model_version import Build, ModelVersion, ModelVersionSpec
from modelyard_operator.resources.runtime import Manifest, metadata

#: To change what counts as build-relevant: raise this number only if every model shall be built
#: again on upgrade. A new optional field that is left out while unset needs no new number.
HASH_VERSION = 1


def spec_hash(model: Model, dataset_digest: str) -> str:
    """Hash of what a build of this Model would be made of; a new hash asks for a new version."""
    spec = model.spec
    return names.content_hash(
        {
            "hash": HASH_VERSION,
            "intent": spec.intent,
            "inputSchema": [field.to_json() for field in spec.input_schema or ()],
            "outputSchema": [field.to_json() for field in spec.output_schema or ()],
            "dataset": dataset_digest,
            "metric": spec.training.metric,
            "maxIterations": spec.training.max_iterations,
            "timeBudget": spec.training.time_budget or LONGEST_SEARCH,
            "seed": spec.training.seed,
            "retrain": model.metadata.annotations.get(names.ANNOTATION_RETRAIN, ""),
            # A budget that is set is used up; one that is not keeps the hash that it always had.
            **({"useUp": True} if spec.training.time_budget is not None else {}),
            **({"plan": spec.plan.to_json()} if spec.plan is not None else {}),
        }
    )


def build_model_version(model: Model, dataset: Dataset, number: int) -> Manifest:
    """Version N of a Model; creating this object is the claim on N.

    The Dataset must be Ready.
    """
    seen = dataset.status
    if seen.digest is None:
        msg = f"Dataset {dataset.metadata.name} has no digest"
        raise ValueError(msg)
    spec = ModelVersionSpec(
        model_ref=NameRef(name=model.metadata.name),
        version=number,
        spec_hash=spec_hash(model, seen.digest),
        build=Build(
            intent=model.spec.intent,
            dataset_ref=model.spec.dataset_ref,
            dataset_digest=seen.digest,
            dataset_size_bytes=seen.size_bytes or 0,
            dataset_rows=seen.rows or 0,
            dataset_columns=seen.column_count or 0,
            source=dataset.spec.source,
            format=dataset.spec.format,
            input_schema=model.spec.input_schema,
            output_schema=model.spec.output_schema,
            training=model.spec.training,
            plan=model.spec.plan,
        ),
    )
    labels = {
        names.MANAGED_BY: names.MANAGER,
        names.LABEL_MODEL: model.metadata.name,
        names.LABEL_VERSION: str(number),
    }
    return {
        "apiVersion": names.API_VERSION,
        "kind": "ModelVersion",
        "metadata": metadata(model, names.version_name(model.metadata.name, number), labels, {}),
        "spec": spec.to_json(),
    }


def build_cancellation(version: ModelVersion) -> Manifest:
    """The one field of a version that may be set after it was made."""
    return {
        "apiVersion": names.API_VERSION,
        "kind": "ModelVersion",
        "metadata": {
            "name": version.metadata.name,
            "namespace": version.metadata.namespace,
            "uid": version.metadata.uid,
        },
        "spec": {"cancelled": True},
    }
