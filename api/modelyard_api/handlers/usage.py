"""Who uses a dataset at the moment."""

from modelyard_api.services import Services
from modelyard_crds import Dataset


def building_from(services: Services, dataset: Dataset) -> list[str]:
    """Names of the versions that are being built from a dataset."""
    meta = dataset.metadata
    return [
        version.metadata.name
        for version in services.caches.versions.cache.values(meta.namespace)
        if version.spec.build.dataset_ref.name == meta.name and not version.ended
    ]
